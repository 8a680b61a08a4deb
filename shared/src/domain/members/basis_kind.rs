//! What a permission depends on, as people write and read it.

use std::fmt;

use super::{DiscordId, PermissionBasis};
use crate::domain::ids::UserId;
use crate::domain::rules::group_roles::Rank;

/// Discord's permissions that a rule can use, with their bits.
pub const GUILD_PERMISSIONS: [(&str, u8); 6] = [
    ("kick_members", 1),
    ("ban_members", 2),
    ("administrator", 3),
    ("manage_guild", 5),
    ("manage_roles", 28),
    ("moderate_members", 40),
];

/// The kinds of a basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasisKind {
    DiscordUser,
    DiscordRole,
    GuildPermission,
    RobloxUser,
    RobloxGroup,
}

impl BasisKind {
    pub const ALL: [Self; 5] = [
        Self::DiscordRole,
        Self::GuildPermission,
        Self::DiscordUser,
        Self::RobloxUser,
        Self::RobloxGroup,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DiscordUser => "discord-user",
            Self::DiscordRole => "discord-role",
            Self::GuildPermission => "guild-permission",
            Self::RobloxUser => "roblox-user",
            Self::RobloxGroup => "roblox-group",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl PermissionBasis {
    /// The basis of this kind that a text names; the error says what is accepted.
    pub fn parse(kind: BasisKind, text: &str) -> Result<Self, String> {
        let text = text.trim();
        match kind {
            BasisKind::DiscordUser => Ok(Self::DiscordUser {
                user: discord(text)?,
            }),
            BasisKind::RobloxUser => {
                let user = text.parse::<UserId>();
                let user = user.map_err(|_| "expected a Roblox user id, such as 156".to_owned())?;
                Ok(Self::RobloxUser { user })
            }
            BasisKind::RobloxGroup => {
                let expected = "expected the id of the group and the lowest rank, as GROUP/RANK";
                let (group, rank) = text.split_once('/').ok_or(expected)?;
                let rank = rank.parse().ok().filter(|rank| *rank > 0);
                Ok(Self::RobloxGroup {
                    group: group.parse().map_err(|_| expected)?,
                    rank: rank
                        .and_then(Rank::new)
                        .ok_or("expected a rank from 1 to 255")?,
                })
            }
            BasisKind::DiscordRole => {
                let (guild, role) = text
                    .split_once('/')
                    .ok_or("expected the ids of the guild and the role, as GUILD/ROLE")?;
                Ok(Self::DiscordRole {
                    guild: discord(guild)?,
                    role: discord(role)?,
                })
            }
            BasisKind::GuildPermission => {
                let names: Vec<_> = GUILD_PERMISSIONS.iter().map(|(name, _)| *name).collect();
                let expected =
                    || format!("expected GUILD/NAME with a name of {}", names.join(", "));
                let (guild, name) = text.split_once('/').ok_or_else(expected)?;
                let known = GUILD_PERMISSIONS.iter().find(|(known, _)| *known == name);
                let (_, bit) = known.ok_or_else(expected)?;
                Ok(Self::GuildPermission {
                    guild: discord(guild)?,
                    bit: *bit,
                })
            }
        }
    }
}

fn discord(text: &str) -> Result<DiscordId, String> {
    let wrong = |_| "expected a Discord id, a number of 17 to 19 digits".to_owned();
    text.parse().map_err(wrong)
}

impl fmt::Display for PermissionBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiscordUser { user } => write!(f, "Discord user {user}"),
            Self::DiscordRole { guild, role } => write!(f, "role {role} in Discord guild {guild}"),
            Self::GuildPermission { guild, bit } => {
                let named = GUILD_PERMISSIONS.iter().find(|(_, known)| known == bit);
                let name = named.map_or("unknown", |(name, _)| *name);
                write!(f, "Discord permission {name} in guild {guild}")
            }
            Self::RobloxUser { user } => write!(f, "Roblox user {user}"),
            Self::RobloxGroup { group, rank } => {
                write!(f, "rank {rank} or higher in Roblox group {group}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUILD: &str = "613425648685547541";

    #[test]
    fn each_kind_of_basis_is_parsed_and_shown() {
        for (kind, text, shown) in [
            (
                BasisKind::DiscordUser,
                GUILD.to_owned(),
                format!("Discord user {GUILD}"),
            ),
            (
                BasisKind::DiscordRole,
                format!("{GUILD}/613425648685547000"),
                format!("role 613425648685547000 in Discord guild {GUILD}"),
            ),
            (
                BasisKind::GuildPermission,
                format!("{GUILD}/ban_members"),
                format!("Discord permission ban_members in guild {GUILD}"),
            ),
            (
                BasisKind::RobloxUser,
                " 156 ".to_owned(),
                "Roblox user 156".to_owned(),
            ),
            (
                BasisKind::RobloxGroup,
                "7/200".to_owned(),
                "rank 200 or higher in Roblox group 7".to_owned(),
            ),
        ] {
            let basis = PermissionBasis::parse(kind, &text).unwrap();
            assert_eq!(basis.to_string(), shown);
            assert_eq!(BasisKind::named(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn wrong_basis_says_what_is_accepted() {
        for (kind, text, accepted) in [
            (BasisKind::DiscordUser, "1", "17 to 19 digits"),
            (BasisKind::DiscordRole, GUILD, "GUILD/ROLE"),
            (BasisKind::GuildPermission, "x", "GUILD/NAME"),
            (BasisKind::RobloxUser, "0", "user id"),
            (BasisKind::RobloxGroup, "7", "GROUP/RANK"),
            (BasisKind::RobloxGroup, "x/7", "GROUP/RANK"),
            (BasisKind::RobloxGroup, "7/0", "1 to 255"),
            (BasisKind::RobloxGroup, "7/256", "1 to 255"),
        ] {
            let error = PermissionBasis::parse(kind, text).unwrap_err();
            assert!(error.contains(accepted), "{error}");
        }
        let unknown = format!("{GUILD}/fly");
        let error = PermissionBasis::parse(BasisKind::GuildPermission, &unknown).unwrap_err();
        assert!(error.contains("ban_members"), "{error}");
    }
}
