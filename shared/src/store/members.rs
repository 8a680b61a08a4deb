//! Members of a workspace, and how they sign in.

pub(super) mod guild_watches;
pub(super) mod guilds;
pub(super) mod people;
pub(super) mod role_rules;
pub(super) mod sessions;
