//! Reads, decides, writes, and starts over after a write conflict.
//!
//! A write that got no answer may have happened. So the next round also reads the decision it would
//! have left in the history; if it is there, the call is done. A write starts only if there is time
//! for both (see [`crate::store::dynamo::deadline`]).

use std::future::Future;
use std::sync::Arc;

use super::actor::Actor;
use super::answers::{Named, StoredAnswer};
use super::carry_over::Joining;
use super::commit::Commit;
use super::requests;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::places::Resolved;
use crate::domain::rules::{CallDigest, Decision, Outcome, Standing};
use crate::store::Store;
use crate::store::access::links::Link;
use crate::store::access::self_linking::SelfLinking;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::decisions::write_policy::{CallerLimits, DryRun, PolicyOutcome};
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key};

/// How often a call is decided again after a write conflict. A hundred servers that report one item
/// at once need a few rounds; the route's time limit ends it in any case.
const ROUNDS: u32 = 32;

/// How many writes may go unanswered. The SDK has tried each of them several times, so more would
/// only add load to an overloaded database.
const UNANSWERED: usize = 3;

/// A call on one user's standing in one experience.
#[derive(Clone, Debug)]
pub struct WriteContext {
    pub user: UserId,
    pub prefix: WorkspacePrefix,
    /// The experience, and whether the call links it.
    pub link: Link,
    pub actor: Actor,
    /// The caller's limits besides the rules.
    pub limits: CallerLimits,
    /// The idempotency key, if the caller sent one.
    pub idempotency: Option<Named>,
    /// Identifies a repeat; without it, no call is one.
    pub digest: Option<CallDigest>,
    /// Judges the call and writes nothing; the calls of one dry run share its counts.
    pub dry_run: Option<Arc<DryRun>>,
}

impl WriteContext {
    /// The join from whose part the user is carried over first.
    fn joining(&self) -> Option<Joining> {
        let (part, join) = self.link.resolved.settling()?;
        Some(Joining {
            prefix: self.prefix,
            part,
            join,
            principal: None,
            request_id: self.actor.request_id.clone(),
        })
    }
}

/// The result of a call.
#[derive(Clone, Debug)]
pub struct Committed {
    pub standing: Standing,
    /// The decisions; unknown, and so empty, if an earlier request made them.
    pub decisions: Vec<Decision>,
    /// The answer to an earlier call under the same `Idempotency-Key`, if this is a repeat of it.
    pub(in crate::store) earlier: Option<StoredAnswer>,
    pub(in crate::store) is_rehearsed: bool,
}

impl Committed {
    fn by(outcome: Outcome, is_rehearsed: bool) -> Self {
        Self {
            standing: outcome.standing,
            decisions: outcome.decisions,
            earlier: None,
            is_rehearsed,
        }
    }

    /// Whether an earlier call under the same `Idempotency-Key` was answered.
    #[must_use]
    pub const fn is_repeat(&self) -> bool {
        self.earlier.is_some()
    }

    /// Whether nothing was written, in a dry run.
    #[must_use]
    pub const fn is_rehearsed(&self) -> bool {
        self.is_rehearsed
    }
}

impl Store {
    /// Performs a call: `decide` makes an outcome from what is stored, and the outcome is written
    /// as a whole if that state is still current. Otherwise `decide` runs again.
    pub async fn commit_with_retry<F, Fut>(
        &self,
        context: &WriteContext,
        decide: F,
    ) -> Result<Committed, ApiError>
    where
        F: Fn(Snapshot, UnixMillis) -> Fut,
        Fut: Future<Output = Result<PolicyOutcome, ApiError>>,
    {
        let mut linking = self.begin_linking(context.prefix, context.link);
        // On the heap: the rounds are large, and callers embed them in their own futures.
        let committed = Box::pin(self.settle_linking(context, &mut linking, decide)).await;
        linking.end().await;
        committed
    }

    async fn settle_linking<F, Fut>(
        &self,
        context: &WriteContext,
        linking: &mut SelfLinking<'_>,
        decide: F,
    ) -> Result<Committed, ApiError>
    where
        F: Fn(Snapshot, UnixMillis) -> Fut,
        Fut: Future<Output = Result<PolicyOutcome, ApiError>>,
    {
        if let Some(joining) = context.joining().filter(|_| context.dry_run.is_none()) {
            self.carry_over(&joining, context.user).await?;
        }
        let request_key = context
            .idempotency
            .as_ref()
            .map(|named| requests::key(context.prefix, &context.actor.key_id, &named.key));
        let mut unanswered = Unanswered::default();
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let attempt = self.attempt(
                context,
                request_key.as_ref(),
                linking,
                &mut unanswered,
                &decide,
            );
            match attempt.await? {
                Ok(committed) => return Ok(committed),
                Err(error) => self.database.retry_after_pause(&mut rounds, error).await?,
            }
        }
    }

    /// One round. The inner error calls for another.
    async fn attempt<F, Fut>(
        &self,
        context: &WriteContext,
        request_key: Option<&Key>,
        linking: &mut SelfLinking<'_>,
        unanswered: &mut Unanswered,
        decide: &F,
    ) -> Result<Result<Committed, DatabaseError>, ApiError>
    where
        F: Fn(Snapshot, UnixMillis) -> Fut,
        Fut: Future<Output = Result<PolicyOutcome, ApiError>>,
    {
        let (prefix, user) = (context.prefix, context.user);
        // Only checks read the other experience as well.
        let place = Resolved {
            besides: None,
            ..context.link.resolved
        };
        let others = request_key.into_iter().chain(&unanswered.witnesses);
        let others = others.cloned().collect();
        let (mut snapshot, found) = self.standing_and(prefix, user, place, others).await?;
        let now = UnixMillis::now();
        if let Some(done) = done_before(context, request_key, found, now.seconds())? {
            linking.found_done();
            self.database.meter().decided(&unanswered.decisions);
            return Ok(Ok(Committed {
                standing: snapshot.standing,
                decisions: std::mem::take(&mut unanswered.decisions),
                earlier: done.answer,
                is_rehearsed: false,
            }));
        }
        if let Some(error) = unanswered.too_often() {
            return Err(error.into());
        }
        if let Some(joining) = context.joining().filter(|_| context.dry_run.is_some()) {
            snapshot.standing = self.as_carried_over(&joining, &snapshot).await?;
        }
        let PolicyOutcome { outcome, policy } = decide(snapshot.clone(), now).await?;
        if context.dry_run.is_some() {
            return Ok(Ok(Committed::by(outcome, true)));
        }
        snapshot.is_linked = linking.prepare(now.seconds()).await?;
        let commit = Commit {
            snapshot: &snapshot,
            outcome: &outcome,
            policy: &policy,
            actor: &context.actor,
            now,
        };
        match self.write(context, request_key, &commit, linking).await {
            Ok(()) => {
                linking.written();
                self.database.meter().decided(&outcome.decisions);
                Ok(Ok(Committed::by(outcome, false)))
            }
            Err(error @ (DatabaseError::Refused(_) | DatabaseError::NoTime)) => Err(error.into()),
            Err(error @ DatabaseError::Conflict) => {
                linking.refresh().await?;
                Ok(Err(error))
            }
            Err(error @ DatabaseError::Unavailable(_)) => {
                unanswered.witnesses.extend(commit.witness());
                linking.unanswered();
                unanswered.errors.push(error.clone());
                unanswered.decisions = outcome.decisions;
                Ok(Err(error))
            }
        }
    }

    async fn write(
        &self,
        context: &WriteContext,
        request_key: Option<&Key>,
        commit: &Commit<'_>,
        linking: &SelfLinking<'_>,
    ) -> Result<(), DatabaseError> {
        let table = &self.database.tables().bans;
        let mut writes = commit.writes(&self.database)?;
        let seconds = commit.now.seconds();
        writes.extend(linking.write(seconds, writes.is_empty())?);
        if let (Some(key), Some(Named { key: name, shows })) = (request_key, &context.idempotency) {
            let answer = shows.stored(commit.outcome, seconds);
            writes.push(requests::write(table, key.clone(), name, answer, seconds)?);
        }
        if writes.is_empty() {
            Ok(())
        } else {
            self.database.transact_counted(writes).await
        }
    }
}

/// The writes of a call that got no answer, and may have happened.
#[derive(Default)]
struct Unanswered {
    errors: Vec<DatabaseError>,
    /// The entries that they would have left in the history.
    witnesses: Vec<Key>,
    /// The decisions of the last of them.
    decisions: Vec<Decision>,
}

impl Unanswered {
    /// The last error, if there are too many for another write.
    fn too_often(&mut self) -> Option<DatabaseError> {
        (self.errors.len() >= UNANSWERED).then(|| self.errors.pop())?
    }
}

/// A call that has taken effect before.
#[derive(Debug, Default)]
struct Done {
    /// Its answer, if it has an `Idempotency-Key`.
    answer: Option<StoredAnswer>,
}

/// Whether the call has taken effect before: in a round without an answer, or under the same
/// idempotency key.
fn done_before(
    context: &WriteContext,
    request_key: Option<&Key>,
    found: Vec<Item>,
    now: UnixSeconds,
) -> Result<Option<Done>, ApiError> {
    #[derive(serde::Deserialize)]
    struct Witness {
        request: Option<String>,
    }
    let mut done: Option<Done> = None;
    for item in found {
        match &context.idempotency {
            Some(named) if Key::of(&item).as_ref() == request_key => {
                if let Some(repeat) = requests::repeated(item, &named.key, now)? {
                    done.get_or_insert_default().answer = repeat.answer;
                }
            }
            _ => {
                let witness: Witness = items::read(item)?;
                if witness.request.as_ref() == Some(&context.actor.request_id) {
                    done.get_or_insert_default();
                }
            }
        }
    }
    Ok(done)
}
