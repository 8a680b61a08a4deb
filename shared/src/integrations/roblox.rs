//! A client for Roblox Open Cloud: user restrictions, messages to running servers, roles in groups,
//! the permissions of a key, the universe of a place, and users' names.
//!
//! Each call is made once and ends within 5 s; retries are up to the caller. Answers are parsed
//! leniently, with a size limit. Nothing here prints a key.

mod answer;
mod client;
mod group_ranks;
mod groups;
mod keys;
mod message;
mod restriction;
mod users;

pub use answer::RobloxError;
pub use client::{BASE_URL, Roblox, RobloxKey, TIME_LIMIT};
pub use group_ranks::{GroupKey, GroupRanks, UnknownRank};
pub use groups::{GroupMember, GroupRolePage};
pub use keys::{KeyInfo, NEEDED_SCOPES, RobloxScope};
pub use message::drop_player;
pub use restriction::{Restriction, RestrictionChange, RestrictionPage, RestrictionRequest};
pub use users::{MOST_USERS, USERS_URL, UserByName, UsersApi};
