//! A client for Discord: the user who signs in, what members of a guild may do there, the application, and the
//! form of calls to a channel's webhook. [`DiscordFiles`] reads attached files, which takes longer.
//!
//! Each call is made once and ends within 2 s; retries are up to the caller. Answers are parsed
//! leniently, with a size limit. Nothing here prints a token.

mod answer;
mod application;
mod audit_log;
mod bans;
mod bot;
mod client;
mod files;
mod guilds;
mod interactions;
mod member_roles;
mod sign_in;
mod webhook;

pub use answer::DiscordError;
pub use application::RegisteredApplication;
pub use bot::DiscordBot;
pub use client::{DISCORD_URL, Discord, address};
pub use files::{DiscordFiles, FILE_TIME, FileFault, FileHead};
pub use member_roles::ManagedRole;
pub use sign_in::{DiscordUser, UserToken};
pub use webhook::webhook_headers;
