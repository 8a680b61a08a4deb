//! The answer of a call, and the same answer for a repeat under its `Idempotency-Key`.
//!
//! The stored answer names the ban and its number of decisions at the time; no user and no reason.
//! A repeat finds that state of the ban in its record or, once it has changed, in the history. So
//! an erasure has nothing to remove here, and a user's reasons do not come back.

use serde::{Deserialize, Serialize};

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::{Guid, UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, DecisionKind, Outcome, Scope, Standing};
use crate::store::Store;
use crate::store::decisions::commit_with_retry::{Committed, WriteContext};
use crate::store::dynamo::items::{self, BanItem};
use crate::store::dynamo::schema::Key;

/// How many seconds the clock of a later change to the ban may be behind.
const SLACK: u64 = 60;

/// Among how many decisions after an answer to search for the first.
const LOOKED_AT: usize = 100;

/// Which ban an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The latest in a scope.
    Latest(Scope),
    /// The one in force, else the latest.
    Counting,
}

/// The idempotency key of a call, and what its answer shows.
#[derive(Clone, Debug)]
pub struct Named {
    pub key: IdempotencyKey,
    pub shows: Shows,
}

/// The ban in the answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub ban: Ban,
    /// Whether the experience had reported that revision of it.
    pub applied: bool,
    /// When the call was first answered.
    pub at: UnixSeconds,
}

/// The stored part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct StoredAnswer {
    at: UnixSeconds,
    /// The first decision, if there was one. Answers stored by an earlier release lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided: Option<DecisionKind>,
    /// Absent if no ban was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<ShownBan>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ShownBan {
    guid: u64,
    /// Its number of decisions.
    decisions: u32,
    #[serde(rename = "completed")]
    applied: bool,
}

impl Shows {
    /// The answer to a call that led to this standing.
    fn answer(self, standing: &Standing, at: UnixSeconds) -> Option<Answer> {
        let ban = match self {
            Self::Latest(scope) => standing.latest_in(scope),
            Self::Counting => standing.shown(at),
        };
        ban.map(|ban| Answer {
            ban: ban.clone(),
            applied: standing.here.report == Some(ban.current()),
            at,
        })
    }

    /// The same in stored form.
    pub(in crate::store) fn stored(self, outcome: &Outcome, at: UnixSeconds) -> StoredAnswer {
        let shown = self.answer(&outcome.standing, at).map(|answer| ShownBan {
            guid: answer.ban.guid.get(),
            decisions: answer.ban.decisions,
            applied: answer.applied,
        });
        StoredAnswer {
            at,
            decided: outcome.decisions.first().map(|decision| decision.kind),
            shown,
        }
    }
}

/// What a call has done, and about which ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The first decision; none if the call changed nothing.
    pub decided: Option<DecisionKind>,
    pub guid: Option<Guid>,
}

impl Committed {
    /// The effect of the call. A repeat under an `Idempotency-Key` has that of the first call.
    #[must_use]
    pub fn effect(&self, shows: Shows, now: UnixSeconds) -> Effect {
        if let Some(StoredAnswer { decided, shown, .. }) = self.earlier {
            let guid = shown.map(|shown| Guid::from(shown.guid));
            return Effect { decided, guid };
        }
        let decision = self.decisions.first();
        let of_answer = || Some(shows.answer(&self.standing, now)?.ban.guid);
        Effect {
            decided: decision.map(|decision| decision.kind),
            guid: decision
                .map(|decision| decision.ban.guid)
                .or_else(of_answer),
        }
    }
}

impl Store {
    /// The ban in the answer to a written call. A repeat under an `Idempotency-Key` gets that of
    /// the first call; none if its user was erased since.
    pub async fn answer(
        &self,
        context: &WriteContext,
        committed: &Committed,
        which: Shows,
    ) -> Result<Option<Answer>, ApiError> {
        let Some(earlier) = committed.earlier else {
            return Ok(which.answer(&committed.standing, UnixMillis::now().seconds()));
        };
        let Some(shown) = earlier.shown else {
            return Ok(None);
        };
        let ban = self
            .as_shown(context.prefix, context.user, shown, earlier.at)
            .await?;
        Ok(ban.map(|ban| Answer {
            ban,
            applied: shown.applied,
            at: earlier.at,
        }))
    }

    /// The ban in its state at an earlier answer.
    async fn as_shown(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        shown: ShownBan,
        at: UnixSeconds,
    ) -> Result<Option<Ban>, ApiError> {
        let guid = Guid::from(shown.guid);
        let found = self.database.get(Key::ban(prefix, user, guid)).await?;
        let Some(record) = found.map(items::read::<BanItem>).transpose()? else {
            return Ok(None);
        };
        let is_it = |ban: &Ban| ban.guid == guid && ban.decisions == shown.decisions;
        let ban = Ban::from(record.ban);
        if is_it(&ban) {
            return Ok(Some(ban));
        }
        let since = UnixMillis::from_millis(at.minus(SLACK).0.saturating_mul(1000));
        let of_ban = (user, guid);
        let page = self
            .history_of_ban(prefix, of_ban, since, None, LOOKED_AT)
            .await?;
        let decisions = page.decisions.into_iter().map(|(_, decision)| decision);
        let mut states = decisions
            .filter(|decision| decision.kind != DecisionKind::Expired)
            .flat_map(|decision| [Some(decision.ban), decision.previous])
            .flatten();
        Ok(states.find(is_it))
    }
}
