//! Finds the decisions of a key or a moderator in a period, and undoes them.

mod run;
mod users;

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::history::PastDecision;
use crate::domain::ids::{ExperienceId, ModeratorId, UserId, WorkspacePrefix};
use crate::domain::keys::KeyRecord;
use crate::domain::members::{Member, MemberId};
use crate::domain::rules::{DecisionKind, Scope, UndoStep};
use crate::store::Store;
use crate::store::dynamo::database::text;
use crate::store::dynamo::schema::{self, Key, names};

pub use run::Undo;
pub use users::UndoneUsers;

/// Whose decisions to undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoneActor {
    /// Those of a key, by its public id, of a member, by theirs, or of a run of the operator's.
    Id(String),
    /// Those of a moderator, whatever the channel: as a member, and by keys and commands that named
    /// their Roblox user.
    Moderator {
        member: Option<MemberId>,
        roblox: Option<ModeratorId>,
        /// The public ids of the workspace's keys, and `operator`.
        through: Vec<String>,
    },
}

impl UndoneActor {
    /// A moderator who is a member, or whom calls named by their Roblox user, or both.
    #[must_use]
    pub fn moderator(
        member: Option<&Member>,
        roblox: Option<ModeratorId>,
        keys: &[KeyRecord],
    ) -> Self {
        let of_member = member.map(Member::moderator);
        let keys = keys.iter().map(|key| key.key_id.clone());
        Self::Moderator {
            member: member.map(|member| member.id),
            roblox: roblox.or(of_member.filter(|id| *id != ModeratorId::NOBODY)),
            through: keys.chain(["operator".to_owned()]).collect(),
        }
    }

    fn decided(&self, decision: &PastDecision) -> bool {
        let by = decision.key_id.as_str();
        match self {
            Self::Id(id) => by == id,
            Self::Moderator {
                member,
                roblox,
                through,
            } => {
                let as_member = member.is_some_and(|member| by == member.to_string());
                let is_named = roblox.is_some() && decision.moderator == *roblox;
                as_member || (is_named && through.iter().any(|id| id == by))
            }
        }
    }

    /// The ids under which the index has their decisions, and for some also others'.
    fn ids(&self) -> Vec<String> {
        match self {
            Self::Id(id) => vec![id.clone()],
            Self::Moderator {
                member,
                roblox,
                through,
            } => {
                let through = roblox.iter().flat_map(|_| through.iter().cloned());
                member
                    .iter()
                    .map(MemberId::to_string)
                    .chain(through)
                    .collect()
            }
        }
    }
}

impl fmt::Display for UndoneActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Moderator {
                member: Some(member),
                ..
            } => member.fmt(f),
            Self::Moderator { roblox, .. } => match roblox {
                Some(moderator) => write!(f, "moderator {moderator}"),
                None => f.write_str("nobody"),
            },
        }
    }
}

/// Decisions to undo: those of one actor in a period.
#[derive(Clone, Debug)]
pub struct UndoWindow {
    pub by: UndoneActor,
    /// The start, inclusive.
    pub since: UnixMillis,
    /// The end, inclusive.
    pub until: UnixMillis,
}

/// The chain of an undone decision: one user's bans in one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chain {
    pub user: UserId,
    /// Whether it is the chain of the Global bans.
    pub is_global: bool,
    /// The experience of the Experience bans; for Global ones, that of one of them.
    pub experience: ExperienceId,
}

impl Chain {
    #[must_use]
    pub const fn scope(&self) -> Scope {
        if self.is_global {
            Scope::Global
        } else {
            Scope::Experience
        }
    }

    fn holds(&self, decision: &PastDecision) -> bool {
        let ban = &decision.ban;
        ban.scope == self.scope() && (self.is_global || ban.made_in == self.experience)
    }
}

/// The place that a place was part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerRoot {
    pub root: ExperienceId,
    /// Until when calls that named the place acted there.
    pub until: UnixMillis,
}

impl UndoWindow {
    /// Whether to undo a decision.
    #[must_use]
    pub fn holds(&self, decision: &PastDecision) -> bool {
        self.by.decided(decision) && (self.since..=self.until).contains(&decision.moment)
    }

    /// The chains that contain a decision to undo.
    #[must_use]
    pub fn chains(&self, history: &[PastDecision]) -> BTreeSet<Chain> {
        let mut chains = BTreeSet::new();
        for decision in history.iter().filter(|decision| self.holds(decision)) {
            let ban = &decision.ban;
            let is_global = ban.scope == Scope::Global;
            let known = |chain: &Chain| is_global && chain.is_global;
            if !chains.iter().any(known) {
                chains.insert(Chain {
                    user: ban.user,
                    is_global,
                    experience: ban.made_in,
                });
            }
        }
        chains
    }

    /// Whether the user was unbanned in the root while the place was part of it, after the join that is
    /// undone had carried them over. That holds for the place too, so it stays. Undos do not count:
    /// one may be a run of this one that was interrupted.
    #[must_use]
    pub fn was_lifted_at_root(
        &self,
        chain: &Chain,
        former: FormerRoot,
        history: &[PastDecision],
    ) -> bool {
        let undone = history
            .iter()
            .filter(|decision| chain.holds(decision) && self.holds(decision));
        let Some(carried) = undone.map(|decision| decision.moment).max() else {
            return false;
        };
        let at_root = Chain {
            experience: former.root,
            ..*chain
        };
        let last = history
            .iter()
            .filter(|decision| at_root.holds(decision) && !decision.key_id.starts_with("undo-"))
            .filter(|decision| carried < decision.moment && decision.moment <= former.until)
            .max_by_key(|decision| decision.moment);
        chain.experience != former.root
            && last.is_some_and(|last| {
                matches!(last.kind, DecisionKind::Lifted | DecisionKind::Appealed)
            })
    }

    /// A chain's history in the form that the rules need.
    #[must_use]
    pub fn steps<'a>(&self, chain: &Chain, history: &'a [PastDecision]) -> Vec<UndoStep<'a>> {
        history
            .iter()
            .filter(|decision| chain.holds(decision))
            .map(|decision| UndoStep {
                after: &decision.ban,
                before: decision.previous.as_ref(),
                is_undone: self.holds(decision),
            })
            .collect()
    }
}

impl Store {
    /// Whether a key, or an actor name of the operator, ever decided anything in the workspace;
    /// eventually consistent.
    pub async fn has_decided(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
    ) -> Result<bool, ApiError> {
        let query = self
            .database
            .querying()
            .index_name(names::DECISIONS_BY_KEY)
            .key_condition_expression("decided_by = :key")
            .projection_expression("pk, sk")
            .expression_attribute_values(":key", text(schema::decided_by(prefix, key_id)))
            .limit(1);
        let (found, _) = self.database.query(query).await?;
        Ok(!found.is_empty())
    }

    /// The users about whom the actor may have decided in the window; eventually consistent. Keys
    /// also decide for other moderators, whose decisions the history tells apart.
    pub async fn users_decided_on(
        &self,
        prefix: WorkspacePrefix,
        window: &UndoWindow,
    ) -> Result<BTreeSet<UserId>, ApiError> {
        let mut users = BTreeSet::new();
        for id in window.by.ids() {
            let query = self
                .database
                .querying()
                .index_name(names::DECISIONS_BY_KEY)
                .key_condition_expression("decided_by = :key AND sk BETWEEN :since AND :until")
                .projection_expression("pk, sk")
                .expression_attribute_values(":key", text(schema::decided_by(prefix, &id)))
                .expression_attribute_values(":since", text(schema::decisions_since(window.since)))
                .expression_attribute_values(":until", text(decisions_until(window.until)));
            let found = self.database.query_all(query).await?;
            let keys = found.iter().filter_map(Key::of);
            users.extend(keys.filter_map(|key| key.user()));
        }
        Ok(users)
    }
}

/// Sorts after all decisions at or before `at`.
fn decisions_until(at: UnixMillis) -> String {
    format!("{}~", schema::decisions_since(at))
}
