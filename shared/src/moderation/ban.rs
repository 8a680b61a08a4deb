//! Bans a user, changes a ban, records a report, or accepts an appeal.

use std::sync::OnceLock;

use super::{Authority, NumberBlock};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::Uid;
use crate::domain::rules::{self, Ban, BanRequest, Identity, Judgement, Meaning, Refusal, Scope};
use crate::store::{Committed, PolicyOutcome, Snapshot, Store, WriteContext};

/// The kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A ban is made, changed or reported.
    Ban,
    Appeal,
}

impl Intent {
    /// The meaning of a call with this intent.
    #[must_use]
    pub fn meaning(self, request: &BanRequest) -> Meaning {
        match self {
            Self::Ban => request.meaning(),
            Self::Appeal => request.meaning_as_appeal(),
        }
    }
}

/// Judges and writes the call. In a bulk call, a ban in force with equal terms is no conflict: the
/// user stays banned as asked, whatever call decided it.
pub async fn ban(
    store: &Store,
    context: &WriteContext,
    request: &BanRequest,
    intent: Intent,
    authority: &Authority,
    in_bulk: Option<&NumberBlock>,
) -> Result<Committed, ApiError> {
    let deciding = Deciding {
        store,
        context,
        request,
        authority,
        in_bulk,
        uid: OnceLock::new(),
    };
    store
        .commit_with_retry(context, |snapshot, now| {
            let deciding = &deciding;
            async move {
                match intent {
                    Intent::Ban => deciding.ban(&snapshot, now).await,
                    Intent::Appeal => deciding.appeal(&snapshot, now).await,
                }
            }
        })
        .await
}

struct Deciding<'a> {
    store: &'a Store,
    context: &'a WriteContext,
    request: &'a BanRequest,
    authority: &'a Authority,
    in_bulk: Option<&'a NumberBlock>,
    /// The number of the new ban, once taken: after a write conflict the call takes no second one.
    uid: OnceLock<Uid>,
}

impl Deciding<'_> {
    async fn ban(
        &self,
        snapshot: &Snapshot,
        moment: UnixMillis,
    ) -> Result<PolicyOutcome, ApiError> {
        let (standing, now) = (&snapshot.standing, moment.seconds());
        let request = self.request;
        let mut late = Vec::new();
        if rules::may_be_late(standing, request, now) {
            late = self.store.late_revisions(snapshot, request, now).await?;
            if request.scope == Scope::Experience {
                let other = self.store.ban_of_other(snapshot).await?;
                late.extend(other.and_then(rules::current_revision));
            }
        }
        let digest = self.context.digest.as_ref();
        let judged = rules::judge_ban(standing, request, digest, &late, now);
        if rules::decides(&judged) {
            // Read after the standing and the history: an erasure deletes those in the same
            // transaction in which it writes markers.
            if self.store.reports_erased(snapshot, request, now).await? {
                return Ok(PolicyOutcome::nothing(rules::report_erased(standing, now)));
            }
        }
        let judgement = match judged {
            Err(Refusal::AlreadyBanned(ban)) if self.is_as_asked(&ban, now) => Judgement::Nothing,
            judged => judged.map_err(|refusal| self.refused(snapshot, refusal, now))?,
        };
        match judgement {
            Judgement::Report(revision) if snapshot.is_of_root_beside(request.scope, revision) => {
                return Ok(PolicyOutcome::nothing(rules::unchanged(standing)));
            }
            Judgement::Nothing => return Ok(PolicyOutcome::nothing(rules::unchanged(standing))),
            Judgement::Report(revision) => {
                return Ok(PolicyOutcome::nothing(rules::report(standing, revision)));
            }
            Judgement::Overwrite | Judgement::Make => {}
        }
        if request.scope == Scope::Global {
            self.authority.demand_global()?;
        }
        // Before a number is taken, so that a refused caller takes none.
        let policy = self.store.ban_policy(self.context, moment).await?;
        let outcome = match judgement {
            Judgement::Make => {
                let identity = Identity::of(self.uid(snapshot).await?, moment);
                rules::make(standing, request, snapshot.experience, identity, now)
            }
            _ => rules::overwrite(standing, request, now),
        };
        Ok(PolicyOutcome::new(outcome.made_by(digest, now), policy))
    }

    fn is_as_asked(&self, ban: &Ban, now: UnixSeconds) -> bool {
        self.in_bulk.is_some() && ban.scope == self.request.scope && self.request.repeats(ban, now)
    }

    async fn uid(&self, snapshot: &Snapshot) -> Result<Uid, ApiError> {
        if self.context.dry_run.is_some() {
            return Ok(Uid(0));
        }
        if let Some(uid) = self.uid.get() {
            return Ok(*uid);
        }
        let prefix = snapshot.prefix();
        let uid = match self.in_bulk {
            Some(numbers) => numbers.take(self.store, prefix).await?,
            None => self.store.new_uids(prefix, 1).await?,
        };
        Ok(*self.uid.get_or_init(|| uid))
    }

    async fn appeal(
        &self,
        snapshot: &Snapshot,
        moment: UnixMillis,
    ) -> Result<PolicyOutcome, ApiError> {
        let BanRequest { scope, applied, .. } = *self.request;
        let (standing, now) = (&snapshot.standing, moment.seconds());
        let digest = self.context.digest.as_ref();
        let outcome = rules::appeal(standing, scope, applied, digest, now)
            .map_err(|refusal| self.refused(snapshot, refusal, now))?;
        if outcome.decisions.is_empty() {
            return Ok(PolicyOutcome::nothing(outcome));
        }
        if outcome.decides_globally() {
            self.authority.demand_global()?;
        }
        let policy = self.store.lift_policy(self.context).await?;
        Ok(PolicyOutcome::new(outcome, policy))
    }

    fn refused(&self, snapshot: &Snapshot, refusal: Refusal, now: UnixSeconds) -> ApiError {
        match refusal {
            Refusal::AlreadyBanned(ban) => {
                let applied = snapshot.standing.here.report == Some(ban.current());
                let presenter = self.authority.presenter.at(now);
                ApiError::AlreadyBanned {
                    ban: Box::new(presenter.show(&ban, applied)),
                    varies: self.authority.needs_vary_header,
                }
            }
            Refusal::ExpiryPassed(_) => {
                ApiError::field("banLength", crate::domain::length::ACCEPTED)
            }
            Refusal::NotFound => ApiError::NotFound("the user has no ban in force in this scope"),
        }
    }
}
