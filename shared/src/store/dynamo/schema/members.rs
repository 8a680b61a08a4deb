//! The keys of members and of how they sign in, in the workspaces table.

use super::Key;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::members::{DiscordId, MemberId};

/// The sort key prefix of members.
pub const MEMBER_PREFIX: &str = "M#";

/// The sort key prefix of a workspace's Discord guilds.
pub const GUILD_PREFIX: &str = "G#";

/// How the partitions of members begin.
pub const MEMBERS: &str = "P#";

/// The partition of the workspaces that have rules by Discord accounts.
pub const DISCORD_RULES: &str = "DR";

/// The partition of the rules that give roles on Discord, and of how far they are applied.
pub const ROLE_RULES: &str = "RR";

/// What follows the workspace in the sort key of how far they are applied.
pub const ROLE_SYNC_SUFFIX: &str = "#S";
/// The partition of the watched guilds of all workspaces.
pub const GUILD_WATCHES: &str = "DW";

/// The members of a workspace, their sessions, invitations, rules and presets.
pub fn members_partition(prefix: WorkspacePrefix) -> String {
    format!("{MEMBERS}{prefix}")
}

/// The sort key prefix of a member's sessions.
pub fn sessions_of(member: MemberId) -> String {
    format!("S#{}#", member.digits())
}

/// The partition of a Discord user's memberships.
pub fn memberships_of(discord: DiscordId) -> String {
    format!("D#{discord}")
}

impl Key {
    fn of_members(prefix: WorkspacePrefix, sk: String) -> Self {
        let pk = members_partition(prefix);
        Self { pk, sk }
    }

    pub fn member(prefix: WorkspacePrefix, member: MemberId) -> Self {
        Self::of_members(prefix, format!("{MEMBER_PREFIX}{}", member.digits()))
    }

    /// A session, by the hash of its token.
    pub fn session(prefix: WorkspacePrefix, member: MemberId, hash: &str) -> Self {
        Self::of_members(prefix, format!("{}{hash}", sessions_of(member)))
    }

    /// An invitation, by the hash of its token.
    pub fn invitation(prefix: WorkspacePrefix, hash: &str) -> Self {
        Self::of_members(prefix, format!("I#{hash}"))
    }

    /// The rules that give permissions.
    pub fn permission_rules(prefix: WorkspacePrefix) -> Self {
        Self::of_members(prefix, "R".to_owned())
    }

    /// That a workspace has rules by Discord accounts: a user who signs in may be a new member.
    pub fn discord_rules(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: DISCORD_RULES.to_owned(),
            sk: prefix.to_string(),
        }
    }

    /// The workspace of a Discord guild. No user has the id of a guild.
    pub fn guild(guild: DiscordId) -> Self {
        Self {
            pk: format!("D#{guild}"),
            sk: "G".to_owned(),
        }
    }

    /// That a Discord guild belongs to a workspace.
    pub fn guild_of(prefix: WorkspacePrefix, guild: DiscordId) -> Self {
        Self::of_members(prefix, format!("{GUILD_PREFIX}{guild}"))
    }

    /// The rules that give roles on Discord.
    pub fn role_rules(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: ROLE_RULES.to_owned(),
            sk: prefix.to_string(),
        }
    }

    /// How far those rules are applied.
    pub fn role_sync(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: ROLE_RULES.to_owned(),
            sk: format!("{prefix}{ROLE_SYNC_SUFFIX}"),
        }
    }

    /// The watch over a Discord guild.
    pub fn guild_watch(prefix: WorkspacePrefix, guild: DiscordId) -> Self {
        Self {
            pk: GUILD_WATCHES.to_owned(),
            sk: format!("{prefix}#{guild}"),
        }
    }

    pub fn reason_presets(prefix: WorkspacePrefix) -> Self {
        Self::of_members(prefix, "T".to_owned())
    }

    /// That a Roblox user is a member, so that no two members are the same user.
    pub fn member_on_roblox(prefix: WorkspacePrefix, user: UserId) -> Self {
        Self::of_members(prefix, format!("X#{user}"))
    }

    /// That a Discord user is a member of a workspace: for signing in, and so that no two members
    /// of a workspace are the same user.
    pub fn member_on_discord(prefix: WorkspacePrefix, user: DiscordId) -> Self {
        Self {
            pk: memberships_of(user),
            sk: prefix.to_string(),
        }
    }
}
