//! What is pending for an experience, from the sparse indexes: a poll costs what is pending, not
//! what is stored.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::join_all;

use crate::domain::clock::{Reading, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, Guid, UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, FailedAttempts, Here, PendingChange};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items::{self, ExperienceItem};
use crate::store::dynamo::schema::{self, Item, Key, attributes, names};

/// How many expired entries one poll removes from the index of pending bans.
const SWEPT: usize = 25;

/// The most index pages that one poll reads; more than one only if most entries have expired.
const PAGES: u32 = 8;

/// What a poll asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pending {
    /// Bans that the experience has not reported.
    Bans,
    /// Unbans that the experience has not reported.
    Unbans,
}

/// A change that is pending for an experience.
#[derive(Clone, Debug)]
pub struct PendingItem {
    pub ban: Ban,
    pub position: PollPosition,
    /// The experience's failed attempts at it.
    pub failures: Option<FailedAttempts>,
}

/// Where a poll continues: after the last entry of the previous page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPosition {
    pub guid: Guid,
    pub user: UserId,
    /// For a pending unban, since when it is due.
    pub due: Option<UnixSeconds>,
}

impl PollPosition {
    fn range(&self) -> String {
        match self.due {
            Some(due) => schema::unban_owed(due, self.guid),
            None => schema::padded_guid(self.guid),
        }
    }
}

/// An entry of a pending index.
#[derive(Debug)]
pub(in crate::store) struct Entry {
    pub range: String,
    pub user: UserId,
    pub guid: Guid,
    /// A ban is no longer pending from this Unix second on.
    until: Option<u64>,
}

impl Pending {
    pub(in crate::store) const fn index(self) -> (&'static str, &'static str) {
        match self {
            Self::Bans => (names::PENDING_BANS, attributes::BAN_OWED),
            Self::Unbans => (names::PENDING_UNBANS, attributes::UNBAN_OWED),
        }
    }

    /// The range keys of entries that are pending now, including those of expired bans.
    fn range_condition(self, now: UnixSeconds) -> (&'static str, String) {
        match self {
            Self::Bans => (" AND ban_owed > :bound", String::from("0")),
            Self::Unbans => (" AND unban_owed < :bound", schema::unban_due(now.plus(1))),
        }
    }
}

impl Entry {
    pub fn read(item: &Item, range: &str) -> Option<Self> {
        let text = |name: &str| item.get(name)?.as_s().ok();
        let range = text(range)?.clone();
        Some(Self {
            user: Key::of(item)?.user()?,
            guid: range.rsplit('#').next()?.parse().ok()?,
            until: item
                .get(attributes::BAN_OWED_UNTIL)
                .and_then(|until| until.as_n().ok()?.parse().ok()),
            range,
        })
    }

    pub fn is_expired(&self, now: UnixSeconds) -> bool {
        self.until.is_some_and(|until| until <= now.0)
    }

    /// For a pending unban, since when it is due.
    pub fn due(&self) -> Option<UnixSeconds> {
        let (due, _) = self.range.split_once('#')?;
        due.parse().ok().map(UnixSeconds)
    }

    fn position(&self) -> PollPosition {
        PollPosition {
            guid: self.guid,
            user: self.user,
            due: self.due(),
        }
    }

    /// Whether the failures are attempts at this change, given its ban.
    fn is_of(&self, failures: &FailedAttempts, ban: &Ban) -> bool {
        match failures.of {
            PendingChange::Ban(revision) => self.due().is_none() && revision == ban.current(),
            PendingChange::Unban(unban) => {
                self.due() == Some(unban.due) && unban.reported.guid == self.guid
            }
        }
    }
}

impl Store {
    /// What is pending for an experience, oldest first, and where to continue if there is more.
    pub async fn pending(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        after: Option<&PollPosition>,
        limit: usize,
        now: UnixSeconds,
    ) -> Result<(Vec<PendingItem>, Option<PollPosition>), ApiError> {
        let (_, range) = pending.index();
        // A position issued by a clock that is ahead: what follows is not due yet, and the database
        // refuses to continue outside of the query's range.
        if after.is_some_and(|after| after.due.is_some_and(|due| due > now)) {
            return Ok((Vec::new(), None));
        }
        let mut start = after.map(|position| start_key(prefix, experience, range, position));
        let (mut entries, mut expired) = (Vec::new(), Vec::new());
        let mut last = None;
        for _ in 0..PAGES {
            let wanted = limit.saturating_add(1).saturating_sub(entries.len());
            let (found, next) = self
                .pending_page(pending, prefix, experience, start, wanted, now)
                .await?;
            for entry in found.iter().filter_map(|item| Entry::read(item, range)) {
                last = Some(entry.position());
                if entry.is_expired(now) {
                    expired.push(entry);
                } else {
                    entries.push(entry);
                }
            }
            start = next;
            if start.is_none() || entries.len() > limit {
                break;
            }
        }
        let next = if entries.len() > limit {
            entries.truncate(limit);
            entries.last().map(Entry::position)
        } else {
            // The pages read contained almost nothing but expired bans.
            start.and(last)
        };
        let (items, ()) = futures::join!(
            self.pending_items(prefix, experience, &entries),
            self.sweep(prefix, experience, &expired),
        );
        // An entry may be older than its ban: an ended ban is not pending, and while the ban that
        // an experience applied is in force, its unban is not.
        let mut items = items?;
        items.retain(|item| item.ban.holds(now) == (pending == Pending::Bans));
        Ok((items, next))
    }

    /// For how many seconds polls have returned the oldest pending item to the experience without
    /// it being applied, as far as this environment knows; none if nothing is pending.
    ///
    /// The age of the decision would be misleading: an experience without players does not poll,
    /// and for a newly linked one old decisions are pending. Neither is a fault.
    #[must_use]
    pub fn pending_age(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        oldest: Option<&Ban>,
        now: UnixSeconds,
    ) -> Option<u64> {
        let (handed_out, name) = (&self.caches.handed_out, (pending, prefix, experience));
        let Some(ban) = oldest else {
            handed_out.remove(&name);
            return None;
        };
        let known = handed_out.get(&name, |_| Duration::MAX);
        let since = match known {
            Some((same, since)) if same == ban.current() => since,
            _ => {
                handed_out.put(name, (ban.current(), now), Reading::now());
                now
            }
        };
        Some(now.0.saturating_sub(since.0))
    }

    pub(in crate::store) async fn pending_page(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        start: Option<Item>,
        wanted: usize,
        now: UnixSeconds,
    ) -> Result<(Vec<Item>, Option<Item>), DatabaseError> {
        let query = self
            .querying_pending(pending, prefix, experience, Some(now))
            .limit(i32::try_from(wanted).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        self.database.query(query).await
    }

    /// A query of what is pending for an experience, including expired bans; without a time, also
    /// of what will be pending.
    pub(in crate::store) fn querying_pending(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: Option<UnixSeconds>,
    ) -> QueryFluentBuilder {
        let (index, _) = pending.index();
        let query = self
            .database
            .querying()
            .index_name(index)
            .expression_attribute_values(
                ":experience",
                text(schema::pending_partition(prefix, experience)),
            );
        let Some(now) = now else {
            return query.key_condition_expression("experience = :experience");
        };
        let (condition, bound) = pending.range_condition(now);
        query
            .key_condition_expression(format!("experience = :experience{condition}"))
            .expression_attribute_values(":bound", text(bound))
    }

    /// The bans of these entries and the failed attempts at them, eventually consistent. The
    /// experience's item has both, unless the ban is a Global one or no longer the latest.
    async fn pending_items(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        entries: &[Entry],
    ) -> Result<Vec<PendingItem>, DatabaseError> {
        let keys = entries
            .iter()
            .map(|entry| Key::experience(prefix, entry.user, experience));
        let mut heres: HashMap<UserId, Here> = HashMap::new();
        for item in self.database.batch_get(keys, false).await? {
            let Some(user) = Key::of(&item).and_then(|key| key.user()) else {
                continue;
            };
            heres.insert(user, items::read::<ExperienceItem>(item)?.here());
        }
        let here = |entry: &Entry| heres.get(&entry.user);
        let latest = |entry: &Entry| {
            let ban = here(entry)?.ban.as_ref();
            ban.filter(|ban| ban.guid == entry.guid)
        };
        let others = entries.iter().filter(|entry| latest(entry).is_none());
        let others: Vec<_> = others.map(|entry| (entry.user, entry.guid)).collect();
        let records = self.records(prefix, &others).await?;
        let recorded = |entry: &Entry| {
            let is_its = |ban: &&Ban| (ban.user, ban.guid) == (entry.user, entry.guid);
            records.iter().find(is_its)
        };
        let item = |entry: &Entry| {
            let ban = latest(entry).or_else(|| recorded(entry))?;
            let failures = here(entry).and_then(|here| here.failures.as_ref());
            Some(PendingItem {
                ban: ban.clone(),
                position: entry.position(),
                failures: failures.filter(|it| entry.is_of(it, ban)).cloned(),
            })
        };
        Ok(entries.iter().filter_map(item).collect())
    }

    /// Removes expired bans from the index, so that each costs once. No caller can see a
    /// difference; an entry that was rewritten stays, and a failure is left to the next poll.
    pub(in crate::store) async fn sweep(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        expired: &[Entry],
    ) {
        let updates = expired.iter().take(SWEPT).map(|entry| {
            let update = self
                .database
                .updating(Key::experience(prefix, entry.user, experience))
                .update_expression("REMOVE ban_owed, ban_owed_until")
                .condition_expression("ban_owed = :owed AND ban_owed_until = :until")
                .expression_attribute_values(":owed", text(&entry.range))
                .expression_attribute_values(":until", number(entry.until.unwrap_or_default()));
            self.database.update(update)
        });
        join_all(updates).await;
    }
}

/// The key from which DynamoDB continues in an index: the index's two keys and the table's.
fn start_key(
    prefix: WorkspacePrefix,
    experience: ExperienceId,
    range: &str,
    position: &PollPosition,
) -> Item {
    let mut key = Key::experience(prefix, position.user, experience).item();
    key.insert(
        "experience".to_owned(),
        text(schema::pending_partition(prefix, experience)),
    );
    key.insert(range.to_owned(), text(position.range()));
    key
}
