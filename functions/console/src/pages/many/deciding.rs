//! Decides about the players side by side, by the rules of a bulk call, or rehearses that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use shared::domain::error::ApiError;
use shared::domain::idempotency::IdempotencyKey;
use shared::domain::ids::UserId;
use shared::domain::lock::lock;
use shared::domain::rules::Meaning;
use shared::moderation::bulk::{self, AT_ONCE, UserCall, UserResult};
use shared::moderation::{self, Authority, Intent, NumberBlock};
use shared::store::{
    Actor, Committed, DryRun, Link, LinkRights, Named, Shows, Store, WriteContext,
};

use super::order::{ManyAction, Order, RunTarget};
use crate::pages::run::RunResult;
use crate::visit::Visit;

/// What is the same for all players of a request.
struct Deciding<'a> {
    visit: &'a Visit,
    order: &'a Order,
    authority: Authority,
    actor: Actor,
    link: Link,
    /// The key of the run's form; none for a dry run.
    key: Option<&'a str>,
    dry_run: Option<Arc<DryRun>>,
    numbers: NumberBlock,
    /// The decisions that were made, as `guid-number`.
    decisions: Mutex<HashMap<UserId, String>>,
}

/// What would become of each player; writes nothing.
pub async fn rehearse(
    visit: &Visit,
    order: &Order,
    targets: &[RunTarget],
) -> Result<Vec<UserResult>, ApiError> {
    let deciding = Deciding::begin(visit, order, targets.len(), None).await?;
    deciding.run(targets, AT_ONCE).await
}

/// Decides about each player, once under the run's key, however often it is sent.
pub async fn decide(
    visit: &Visit,
    order: &Order,
    targets: &[RunTarget],
    key: &str,
) -> Result<Vec<RunResult>, ApiError> {
    let deciding = Deciding::begin(visit, order, targets.len(), Some(key)).await?;
    let limits = deciding.authority.limits;
    let is_capped = order.action() == ManyAction::Ban
        && visit.store.counts_bans(visit.prefix(), limits).await?;
    let at_once = if is_capped { 1 } else { AT_ONCE };
    let results = deciding.run(targets, at_once).await?;
    let mut decisions = deciding
        .decisions
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let results = results.into_iter().map(|it| {
        let decision = decisions.remove(&it.user_id);
        RunResult::new(it.user_id, code(&it), decision)
    });
    Ok(results.collect())
}

/// The result as a code: that of the refusal if there is one.
pub fn code(result: &UserResult) -> &str {
    use shared::domain::bulk::BulkResult;
    match result.outcome.result {
        BulkResult::Banned => "banned",
        BulkResult::Changed => "changed",
        BulkResult::Unbanned => "unbanned",
        BulkResult::Unchanged => "unchanged",
        BulkResult::Unprocessed => RunResult::UNPROCESSED,
        BulkResult::Refused => result.outcome.code.as_deref().unwrap_or("refused"),
    }
}

impl<'a> Deciding<'a> {
    async fn begin(
        visit: &'a Visit,
        order: &'a Order,
        players: usize,
        key: Option<&'a str>,
    ) -> Result<Self, ApiError> {
        let moderator = visit.moderator()?;
        // A person chooses among linked experiences, so a run links none.
        let rights = LinkRights {
            prefix: visit.prefix(),
            may_write: false,
        };
        Ok(Self {
            visit,
            order,
            authority: moderator.authority(visit.now()),
            actor: moderator.actor(visit.request.id()),
            link: visit.store.check_link(rights, order.place()).await?,
            key,
            dry_run: key.is_none().then(Arc::default),
            numbers: NumberBlock::of(players),
            decisions: Mutex::default(),
        })
    }

    /// The results in the order of the targets. If the database fails, nobody is processed.
    async fn run(
        &self,
        targets: &[RunTarget],
        at_once: usize,
    ) -> Result<Vec<UserResult>, ApiError> {
        let shows = Shows::Latest(self.order.scope());
        let calls = targets.iter().map(|target| UserCall {
            user: target.user,
            shows,
            decide: move |store: Store| async move {
                let decided = self.decide(&store, *target, shows).await;
                self.numbers.ended();
                decided
            },
        });
        match bulk::run(&self.visit.store, at_once, calls.collect()).await {
            Err(ApiError::Unavailable(_)) => Ok(targets.iter().map(unprocessed).collect()),
            results => results,
        }
    }

    async fn decide(
        &self,
        store: &Store,
        target: RunTarget,
        shows: Shows,
    ) -> Result<Committed, ApiError> {
        let context = self.context(target, shows);
        let committed = match self.order {
            Order::Ban(request) => {
                let request = Order::ban_of(request, target.user);
                let (authority, numbers) = (&self.authority, Some(&self.numbers));
                moderation::ban(store, &context, &request, Intent::Ban, authority, numbers).await?
            }
            Order::Lift { .. } => self.lift(store, &context, target).await?,
        };
        let effect = committed.effect(shows, self.visit.now());
        if self.key.is_some() && effect.decided.is_some() {
            let answer = store.answer(&context, &committed, shows).await?;
            let decision = answer.map(|it| format!("{}-{}", it.ban.guid, it.ban.decisions));
            let mut decisions = lock(&self.decisions);
            decisions.extend(decision.map(|decision| (target.user, decision)));
        }
        Ok(committed)
    }

    async fn lift(
        &self,
        store: &Store,
        context: &WriteContext,
        target: RunTarget,
    ) -> Result<Committed, ApiError> {
        const NONE: ApiError = ApiError::NotFound("no ban is in force");
        let guid = if let Some(guid) = target.ban {
            guid
        } else {
            let place = self.link.experience();
            let snapshot = store.standing(context.prefix, target.user, place).await?;
            let (standing, now) = (snapshot.standing, self.visit.now());
            let in_force = standing.in_force(self.order.scope(), now);
            in_force.ok_or(NONE)?.guid
        };
        let request = self.order.lift_of(target.user).ok_or(NONE)?;
        moderation::lift(store, context, &request, &[guid], &self.authority).await
    }

    fn context(&self, target: RunTarget, shows: Shows) -> WriteContext {
        let idempotency = self.key.map(|key| {
            let key = IdempotencyKey::of_form(key, &Meaning::of_parts(&["many"]));
            Named {
                key: key.of_user(target.user, &self.meaning(target)),
                shows,
            }
        });
        WriteContext {
            user: target.user,
            prefix: self.visit.prefix(),
            link: self.link,
            actor: self.actor.clone(),
            limits: self.authority.limits,
            idempotency,
            digest: None,
            dry_run: self.dry_run.clone(),
        }
    }

    fn meaning(&self, target: RunTarget) -> Meaning {
        match self.order {
            Order::Ban(request) => Order::ban_of(request, target.user).meaning(),
            Order::Lift { reason, .. } => {
                let guid = target.ban.map(|guid| guid.to_string()).unwrap_or_default();
                Meaning::of_parts(&["lift", &guid, reason])
            }
        }
    }
}

fn unprocessed(target: &RunTarget) -> UserResult {
    UserResult {
        user_id: target.user,
        outcome: shared::domain::bulk::BulkOutcome::UNPROCESSED,
    }
}
