//! The actions that each function may call, and on what.

mod account_links;
mod background;
mod evidence;
mod routes;

pub const BANS: &str = "dynamodb:table/BansTable";
pub const WORKSPACES: &str = "dynamodb:table/WorkspacesTable";
pub const FILES: &str = "s3:evidence-bucket/*";
pub const SNAPSHOTS: &str = "s3:snapshot-bucket/*";
pub const STREAM: &str = "dynamodb:table/BansTable/stream/*";

/// Grants: a resource, and the actions on it.
pub type Grants = &'static [(&'static str, &'static [&'static str])];

/// A function and what its role grants.
pub type Role = (&'static str, Grants);

/// The roles of all functions.
pub fn roles() -> impl Iterator<Item = &'static Role> {
    [
        routes::ROLES,
        account_links::ROLES,
        evidence::ROLES,
        background::ROLES,
    ]
    .into_iter()
    .flatten()
}
