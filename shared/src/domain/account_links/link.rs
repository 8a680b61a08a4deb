//! A link.

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::UserId;
use crate::domain::members::DiscordId;

/// One Roblox account and one Discord account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkPair {
    pub roblox: UserId,
    pub discord: DiscordId,
}

/// An account on either side of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkSide {
    Roblox(UserId),
    Discord(DiscordId),
}

impl LinkSide {
    /// The pair of both, if they are on different sides.
    #[must_use]
    pub const fn pair_with(self, other: Self) -> Option<LinkPair> {
        match (self, other) {
            (Self::Roblox(roblox), Self::Discord(discord))
            | (Self::Discord(discord), Self::Roblox(roblox)) => Some(LinkPair { roblox, discord }),
            _ => None,
        }
    }

    /// The other account of a pair that contains this one.
    #[must_use]
    pub const fn other_of(self, pair: LinkPair) -> Self {
        match self {
            Self::Roblox(_) => Self::Discord(pair.discord),
            Self::Discord(_) => Self::Roblox(pair.roblox),
        }
    }
}

/// How a link came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkProof {
    /// Its owner used a code in Discord and in the game.
    Code,
    /// It comes from another registry, which the workspace trusts.
    Import,
}

/// That a Roblox user and a Discord user are the same person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLink {
    pub pair: LinkPair,
    pub proof: LinkProof,
    pub linked: UnixSeconds,
    /// When an administrator confirmed it.
    pub confirmed: Option<UnixSeconds>,
}

impl AccountLink {
    /// Whether permissions may be based on the link: it is proven, and an administrator has confirmed it.
    #[must_use]
    pub fn may_be_basis(&self) -> bool {
        self.proof == LinkProof::Code && self.confirmed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(proof: LinkProof, confirmed: Option<u64>) -> AccountLink {
        let roblox = UserId::new(156).unwrap();
        let discord = "80351110224678912".parse().unwrap();
        AccountLink {
            pair: LinkPair { roblox, discord },
            proof,
            linked: UnixSeconds(1),
            confirmed: confirmed.map(UnixSeconds),
        }
    }

    #[test]
    fn only_a_proven_and_confirmed_link_is_a_basis_of_permissions() {
        for (proof, confirmed, expected) in [
            (LinkProof::Code, None, false),
            (LinkProof::Code, Some(2), true),
            (LinkProof::Import, None, false),
            (LinkProof::Import, Some(2), false),
        ] {
            assert_eq!(link(proof, confirmed).may_be_basis(), expected, "{proof:?}");
        }
    }

    #[test]
    fn accounts_of_different_sides_are_a_pair() {
        let pair = link(LinkProof::Code, None).pair;
        let (roblox, discord) = (
            LinkSide::Roblox(pair.roblox),
            LinkSide::Discord(pair.discord),
        );
        assert_eq!(roblox.pair_with(discord), Some(pair));
        assert_eq!(discord.pair_with(roblox), Some(pair));
        assert_eq!(roblox.pair_with(roblox), None);
        assert_eq!(discord.pair_with(discord), None);
        assert_eq!(roblox.other_of(pair), discord);
        assert_eq!(discord.other_of(pair), roblox);
    }
}
