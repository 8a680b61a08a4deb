//! Commands on Discord: the fake Discord calls the endpoint, and people see what is answered.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod banning;
mod commands;
mod deferred;
mod evidence;
mod guild_bans;
mod guild_rules;
mod keys;
mod linking;
mod menus;
mod permissions;
mod repeats;
mod role_schedule;
mod roles;
mod ruled;
mod rules_to_guild;
mod signatures;
mod watching;
mod whois;

use end_to_end::discord::OnDiscord;
use end_to_end::{TestApp, Workspace};
use local_stack::discord::{ADA, GUILD};
use shared::domain::members::MemberPermission;

const EXPERIENCE: u64 = 75_521_396_999_004;

/// A workspace with a linked experience and the demo's guild, in which Ada has these permissions.
async fn with_ada<'a>(
    app: &'a TestApp,
    granted: &[MemberPermission],
) -> (Workspace<'a>, OnDiscord<'a>) {
    let workspace = app.workspace().await;
    workspace.link(EXPERIENCE).await;
    workspace.link_guild(GUILD).await;
    workspace.add_on_discord("Ada", ADA, granted).await;
    (workspace, app.on_discord(GUILD, ADA))
}
