//! Answers interactions on Discord: who acts, what they may do, and each command.
//!
//! Two functions run the same code. The one behind the route answers what our own tables know. What needs
//! Roblox, or takes too long, it leaves to the worker, which answers the same interaction again: the
//! interaction's id is the idempotency key of what it decides, so nothing is decided twice.

mod anyone;
mod ban;
mod bind;
mod commander;
mod desk;
mod edit;
mod evidence;
mod flow;
mod guild_ban;
mod guild_refusal;
mod key;
mod look;
mod menus;
mod person;
mod places;
mod show;
mod signed;
mod suggest;
mod unban;
mod undo;
mod unverify;
mod update;
mod verify;
mod whois;

pub use bind::KeyBinder;
pub use desk::{CommandDesk, DeskAnswer};
pub use edit::edit_answer;
pub use evidence::EvidenceCopier;
pub use signed::SignedInteraction;
