//! The caller of a bulk call: the parts of each user's call that are the same for all.

use std::sync::Arc;

use crate::api::ApiRequest;
use crate::api::auth::{Caller, DecideBans};
use crate::domain::actor::Channel;
use crate::domain::bulk::BulkOutcome;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::{ModeratorId, PlaceId, UserId, WorkspacePrefix};
use crate::domain::rules::{CallDigest, Meaning};
use crate::moderation::Authority;
use crate::moderation::bulk::{self, UserCall, UserResult};
use crate::store::{
    Actor, CallerLimits, Committed, DryRun, LinkRights, Named, Shows, Store, WriteContext,
};

/// Who makes a bulk call, and under which `Idempotency-Key`.
#[derive(Debug)]
pub struct BulkCaller {
    prefix: WorkspacePrefix,
    key_id: String,
    channel: Channel,
    request_id: String,
    link_rights: LinkRights,
    limits: CallerLimits,
    idempotency: Option<IdempotencyKey>,
    /// The results of the call by user id, if an earlier request has completed it.
    completed: Option<Vec<BulkOutcome>>,
    dry_run: Option<Arc<DryRun>>,
}

impl BulkCaller {
    /// Reserves the `Idempotency-Key`, if the caller sent one: 400 if it was used for another call.
    /// `meanings` are those of the users' calls; their order does not matter. A dry run reserves
    /// nothing.
    pub async fn begin<P: DecideBans>(
        caller: &Caller<P>,
        authority: &Authority,
        request: &ApiRequest,
        store: &Store,
        meanings: &[Meaning],
        is_dry_run: bool,
    ) -> Result<Self, ApiError> {
        let mut parts: Vec<_> = meanings.iter().map(Meaning::as_str).collect();
        parts.sort_unstable();
        let named = request.idempotency_key(&Meaning::of_parts(&parts))?;
        let idempotency = named.filter(|_| !is_dry_run);
        let (prefix, key_id) = (caller.prefix(), caller.key_id());
        let completed = match &idempotency {
            Some(key) => {
                let now = UnixMillis::now().seconds();
                store.begin_bulk(prefix, key_id, key, now).await?
            }
            None => None,
        };
        Ok(Self {
            prefix,
            key_id: key_id.to_owned(),
            channel: caller.channel(),
            request_id: request.id().to_owned(),
            link_rights: caller.link_rights(),
            limits: authority.limits,
            idempotency,
            completed,
            dry_run: is_dry_run.then(Arc::default),
        })
    }

    /// The context of one user's call.
    pub async fn context(
        &self,
        store: &Store,
        (user, place): (UserId, PlaceId),
        moderator: Option<ModeratorId>,
        meaning: &Meaning,
        shows: Shows,
    ) -> Result<WriteContext, ApiError> {
        let of_user = |key: &IdempotencyKey| key.of_user(user, meaning);
        let idempotency = self.idempotency.as_ref().map(of_user);
        let name = idempotency.as_ref().map(|key| key.name.as_str());
        let digest = CallDigest::new(&self.key_id, name, meaning);
        Ok(WriteContext {
            user,
            prefix: self.prefix,
            // From the cache, once one of the users' calls has linked the experience.
            link: store.check_link(self.link_rights, place).await?,
            actor: Actor {
                key_id: self.key_id.clone(),
                channel: self.channel,
                moderator,
                principal: None,
                request_id: self.request_id.clone(),
            },
            limits: self.limits,
            idempotency: idempotency.map(|key| Named { key, shows }),
            digest: Some(digest),
            dry_run: self.dry_run.clone(),
        })
    }

    /// Runs the users' calls, at most `at_once` of them at the same time, unless an earlier request
    /// has completed the call under its `Idempotency-Key`.
    pub async fn run<F, Fut>(
        &self,
        store: &Store,
        at_once: usize,
        calls: Vec<UserCall<F>>,
    ) -> Result<Vec<UserResult>, ApiError>
    where
        F: FnOnce(Store) -> Fut,
        Fut: Future<Output = Result<Committed, ApiError>>,
    {
        let mut by_user: Vec<_> = calls.iter().map(|call| call.user).enumerate().collect();
        by_user.sort_unstable_by_key(|(_, user)| *user);
        if let Some(completed) = &self.completed {
            let mut results: Vec<_> = by_user.into_iter().zip(completed).collect();
            results.sort_unstable_by_key(|((index, _), _)| *index);
            let result = |((_, user_id), outcome): ((_, _), &BulkOutcome)| UserResult {
                user_id,
                outcome: outcome.clone(),
            };
            return Ok(results.into_iter().map(result).collect());
        }
        let results = bulk::run(store, at_once, calls).await?;
        if let Some(key) = &self.idempotency
            && !results.iter().any(UserResult::is_unprocessed)
        {
            let outcomes = by_user.iter().filter_map(|(index, _)| results.get(*index));
            let outcomes: Vec<_> = outcomes.map(|result| result.outcome.clone()).collect();
            // If this fails, a repeat judges only the refused users again.
            let ended = store.end_bulk(self.prefix, &self.key_id, key, &outcomes);
            let _ = ended.await;
        }
        Ok(results)
    }
}
