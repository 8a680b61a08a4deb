//! The parts of the local stack, each for real: sockets, processes and a database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod database;
mod faults;
mod objects;
mod pumping;
mod roblox;
mod running;
mod template;
