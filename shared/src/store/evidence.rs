//! Evidence: items in the bans table, files in a bucket. Each change is one conditional transaction;
//! the scheduled function finishes what one of them began.

pub(super) mod bucket;
mod complete;
mod create;
pub(super) mod due;
mod erase;
pub(super) mod events;
mod item;
mod quarantine;
mod quota;
pub(super) mod read;
mod remove;
mod set_aside;
mod update;
