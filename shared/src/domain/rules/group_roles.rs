//! Which roles of a Roblox group a call assigns to a member and removes from them.
//!
//! A member may hold several roles. Roblox assigns and removes each with a separate call, so a plan
//! assigns before it removes: a failure in between strips nobody.

mod call_window;
mod rank;
#[cfg(test)]
mod tests;

pub use call_window::CallWindow;
pub use rank::{InvalidRank, Rank};

use serde::{Deserialize, Serialize};

use crate::domain::activity::{RoleChangeMode, RoleSummary};
use crate::domain::ids::RoleId;

/// A role of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRole {
    pub id: RoleId,
    pub name: String,
    pub rank: Rank,
}

impl From<&GroupRole> for RoleSummary {
    fn from(role: &GroupRole) -> Self {
        Self {
            id: role.id.to_string(),
            name: role.name.clone(),
            rank: role.rank.get(),
        }
    }
}

/// Whether a member keeps their other roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleMode {
    /// The member keeps the requested role and the base role only.
    #[default]
    Replace,
    /// The member keeps all roles.
    Add,
}

impl From<RoleMode> for RoleChangeMode {
    fn from(mode: RoleMode) -> Self {
        match mode {
            RoleMode::Replace => Self::Replace,
            RoleMode::Add => Self::Add,
        }
    }
}

/// What the operator allows in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolePolicy {
    /// The lowest rank that is refused, for the requested role and for the member.
    pub ceiling: Rank,
    pub mode: RoleMode,
    /// The ranks that may be assigned; empty for all below the ceiling.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<Rank>,
}

impl RolePolicy {
    /// The default ceiling: a key in a game must not appoint admins.
    pub const CEILING: Rank = Rank::CEILING;

    /// Whether the operator allows the call, as far as it shows without the group's roles.
    pub fn admit(&self, wanted: WantedRole) -> Result<(), RoleRefusal> {
        match wanted {
            WantedRole::Rank(rank) => self.allows(rank),
            WantedRole::Role(_) => Ok(()),
        }
    }

    fn allows(&self, rank: Rank) -> Result<(), RoleRefusal> {
        if rank >= self.ceiling {
            Err(RoleRefusal::AboveCeiling)
        } else if !self.ranks.is_empty() && !self.ranks.contains(&rank) {
            Err(RoleRefusal::NotListed)
        } else {
            Ok(())
        }
    }
}

/// The role that a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedRole {
    /// By rank, 1 to 254. Several roles may have it.
    Rank(Rank),
    Role(RoleId),
}

/// Why a call changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleRefusal {
    /// The group has no such role.
    NoSuchRole,
    /// Guests and owners cannot be appointed.
    NotAssignable,
    AboveCeiling,
    /// The operator has listed other ranks.
    NotListed,
    /// Several roles have the rank.
    Ambiguous(Vec<RoleId>),
    NotAMember,
    MemberAboveCeiling,
    /// The member holds a role that is not among the group's roles, so its rank is unknown.
    UnknownRole,
}

/// One call to Roblox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleStep {
    Assign(RoleId),
    Unassign(RoleId),
}

/// What a call changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolePlan {
    target: GroupRole,
    assigns: bool,
    removed: Vec<RoleId>,
}

impl RolePlan {
    /// The requested role.
    #[must_use]
    pub const fn target(&self) -> &GroupRole {
        &self.target
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.assigns && self.removed.is_empty()
    }

    /// The changes, in the order in which they must be made.
    pub fn steps(&self) -> impl Iterator<Item = RoleStep> + '_ {
        let assigned = self.assigns.then_some(RoleStep::Assign(self.target.id));
        let removed = self.removed.iter().copied().map(RoleStep::Unassign);
        assigned.into_iter().chain(removed)
    }
}

/// The role that the call asks for, if the operator allows it.
pub fn choose<'a>(
    policy: &RolePolicy,
    roles: &'a [GroupRole],
    wanted: WantedRole,
) -> Result<&'a GroupRole, RoleRefusal> {
    policy.admit(wanted)?;
    let is_wanted = |role: &&GroupRole| match wanted {
        WantedRole::Rank(rank) => role.rank == rank,
        WantedRole::Role(id) => role.id == id,
    };
    let mut found = roles.iter().filter(is_wanted);
    let role = found.next().ok_or(RoleRefusal::NoSuchRole)?;
    let others: Vec<_> = found.map(|other| other.id).collect();
    if !others.is_empty() {
        let mut ids: Vec<_> = [role.id].into_iter().chain(others).collect();
        ids.sort_unstable();
        return Err(RoleRefusal::Ambiguous(ids));
    }
    if !role.rank.is_assignable() {
        return Err(RoleRefusal::NotAssignable);
    }
    policy.allows(role.rank)?;
    Ok(role)
}

/// What to change for a member who holds these roles; empty if they are no member.
pub fn plan(
    policy: &RolePolicy,
    roles: &[GroupRole],
    held: &[RoleId],
    wanted: WantedRole,
) -> Result<RolePlan, RoleRefusal> {
    let target = choose(policy, roles, wanted)?;
    if held.is_empty() {
        return Err(RoleRefusal::NotAMember);
    }
    let of_id = |id: &RoleId| roles.iter().find(|role| role.id == *id);
    let held: Option<Vec<_>> = held.iter().map(of_id).collect();
    let held = held.ok_or(RoleRefusal::UnknownRole)?;
    if held.iter().any(|role| role.rank >= policy.ceiling) {
        return Err(RoleRefusal::MemberAboveCeiling);
    }
    // Every member holds a role of the base rank. Of two such roles, either may be the one that makes
    // them a member, so neither is removed.
    let may_go = |role: &&&GroupRole| role.id != target.id && role.rank > Rank::BASE;
    let removed = match policy.mode {
        RoleMode::Add => Vec::new(),
        RoleMode::Replace => held.iter().filter(may_go).map(|role| role.id).collect(),
    };
    Ok(RolePlan {
        target: target.clone(),
        assigns: held.iter().all(|role| role.id != target.id),
        removed,
    })
}
