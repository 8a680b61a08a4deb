//! Roblox Open Cloud, as much of it as a mirror of bans needs: user restrictions, messages to
//! running servers, what a key may do, and which universe a place belongs to.
//!
//! Each call is made once and is over within 5 s; whoever makes it decides whether to come back.
//! Answers are read leniently and to a bound. Nothing here prints a key.

mod answer;
mod client;
mod keys;
mod message;
mod restriction;

pub use answer::RobloxError;
pub use client::{BASE_URL, Roblox, RobloxKey, TIME_LIMIT};
pub use keys::{KeyInfo, NEEDED_SCOPES, Scope};
pub use message::drop_player;
pub use restriction::{Ask, Change, Restriction, RestrictionPage};
