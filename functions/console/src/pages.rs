//! One file per page: parse, authorize, read or decide, show.

pub mod ban_form;
pub mod ban_user;
pub mod bans;
pub mod discord;
pub mod find;
pub mod lift;
pub mod message;
pub mod player;
pub mod preferences;
pub mod result;
pub mod sign_in;
pub mod undo;
