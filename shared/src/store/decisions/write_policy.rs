//! What a decision needs besides the rules: the user is not protected, the caps leave room, and how
//! long its history is kept.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Mutex;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::domain::actor::ActorKind;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ModeratorId, WorkspacePrefix};
use crate::domain::lock::lock;
use crate::domain::rules::{Outcome, Pace};
use crate::store::Store;
use crate::store::decisions::commit_with_retry::WriteContext;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};
use crate::store::dynamo::versions;

/// A caller's limits besides the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerLimits {
    /// An API call: protection and caps apply.
    Api {
        /// The cap of the key.
        bans_per_hour: Option<NonZeroU32>,
    },
    /// The operator, or an import: protection applies.
    Operator,
    /// An undo, which restores a previous state: no limits apply.
    Unbound,
}

/// The policy to write a decision. An outcome without a decision needs none.
#[derive(Clone, Debug, Default)]
pub struct WritePolicy {
    /// For how many seconds the decision is kept in the history; absent = permanently.
    keep: Option<u64>,
    paces: Vec<CountedPace>,
}

/// The outcome of a call with its write policy.
#[derive(Clone, Debug)]
pub struct PolicyOutcome {
    pub(in crate::store) outcome: Outcome,
    pub(in crate::store) policy: WritePolicy,
}

impl PolicyOutcome {
    /// A permitted decision.
    #[must_use]
    pub const fn new(outcome: Outcome, policy: WritePolicy) -> Self {
        Self { outcome, policy }
    }

    /// A report, or nothing at all.
    #[must_use]
    pub fn nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            policy: WritePolicy::default(),
        }
    }
}

/// A pace with this ban in it, to be written on the version that was read.
#[derive(Clone, Debug)]
struct CountedPace {
    key: Key,
    version: Option<u64>,
    pace: Pace,
}

#[derive(Serialize, Deserialize)]
struct PaceItem {
    version: u64,
    steps: Vec<(u64, u32)>,
    ttl: u64,
}

/// The bans that a dry run would have counted against caps.
#[derive(Debug, Default)]
pub struct DryRun(Mutex<HashMap<(String, String), Pace>>);

impl DryRun {
    fn pace(&self, key: &Key) -> Option<Pace> {
        let name = (key.pk.clone(), key.sk.clone());
        lock(&self.0).get(&name).cloned()
    }

    fn count(&self, key: Key, pace: Pace) {
        lock(&self.0).insert((key.pk, key.sk), pace);
    }
}

impl WritePolicy {
    /// When a decision made now leaves the history, for its `ttl`.
    pub(in crate::store) fn leaves(&self, now: UnixSeconds) -> Option<u64> {
        self.keep.map(|seconds| now.plus(seconds).0)
    }

    /// The paces to be written with the decision.
    pub(in crate::store) fn writes(
        &self,
        table: &str,
        now: UnixSeconds,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        self.paces
            .iter()
            .map(|counted| {
                let item = PaceItem {
                    version: versions::next_version(counted.version),
                    steps: counted.pace.steps().to_vec(),
                    ttl: now.plus(Pace::MATTERS).0,
                };
                let item = items::write(counted.key.clone(), StoredKind::Pace, item)?;
                let put = Put::builder().set_item(Some(item));
                versions::put_if_version(table, put, counted.version)
            })
            .collect()
    }
}

impl Store {
    /// The policy to ban or to change a ban: 403 for a protected user, 429 if a cap is reached. One
    /// call reads everything it depends on; the caps are written with the ban, so that no more pass
    /// than they allow.
    pub async fn ban_policy(
        &self,
        context: &WriteContext,
        now: UnixMillis,
    ) -> Result<WritePolicy, ApiError> {
        let mut policy = self.lift_policy(context).await?;
        let protected = Key::protected(context.prefix, context.user);
        let caps = match context.limits {
            CallerLimits::Unbound => return Ok(policy),
            CallerLimits::Operator => Vec::new(),
            CallerLimits::Api { bans_per_hour } => self.caps(context, bans_per_hour).await?,
        };
        let keys = caps.iter().map(|(key, _, _)| key.clone());
        let keys = std::iter::once(protected.clone()).chain(keys);
        let mut found = self.database.batch_get(keys, true).await?;
        found.retain(|item| Key::of(item).is_some());
        let mut item_of = |key: &Key| {
            let at = found
                .iter()
                .position(|item| Key::of(item).as_ref() == Some(key))?;
            Some(found.swap_remove(at))
        };
        if item_of(&protected).is_some() {
            return Err(ApiError::ProtectedUser);
        }
        for (key, cap, what) in caps {
            let stored = item_of(&key).map(items::read::<PaceItem>).transpose()?;
            let version = stored.as_ref().map(|item| item.version);
            let stored = stored.map_or_else(Pace::default, |item| Pace::from_steps(item.steps));
            let dry_run = context.dry_run.as_deref();
            let pace = dry_run.and_then(|run| run.pace(&key)).unwrap_or(stored);
            let pace = pace
                .admit(cap, now.seconds())
                .map_err(|retry_after| ApiError::RateLimited { what, retry_after })?;
            if let Some(run) = dry_run {
                run.count(key.clone(), pace.clone());
            }
            policy.paces.push(CountedPace { key, version, pace });
        }
        Ok(policy)
    }

    /// Whether bans by this caller count against a cap. Simultaneous ones would be write conflicts.
    pub async fn counts_bans(
        &self,
        prefix: WorkspacePrefix,
        limits: CallerLimits,
    ) -> Result<bool, ApiError> {
        let CallerLimits::Api { bans_per_hour } = limits else {
            return Ok(false);
        };
        let workspace = self.known_workspace(prefix).await?;
        let of_moderators = workspace.and_then(|workspace| workspace.moderator_bans_per_hour);
        Ok(bans_per_hour.or(of_moderators).is_some())
    }

    /// The policy to end a ban, which neither protection nor a cap prevents.
    pub async fn lift_policy(&self, context: &WriteContext) -> Result<WritePolicy, ApiError> {
        self.record_policy(context.prefix).await
    }

    /// The policy to add to the history, for as long as the workspace keeps it.
    pub(in crate::store) async fn record_policy(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<WritePolicy, ApiError> {
        let workspace = self.known_workspace(prefix).await?;
        let days = workspace.and_then(|workspace| workspace.history_days);
        Ok(WritePolicy {
            keep: days.map(|days| u64::from(days.get()).saturating_mul(86_400)),
            paces: Vec::new(),
        })
    }

    /// The caps on a ban by this call, each with the message when it is reached.
    async fn caps(
        &self,
        context: &WriteContext,
        of_key: Option<NonZeroU32>,
    ) -> Result<Vec<(Key, NonZeroU32, &'static str)>, ApiError> {
        let workspace = self.known_workspace(context.prefix).await?;
        let of_moderator = workspace.and_then(|workspace| workspace.moderator_bans_per_hour);
        let key = of_key.map(|cap| {
            let key = Key::key_pace(context.prefix, &context.actor.key_id);
            (key, cap, "this key has reached its limit of bans per hour")
        });
        let moderator = of_moderator.zip(context.actor.moderator).map(|(cap, id)| {
            let actor = &context.actor.key_id;
            let is_member = ActorKind::of(actor, None) == ActorKind::Member;
            // Members without a Roblox user share the moderator 1, and not its cap. One with a
            // Roblox user has one cap, whatever the channel.
            let key = if is_member && id == ModeratorId::NOBODY {
                Key::key_pace(context.prefix, actor)
            } else {
                Key::moderator_pace(context.prefix, id)
            };
            let what = "this moderator has reached the limit of bans per hour";
            (key, cap, what)
        });
        Ok(key.into_iter().chain(moderator).collect())
    }
}
