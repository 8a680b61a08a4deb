//! Bans a user, changes a ban, records a report, or accepts an appeal.

use std::sync::OnceLock;

use super::Authority;
use crate::domain::clock::{Moment, Timestamp};
use crate::domain::error::ApiError;
use crate::domain::ids::Uid;
use crate::domain::rules::{self, BanRequest, Identity, Judgement, Refusal, Scope};
use crate::store::{Call, Decided, Settled, Snapshot, Store};

/// The kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A ban is made, changed or reported.
    Ban,
    Appeal,
}

/// Judges and writes the call.
pub async fn ban(
    store: &Store,
    call: &Call,
    request: &BanRequest,
    intent: Intent,
    authority: &Authority,
) -> Result<Settled, ApiError> {
    let deciding = Deciding {
        store,
        call,
        request,
        authority,
        uid: OnceLock::new(),
    };
    store
        .settle(call, |snapshot, now| {
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
    call: &'a Call,
    request: &'a BanRequest,
    authority: &'a Authority,
    /// The number of the new ban, once taken: after a write conflict the call takes no second one.
    uid: OnceLock<Uid>,
}

impl Deciding<'_> {
    async fn ban(&self, snapshot: &Snapshot, moment: Moment) -> Result<Decided, ApiError> {
        let (standing, now) = (&snapshot.standing, moment.seconds());
        let request = self.request;
        let late = if rules::may_be_late(standing, request, now) {
            self.store.late_revisions(snapshot, request, now).await?
        } else {
            Vec::new()
        };
        let digest = self.call.digest.as_ref();
        let judged = rules::judge_ban(standing, request, digest, &late, now);
        if rules::decides(&judged) {
            let tag = snapshot.tag();
            // Read after the standing and the history: an erasure deletes those in the same
            // transaction in which it writes markers.
            if self.store.confirms_erased(tag, request, now).await? {
                return Ok(Decided::nothing(rules::report_erased(standing, now)));
            }
        }
        let judgement = judged.map_err(|refusal| self.refused(snapshot, refusal, now))?;
        match judgement {
            Judgement::Nothing => return Ok(Decided::nothing(rules::unchanged(standing))),
            Judgement::Confirmation(revision) => {
                return Ok(Decided::nothing(rules::confirm(standing, revision)));
            }
            Judgement::Overwrite | Judgement::Make => {}
        }
        if request.scope == Scope::Global {
            self.authority.demand_global()?;
        }
        // Before a number is taken, so that a refused caller takes none.
        let permit = self.store.permit_ban(self.call, moment).await?;
        let outcome = match judgement {
            Judgement::Make => {
                let identity = Identity::of(self.uid(snapshot).await?, moment);
                rules::make(standing, request, identity, now)
            }
            _ => rules::overwrite(standing, request, now),
        };
        Ok(Decided::new(outcome.made_by(digest, now), permit))
    }

    async fn uid(&self, snapshot: &Snapshot) -> Result<Uid, ApiError> {
        if let Some(uid) = self.uid.get() {
            return Ok(*uid);
        }
        let uid = self.store.new_uid(snapshot.tag()).await?;
        Ok(*self.uid.get_or_init(|| uid))
    }

    async fn appeal(&self, snapshot: &Snapshot, moment: Moment) -> Result<Decided, ApiError> {
        let BanRequest {
            scope, completed, ..
        } = *self.request;
        let (standing, now) = (&snapshot.standing, moment.seconds());
        let digest = self.call.digest.as_ref();
        let outcome = rules::appeal(standing, scope, completed, digest, now)
            .map_err(|refusal| self.refused(snapshot, refusal, now))?;
        if outcome.decisions.is_empty() {
            return Ok(Decided::nothing(outcome));
        }
        if outcome.decides_globally() {
            self.authority.demand_global()?;
        }
        let permit = self.store.permit_lift(self.call).await?;
        Ok(Decided::new(outcome, permit))
    }

    fn refused(&self, snapshot: &Snapshot, refusal: Refusal, now: Timestamp) -> ApiError {
        match refusal {
            Refusal::AlreadyBanned(ban) => {
                let completed = snapshot.standing.here.report == Some(ban.current());
                let view = self.authority.view.at(now);
                ApiError::AlreadyBanned {
                    ban: Box::new(view.show(&ban, completed)),
                    varies: self.authority.view_varies,
                }
            }
            Refusal::ExpiryPassed(_) => {
                ApiError::field("banLength", crate::domain::length::ACCEPTED)
            }
            Refusal::NotFound => ApiError::NotFound("the user has no ban in force in this scope"),
        }
    }
}
