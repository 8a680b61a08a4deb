//! The keys of workspaces and API keys, and which keys belong to the workspaces table.

use super::{
    DISCORD_RULES, ENDED_MIRRORS, ENDPOINTS, ERASURE_INTAKES, GROUPS, GUILD_WATCHES, Key, MIRRORS,
    RESTORE_RUN, ROLE_RULES,
};
use crate::domain::ids::WorkspacePrefix;

/// The local stack's addresses, in the workspaces table; no deployed stack has them.
const LOCAL_STACK: &str = "LOCAL";

impl Key {
    /// A workspace.
    pub fn workspace(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: format!("W#{prefix}"),
            sk: "W".to_owned(),
        }
    }

    /// A key, by its hash.
    pub fn api_key(hash: &str) -> Self {
        Self {
            pk: format!("K#{hash}"),
            sk: "K".to_owned(),
        }
    }

    /// Where the services of a local stack listen.
    pub fn local_stack() -> Self {
        Self {
            pk: LOCAL_STACK.to_owned(),
            sk: LOCAL_STACK.to_owned(),
        }
    }

    /// Whether it belongs to the workspaces table; partitions of the bans table begin with the prefix
    /// of a workspace.
    #[must_use]
    pub fn is_of_workspaces(&self) -> bool {
        ["D#", "K#", "P#", "W#"]
            .iter()
            .any(|kind| self.pk.starts_with(kind))
            || [
                DISCORD_RULES,
                ERASURE_INTAKES,
                ENDPOINTS,
                GROUPS,
                GUILD_WATCHES,
                MIRRORS,
                ENDED_MIRRORS,
                LOCAL_STACK,
                RESTORE_RUN,
                ROLE_RULES,
            ]
            .contains(&self.pk.as_str())
    }
}
