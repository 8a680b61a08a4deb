//! One file per page: parse, authorize, read or decide, show.

pub mod activity;
pub mod ban_form;
pub mod ban_user;
pub mod bans;
pub mod discord;
pub mod evidence;
pub mod experiences;
pub mod find;
pub mod kept;
pub mod lift;
pub mod many;
pub mod message;
pub mod player;
pub mod preferences;
pub mod result;
pub mod run;
pub mod settings;
pub mod sign_in;
pub mod undo;
pub mod undo_period;
pub mod unlink;
