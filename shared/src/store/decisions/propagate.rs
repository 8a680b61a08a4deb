//! Propagates decisions to experiences outside of the deciding transaction.
//!
//! Fed by the table's stream, and level-triggered: a record only shows *where* something changed.
//! What to do follows from the current state, so a record that comes twice, late or out of order
//! does no harm, and an interrupted one is repeated.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::commit;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, TRANSACTION_ACTIONS};
use crate::store::dynamo::items::{self, ExperienceItem, GlobalItem};
use crate::store::dynamo::schema::{Key, Partition};

/// How often a transaction is retried after a write conflict.
const ROUNDS: u32 = 10;

/// What to propagate after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PropagationStep {
    /// Copies a Global decision to every linked experience.
    Global(WorkspacePrefix, UserId),
    /// Back-fills active Global bans into a newly linked experience.
    Link(WorkspacePrefix, ExperienceId),
}

impl PropagationStep {
    /// The step after a change of this item, if it needs one.
    #[must_use]
    pub fn of(key: &Key) -> Option<Self> {
        let Partition { prefix, kind, .. } = key.partition()?;
        match kind {
            "G" => Some(Self::Global(prefix, key.sk.parse().ok()?)),
            "X" => Some(Self::Link(prefix, ExperienceId::in_key(&key.sk)?)),
            _ => None,
        }
    }
}

impl Store {
    /// Takes a step. Repeating it changes nothing.
    pub async fn propagate(&self, step: PropagationStep) -> Result<(), ApiError> {
        match step {
            PropagationStep::Global(prefix, user) => {
                let experiences = self.linked_experiences(prefix).await?;
                let pairs: Vec<_> = experiences.iter().map(|id| (user, *id)).collect();
                self.reconcile(prefix, &pairs).await
            }
            PropagationStep::Link(prefix, experience) => self.backfill(prefix, experience).await,
        }
    }

    /// Brings the experiences' items in line with the current Global bans, in as few transactions
    /// as possible; each transaction checks its Global bans, so that no outdated one is applied.
    pub(in crate::store) async fn reconcile(
        &self,
        prefix: WorkspacePrefix,
        pairs: &[(UserId, ExperienceId)],
    ) -> Result<(), ApiError> {
        for some in in_transactions(pairs) {
            self.reconcile_some(prefix, some).await?;
        }
        Ok(())
    }

    async fn reconcile_some(
        &self,
        prefix: WorkspacePrefix,
        pairs: &[(UserId, ExperienceId)],
    ) -> Result<(), ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let snapshots = self.snapshots(prefix, pairs).await?;
            let writes = self.reconciling(&snapshots, UnixMillis::now().seconds())?;
            if writes.is_empty() {
                return Ok(());
            }
            let written = self.database.transact_counted(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(());
            }
        }
    }

    pub(in crate::store) async fn snapshots(
        &self,
        prefix: WorkspacePrefix,
        pairs: &[(UserId, ExperienceId)],
    ) -> Result<Vec<Snapshot>, DatabaseError> {
        let mut users: Vec<_> = pairs.iter().map(|(user, _)| *user).collect();
        users.dedup();
        let global_keys = users.iter().map(|user| Key::global(prefix, *user));
        let here_keys = pairs
            .iter()
            .map(|(user, id)| Key::experience(prefix, *user, *id));
        let keys = global_keys.chain(here_keys);
        let mut found = HashMap::new();
        for item in self.database.batch_get(keys, true).await? {
            if let Some(key) = Key::of(&item) {
                found.insert((key.pk, key.sk), item);
            }
        }
        let item_of = |key: Key| found.get(&(key.pk, key.sk)).cloned();
        pairs
            .iter()
            .map(|(user, experience)| {
                let here = item_of(Key::experience(prefix, *user, *experience));
                let global = item_of(Key::global(prefix, *user));
                Ok(Snapshot::new(
                    prefix,
                    *user,
                    *experience,
                    here.map(items::read::<ExperienceItem>).transpose()?,
                    global.map(items::read::<GlobalItem>).transpose()?,
                ))
            })
            .collect()
    }

    fn reconciling(
        &self,
        snapshots: &[Snapshot],
        now: UnixSeconds,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &self.database.tables().bans;
        let mut writes = Vec::new();
        let mut checked = None;
        for snapshot in snapshots {
            let Some(item) = commit::experience_item(snapshot, &snapshot.standing, now) else {
                continue;
            };
            if checked != Some(snapshot.user) {
                writes.push(commit::check_global(table, snapshot)?);
                checked = Some(snapshot.user);
            }
            writes.push(commit::put_experience(table, snapshot, item)?);
        }
        Ok(writes)
    }
}

/// The pairs, divided so that each part fits into one transaction: one write per pair, and one
/// check of the Global ban per run of pairs of one user.
fn in_transactions(pairs: &[(UserId, ExperienceId)]) -> Vec<&[(UserId, ExperienceId)]> {
    let (mut parts, mut rest) = (Vec::new(), pairs);
    while !rest.is_empty() {
        let (mut actions, mut checked) = (0_usize, None);
        let fitting = rest.iter().take_while(|(user, _)| {
            let is_checked = checked.replace(*user) == Some(*user);
            actions = actions.saturating_add(if is_checked { 1 } else { 2 });
            actions <= TRANSACTION_ACTIONS
        });
        let (part, left) = rest.split_at(fitting.count().max(1).min(rest.len()));
        parts.push(part);
        rest = left;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(pairs: &[(u64, u64)]) -> Vec<usize> {
        let pair =
            |(user, place): &(u64, u64)| Some((UserId::new(*user)?, ExperienceId::new(*place)?));
        let pairs: Vec<_> = pairs.iter().filter_map(pair).collect();
        let parts = in_transactions(&pairs);
        assert_eq!(parts.concat(), pairs);
        parts.into_iter().map(<[_]>::len).collect()
    }

    #[test]
    fn transaction_has_100_actions_across_users() {
        let of_one_user: Vec<_> = (1..=250).map(|place| (1, place)).collect();
        assert_eq!(sizes(&of_one_user), [99, 99, 52]);
        let of_one_place: Vec<_> = (1..=120).map(|user| (user, 1)).collect();
        assert_eq!(sizes(&of_one_place), [50, 50, 20]);
        assert_eq!(sizes(&[]), [0_usize; 0]);
    }
}
