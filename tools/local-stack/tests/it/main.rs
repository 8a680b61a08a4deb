//! The parts of the local stack, each for real: sockets, processes and a database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod calling;
mod database;
mod faults;
mod objects;
mod pumping;
mod receiving;
mod roblox;
mod running;
mod scheduling;
mod secrets;
mod template;
