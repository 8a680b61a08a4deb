//! What an experience owes, from the sparse indexes: a poll pays for what is pending, not for what
//! is stored.

use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::join_all;

use crate::domain::clock::{Reading, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, Guid, UserId, WorkspacePrefix};
use crate::domain::rules::Ban;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::schema::{self, Item, Key, names};

/// How many expired entries one poll takes out of the index of pending bans.
const SWEPT: usize = 25;

/// How many pages of the index one poll reads at most; more only follow when most has expired.
const PAGES: u32 = 8;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pending {
    /// Bans that the experience has not reported.
    Bans,
    /// Unbans that the experience has not reported.
    Unbans,
}

/// Where a poll goes on: after the entry that was answered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPosition {
    /// Its ban.
    pub guid: Guid,
    /// Its user.
    pub user: UserId,
    /// Of a pending unban, since when it is due.
    pub due: Option<UnixSeconds>,
}

impl PollPosition {
    /// The range key of the entry.
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
    /// From this Unix second on a ban is not owed any more.
    until: Option<u64>,
}

impl Pending {
    pub(in crate::store) const fn index(self) -> (&'static str, &'static str) {
        match self {
            Self::Bans => (names::PENDING_BANS, "ban_owed"),
            Self::Unbans => (names::PENDING_UNBANS, "unban_owed"),
        }
    }

    /// The range keys of entries that are owed now, those of expired bans among them.
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
            user: text("pk")?.rsplit('#').next()?.parse().ok()?,
            guid: range.rsplit('#').next()?.parse().ok()?,
            until: item
                .get("ban_owed_until")
                .and_then(|until| until.as_n().ok()?.parse().ok()),
            range,
        })
    }

    pub fn is_expired(&self, now: UnixSeconds) -> bool {
        self.until.is_some_and(|until| until <= now.0)
    }

    /// Of an entry of the pending unbans, since when it is due.
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
}

impl Store {
    /// What is pending for an experience, oldest first and each with its position, and where to go on
    /// if there is more.
    pub async fn pending(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        after: Option<&PollPosition>,
        limit: usize,
        now: UnixSeconds,
    ) -> Result<(Vec<(Ban, PollPosition)>, Option<PollPosition>), ApiError> {
        let (_, range) = pending.index();
        // A position that a clock ahead of ours has given out: what follows is not due yet, and the
        // database refuses to go on outside of what is asked for.
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
            // The pages read held almost nothing but expired bans.
            start.and(last)
        };
        let (bans, ()) = futures::join!(
            self.pending_records(prefix, &entries),
            self.sweep(prefix, experience, &expired),
        );
        // An entry may trail its record: a ban that is over is not owed, and while the ban holds
        // that an experience applied, its unban is not.
        let bans = bans?
            .into_iter()
            .filter(|ban| ban.holds(now) == (pending == Pending::Bans));
        let place = |ban: &Ban| {
            let is_its = |entry: &&Entry| (entry.user, entry.guid) == (ban.user, ban.guid);
            entries.iter().find(is_its).map(Entry::position)
        };
        let items = bans.filter_map(|ban| place(&ban).map(|place| (ban, place)));
        Ok((items.collect(), next))
    }

    /// For how many seconds the oldest thing pending has been handed out to the experience and was
    /// not applied, as far as this environment knows; none if nothing is pending.
    ///
    /// The age of the decision would say less: an experience without players asks for nothing, and
    /// one newly linked is owed what was decided long ago. Neither is a fault.
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

    /// A query of what is pending for an experience, bans that have expired among it; without a
    /// time, of what will be as well.
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

    async fn pending_records(
        &self,
        prefix: WorkspacePrefix,
        entries: &[Entry],
    ) -> Result<Vec<Ban>, DatabaseError> {
        let bans: Vec<_> = entries
            .iter()
            .map(|entry| (entry.user, entry.guid))
            .collect();
        self.records(prefix, &bans).await
    }

    /// Takes expired bans out of the index, so that each is paid for once. It changes nothing that
    /// anyone could see; an entry that was written anew stays, and a failure is left to the next
    /// poll.
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

/// The key at which DynamoDB goes on in an index: its two keys and the table's.
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
