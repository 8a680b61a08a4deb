//! Back-fills an experience that was linked: with the users' Global bans, and with its own earlier
//! bans if it was linked before.
//!
//! Level-triggered like the rest of `spread`: the stream's function and the operator may walk at
//! the same time, and either may stop anywhere and start again.

use std::fmt;

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::access::links::Link;
use crate::store::dynamo::database::{number, text};
use crate::store::dynamo::deadline::STEP;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{
    self, GLOBAL_SHARDS, Item, Key, LEDGER_SHARDS, attributes, names,
};

/// How many users are updated per transaction, which allows 100 actions: each is a check of the
/// Global ban and a write of the experience's item.
const PAGE: usize = 50;

/// How many such transactions one invocation makes before the next one continues.
const PAGES: u32 = 20;

/// The position of a back-fill: first the partitions of Global bans, then those of the experience's
/// own bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackfillPosition {
    partition: u64,
    /// The last one processed there: a user among the Global bans, else `<guid>-<user>`.
    after: Option<String>,
}

impl BackfillPosition {
    /// Parses `<partition>:<after>`; anything else is the beginning.
    fn parse(text: &str) -> Self {
        let read = || {
            let (partition, after) = text.split_once(':')?;
            Some(Self {
                partition: partition.parse().ok()?,
                after: (!after.is_empty()).then(|| after.to_owned()),
            })
        };
        read().unwrap_or_default()
    }

    fn next_partition(&self) -> Option<Self> {
        let partition = self.partition.saturating_add(1);
        (partition < GLOBAL_SHARDS.saturating_add(LEDGER_SHARDS)).then_some(Self {
            partition,
            after: None,
        })
    }

    /// The shard of the experience's own list; none while the Global bans are walked.
    const fn own_shard(&self) -> Option<u64> {
        self.partition.checked_sub(GLOBAL_SHARDS)
    }
}

impl fmt::Display for BackfillPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.as_deref().unwrap_or_default();
        write!(f, "{}:{after}", self.partition)
    }
}

impl Store {
    /// Continues the back-fill of an experience from where the last invocation stopped. The
    /// position lies in the link; writing it makes the stream record that invokes the next one.
    pub(in crate::store) async fn backfill(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<(), ApiError> {
        #[derive(serde::Deserialize)]
        struct LinkItem {
            #[serde(default)]
            linked: UnixSeconds,
            backfill: String,
        }
        let Some(item) = self.database.get(Key::link(prefix, experience)).await? else {
            return Ok(());
        };
        let LinkItem {
            linked,
            backfill: begun,
        } = items::read(item)?;
        if begun == Link::BACKFILL_DONE {
            return Ok(());
        }
        let mut position = Some(BackfillPosition::parse(&begun));
        for _ in 0..PAGES {
            // Time for this step, and for writing the position.
            if !self.database.has_time(STEP.saturating_mul(2)) {
                break;
            }
            let Some(at) = position else { break };
            position = self.backfill_some(prefix, experience, &at).await?.1;
        }
        let reached = position.map_or(Link::BACKFILL_DONE.to_owned(), |at| at.to_string());
        let update = self
            .database
            .updating(Key::link(prefix, experience))
            .update_expression("SET backfill = :reached")
            .condition_expression(
                "backfill = :begun AND (linked = :linked OR attribute_not_exists(linked))",
            )
            .expression_attribute_values(":reached", text(reached))
            .expression_attribute_values(":begun", text(begun))
            .expression_attribute_values(":linked", number(linked.0));
        // If not, another invocation got as far and continues, or the experience was unlinked and
        // linked again, and the walk for the new link starts from the beginning.
        self.database.update_if(update).await?;
        Ok(())
    }

    /// Back-fills some users' bans, and returns how many were read and where the next begin.
    pub async fn backfill_some(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        at: &BackfillPosition,
    ) -> Result<(u64, Option<BackfillPosition>), ApiError> {
        let (users, looked_at, next) = self.backfill_users(prefix, experience, at).await?;
        let pairs: Vec<_> = users.into_iter().map(|user| (user, experience)).collect();
        if !pairs.is_empty() {
            self.reconcile(prefix, &pairs).await?;
        }
        Ok((looked_at, next))
    }

    /// The next users with a Global ban or a ban made in the experience, how many bans were read,
    /// and where the next begin.
    pub(in crate::store) async fn backfill_users(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        at: &BackfillPosition,
    ) -> Result<(Vec<UserId>, u64, Option<BackfillPosition>), ApiError> {
        let query = match at.own_shard() {
            None => {
                let partition = schema::global_partition(prefix, at.partition);
                let start = at.after.as_ref().map(|user| {
                    let (pk, sk) = (partition.clone(), user.clone());
                    Key { pk, sk }.item()
                });
                self.database
                    .querying()
                    .consistent_read(true)
                    .key_condition_expression("pk = :list")
                    .projection_expression("pk, sk")
                    .expression_attribute_values(":list", text(partition))
                    .set_exclusive_start_key(start)
            }
            Some(shard) => {
                let partition = schema::experience_ledger_partition(prefix, experience, shard);
                let start = at
                    .after
                    .as_ref()
                    .and_then(|at| start_of(prefix, &partition, at));
                self.database
                    .querying()
                    .index_name(names::BY_EXPERIENCE)
                    .key_condition_expression("experience_ledger = :list")
                    .projection_expression("pk, sk")
                    .expression_attribute_values(":list", text(partition))
                    .set_exclusive_start_key(start)
            }
        };
        let query = query.limit(i32::try_from(PAGE).unwrap_or(i32::MAX));
        let (found, next) = self.database.query(query).await?;
        let looked_at = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let mut users: Vec<UserId> = found.iter().filter_map(user_of).collect();
        users.sort_unstable();
        users.dedup();
        let after = next.and_then(|item| {
            if at.own_shard().is_none() {
                Some(Key::of(&item)?.sk)
            } else {
                let guid = item.get(attributes::GUID_KEY)?.as_s().ok()?;
                Some(format!("{guid}-{}", user_of(&item)?))
            }
        });
        let next = match after {
            Some(after) => Some(BackfillPosition {
                partition: at.partition,
                after: Some(after),
            }),
            None => at.next_partition(),
        };
        Ok((users, looked_at, next))
    }
}

/// The user of a Global ban, by its sort key, or of a ban's record, by its partition.
fn user_of(item: &Item) -> Option<UserId> {
    let key = Key::of(item)?;
    if key.sk.starts_with(schema::BAN_PREFIX) {
        key.user()
    } else {
        key.sk.parse().ok()
    }
}

/// The key from which DynamoDB continues in the list of the experience's own bans.
fn start_of(prefix: WorkspacePrefix, partition: &str, after: &str) -> Option<Item> {
    let (guid, user) = after.split_once('-')?;
    let guid_number: u64 = guid.parse().ok()?;
    let mut key = Key::ban(prefix, user.parse().ok()?, guid_number.into()).item();
    key.insert(attributes::EXPERIENCE_LEDGER.to_owned(), text(partition));
    key.insert(attributes::GUID_KEY.to_owned(), text(guid));
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_round_trips_and_the_walk_ends() {
        let mut position = Some(BackfillPosition::parse("start"));
        assert_eq!(position, Some(BackfillPosition::default()));
        let mut partitions = 0;
        while let Some(at) = position {
            assert_eq!(BackfillPosition::parse(&at.to_string()), at);
            partitions += 1;
            position = at.next_partition();
        }
        assert_eq!(partitions, GLOBAL_SHARDS + LEDGER_SHARDS);
        let within = BackfillPosition::parse("17:00000633197862920433-156");
        assert_eq!(within.own_shard(), Some(1));
        assert_eq!(within.to_string(), "17:00000633197862920433-156");
    }
}
