//! Reads, decides, writes, and starts over after a write conflict.
//!
//! A write that got no answer may have happened. So the next round also reads the decision it would
//! have left in the history; if it is there, the call is done. A write starts only if there is time
//! for both (see [`crate::store::dynamo::deadline`]).

use std::future::Future;

use super::answers::{Named, StoredAnswer};
use super::commit::{Actor, Commit};
use super::requests;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::rules::{CallDigest, Decision, Standing};
use crate::store::Store;
use crate::store::access::links::Link;
use crate::store::access::self_linking::SelfLinking;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::decisions::write_policy::{CallerLimits, PolicyOutcome};
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key};

/// How often a call is decided again after a write conflict. A hundred servers that report one item
/// at once need a few rounds; the route's time limit ends it in any case.
const ROUNDS: u32 = 32;

/// How many writes may go unanswered. The SDK has tried each of them several times, so more would
/// only add load to an overloaded database.
const UNANSWERED: u32 = 3;

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
}

/// The result of a call.
#[derive(Clone, Debug)]
pub struct Committed {
    pub standing: Standing,
    /// The decisions; unknown, and so empty, if an earlier request made them.
    pub decisions: Vec<Decision>,
    /// The answer to an earlier call under the same `Idempotency-Key`, if this is a repeat of it.
    pub(in crate::store) earlier: Option<StoredAnswer>,
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
        let (prefix, user, experience) = (context.prefix, context.user, context.link.experience());
        let request_key = context
            .idempotency
            .as_ref()
            .map(|named| requests::key(prefix, &context.actor.key_id, &named.key));
        let mut witnesses: Vec<Key> = Vec::new();
        let mut unanswered = 0;
        // What the last of them would have decided.
        let mut unsure = Vec::new();
        let mut last = DatabaseError::Conflict;
        for round in 0..ROUNDS {
            let others = request_key.iter().chain(&witnesses).cloned().collect();
            let (mut snapshot, found) = self.standing_and(prefix, user, experience, others).await?;
            let now = UnixMillis::now();
            if let Some(done) = done_before(context, request_key.as_ref(), found, now.seconds())? {
                linking.found_done();
                self.database.meter().decided(&unsure);
                return Ok(Committed {
                    standing: snapshot.standing,
                    decisions: unsure,
                    earlier: done.answer,
                });
            }
            if unanswered == UNANSWERED {
                break;
            }
            let PolicyOutcome { outcome, policy } = decide(snapshot.clone(), now).await?;
            snapshot.is_linked = linking.prepare(now.seconds()).await?;
            let commit = Commit {
                snapshot: &snapshot,
                outcome: &outcome,
                policy: &policy,
                actor: &context.actor,
                now,
            };
            match self
                .write(context, request_key.as_ref(), &commit, linking)
                .await
            {
                Ok(()) => {
                    linking.written();
                    self.database.meter().decided(&outcome.decisions);
                    return Ok(Committed {
                        standing: outcome.standing,
                        decisions: outcome.decisions,
                        earlier: None,
                    });
                }
                Err(error @ (DatabaseError::Refused(_) | DatabaseError::NoTime)) => {
                    return Err(error.into());
                }
                Err(error @ DatabaseError::Conflict) => {
                    self.database.meter().write_conflict();
                    linking.refresh().await?;
                    last = error;
                }
                Err(error @ DatabaseError::Unavailable(_)) => {
                    witnesses.extend(commit.witness());
                    linking.unanswered();
                    unanswered += 1;
                    unsure = outcome.decisions;
                    last = error;
                }
            }
            self.database.pause(round).await;
        }
        Err(last.into())
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
            let answer = shows.stored(&commit.outcome.standing, seconds);
            writes.push(requests::write(table, key.clone(), name, answer, seconds)?);
        }
        if writes.is_empty() {
            Ok(())
        } else {
            self.database.transact(writes).await
        }
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
