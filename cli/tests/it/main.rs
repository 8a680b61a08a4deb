//! End-to-end tests of the built command.

// Clippy does not treat helpers outside test functions as tests.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod actors;
mod api_keys;
mod ban_lists;
mod channels;
mod contexts;
mod costs;
mod decisions;
mod discord;
mod discord_guilds;
mod discord_roles;
mod doctor;
mod erase;
mod erasure;
mod events;
mod evidence;
mod evidence_imports;
mod evidence_transfers;
mod experiences;
mod groups;
mod harness;
mod help;
mod import;
mod joined_places;
mod keys;
mod links;
mod members;
mod mirror;
mod names;
mod places;
mod principal;
mod program;
mod recipes;
mod restore_in_progress;
mod restoring;
mod restoring_large;
mod stack;
mod terminals;
mod through_api;
mod unbanning;
mod undo;
mod webhooks;
mod workspaces;
