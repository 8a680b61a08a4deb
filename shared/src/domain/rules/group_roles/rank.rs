//! Ranks order the roles of a group.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A rank, 0 to 255; by default that of guests, 0. Roles may share one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rank(u8);

/// The text is not a rank that a call can assign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a rank from 1 to 254")]
pub struct InvalidRank;

impl Rank {
    pub(super) const BASE: Self = Self(1);
    pub(super) const CEILING: Self = Self(200);
    /// The owner's rank.
    pub const OWNER: Self = Self(255);

    /// A rank of any role.
    #[must_use]
    pub fn new(rank: u64) -> Option<Self> {
        u8::try_from(rank).ok().map(Self)
    }

    /// A rank that members can have and Roblox lets others assign: neither the guest's (0) nor the
    /// owner's (255).
    #[must_use]
    pub fn assignable(rank: u64) -> Option<Self> {
        Self::new(rank).filter(|rank| rank.is_assignable())
    }

    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    pub(super) fn is_assignable(self) -> bool {
        self >= Self::BASE && self < Self::OWNER
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Rank {
    type Err = InvalidRank;

    fn from_str(text: &str) -> Result<Self, InvalidRank> {
        let rank = text.parse().ok().and_then(Self::assignable);
        rank.ok_or(InvalidRank)
    }
}
