//! One module per command.

pub mod ban;
pub mod bans;
pub mod check;
pub mod context;
pub mod costs;
pub mod deploy;
pub mod doctor;
pub mod erase;
pub mod erasure;
pub mod events;
pub mod evidence;
pub mod experience;
pub mod export;
pub mod group;
pub mod history;
pub mod import;
pub mod key;
pub mod mirror;
mod open_cloud;
pub mod pending;
pub mod protected;
pub mod reference;
pub mod restore;
pub mod unban;
pub mod undo;
pub mod webhook;
pub mod workspace;
