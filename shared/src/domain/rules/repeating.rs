//! Recognises repeated calls.
//!
//! A caller who got no answer, or a 503, sends the call again. Each decision leaves a [`CallMark`]
//! in the scopes it decides in. A call that finds its own mark there is a repeat: the decision is
//! still the latest one, so the state and the answer are already those of a single call.

use serde::{Deserialize, Serialize};

use super::ban::Scope;
use super::banning::{BanRequest, Length};
use super::standing::{Outcome, Standing};
use super::unbanning::UnbanRequest;
use crate::domain::clock::UnixSeconds;
use crate::domain::digest;

/// For this many seconds after its decision, the same call is a repeat: 10 minutes (contract,
/// section 3). By a clock that is behind, no time has passed.
pub const REPEAT_LIMIT: u64 = 600;

/// How many hex digits of a digest are kept: 128 bits.
const DIGITS: usize = 32;

/// The meaning of a call, as a digest: the route and the parsed fields that it uses. The order of
/// members, the spelling of numbers, explicit defaults and fields without effect make no
/// difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning(String);

impl Meaning {
    /// The meaning of a call on which no rule decides, from all that it depends on.
    #[must_use]
    pub fn of_parts(parts: &[&str]) -> Self {
        Self(digest::of(parts))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The meaning and the sender of a call: an equal digest means the same call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallDigest(String);

impl CallDigest {
    /// A call by an API key. Another `Idempotency-Key` makes it another call.
    #[must_use]
    pub fn new(key_id: &str, idempotency_key: Option<&str>, meaning: &Meaning) -> Self {
        let mut parts = vec![key_id, meaning.as_str()];
        parts.extend(idempotency_key);
        let mut digest = digest::of(&parts);
        digest.truncate(DIGITS);
        Self(digest)
    }
}

/// The mark that the latest decision in a scope leaves of its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMark {
    digest: CallDigest,
    at: UnixSeconds,
    /// The number of scopes it decided in: an unban may lift two bans.
    scopes: u8,
}

impl CallMark {
    fn is_of(&self, call: &CallDigest, now: UnixSeconds) -> bool {
        self.digest == *call && now <= self.at.plus(REPEAT_LIMIT)
    }
}

impl Standing {
    /// Whether this very call made the latest decision in the scope, a short while ago.
    pub(super) fn was_decided_by(
        &self,
        call: Option<&CallDigest>,
        scope: Scope,
        now: UnixSeconds,
    ) -> bool {
        let mark = self.mark_in(scope);
        call.zip(mark).is_some_and(|(call, mark)| {
            let latest_of_it = [Scope::Experience, Scope::Global]
                .into_iter()
                .filter_map(|scope| self.mark_in(scope))
                .filter(|other| other.digest == mark.digest)
                .count();
            mark.is_of(call, now) && latest_of_it >= usize::from(mark.scopes)
        })
    }

    const fn mark_in(&self, scope: Scope) -> Option<&CallMark> {
        match scope {
            Scope::Experience => self.here.mark.as_ref(),
            Scope::Global => self.global_mark.as_ref(),
        }
    }
}

impl Outcome {
    /// The outcome of this call: it leaves a mark in each scope it decides in, so that a repeat is
    /// recognised. A call without a digest leaves none and is never a repeat.
    #[must_use]
    pub fn made_by(mut self, call: Option<&CallDigest>, now: UnixSeconds) -> Self {
        let Some(call) = call else { return self };
        let decides_in = |scope| {
            let mut decisions = self.decisions.iter();
            decisions.any(|decision| decision.ban.scope == scope)
        };
        let (here, global) = (decides_in(Scope::Experience), decides_in(Scope::Global));
        let mark = CallMark {
            digest: call.clone(),
            at: now,
            scopes: u8::from(here).saturating_add(u8::from(global)),
        };
        if here {
            self.standing.here.mark = Some(mark.clone());
        }
        if global {
            self.standing.global_mark = Some(mark);
        }
        self
    }
}

impl BanRequest {
    /// The meaning of the call as a ban, a change or a report.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let length = match self.length {
            Length::Permanent => "permanent".to_owned(),
            Length::Until(at) => format!("until {at}"),
            Length::For(seconds) => format!("for {seconds}"),
        };
        Meaning(digest::of(&[
            "ban",
            &self.user.to_string(),
            &self.place.to_string(),
            scope_word(self.scope),
            flag(self.overwrite),
            flag(self.applied),
            &self.moderator.to_string(),
            &self.private_reason,
            &self.public_reason,
            &length,
            // The documented default. If that differs from the current value, `judge_ban` looks
            // closer.
            flag(self.universal.unwrap_or(true)),
        ]))
    }

    /// The meaning of the call as an accepted appeal, which has no terms.
    #[must_use]
    pub fn meaning_as_appeal(&self) -> Meaning {
        Meaning(digest::of(&[
            "appeal",
            &self.user.to_string(),
            &self.place.to_string(),
            scope_word(self.scope),
            flag(self.applied),
            &self.moderator.to_string(),
        ]))
    }
}

impl UnbanRequest {
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let moderator = self.moderator.map(|id| id.to_string());
        Meaning(digest::of(&[
            "unban",
            &self.user.to_string(),
            &self.place.to_string(),
            self.reason.as_deref().unwrap_or_default(),
            moderator.as_deref().unwrap_or_default(),
            flag(self.applied),
            flag(self.is_report()),
            flag(self.is_bare_call_of_game()),
        ]))
    }
}

const fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Experience => "experience",
        Scope::Global => "global",
    }
}

const fn flag(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}
