//! The users with pending changes in the places of a universe, in the order of the decisions.
//!
//! The pending indexes are the queue: two decisions about a user are one entry, and what is applied
//! leaves the index. Each place has its own indexes; they are merged here.

use futures::{StreamExt, TryStreamExt, stream};

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UniverseId, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::merge::{Merge, Next};
use crate::store::dynamo::schema::Item;
use crate::store::lists::pending::{Entry, Pending};

/// How many entries one read returns.
const PAGE: u16 = 100;

/// How many indexes are read at the same time.
const READS_AT_ONCE: usize = 16;

/// The queue of a universe.
#[derive(Debug)]
pub struct Queue {
    prefix: WorkspacePrefix,
    /// When the queue was started: what becomes due later is for the next queue.
    now: UnixMillis,
    sources: Vec<Source>,
    merge: Merge<QueuePosition>,
}

/// Since when a change is pending, its ban, and its user.
type QueuePosition = (UnixSeconds, u64, UserId);

#[derive(Debug)]
struct Source {
    pending: Pending,
    experience: ExperienceId,
    /// Where the next page starts.
    next: Option<Item>,
}

impl Queue {
    /// The queue of what is pending in these indexes now.
    #[must_use]
    pub fn new(
        prefix: WorkspacePrefix,
        sources: &[(Pending, ExperienceId)],
        now: UnixMillis,
    ) -> Self {
        let source = |(pending, experience): &(Pending, ExperienceId)| Source {
            pending: *pending,
            experience: *experience,
            next: None,
        };
        Self {
            prefix,
            now,
            sources: sources.iter().map(source).collect(),
            merge: Merge::new(sources.len()),
        }
    }

    /// The next user, and since when a change is pending for them. A user may come more than once.
    pub async fn next(&mut self, store: &Store) -> Result<Option<(UnixSeconds, UserId)>, ApiError> {
        loop {
            match self.merge.next(|position| *position) {
                Next::Entry(_, (since, _, user)) => return Ok(Some((since, user))),
                Next::End => return Ok(None),
                Next::Unread(unread) => self.read(store, &unread).await?,
            }
        }
    }

    async fn read(&mut self, store: &Store, unread: &[usize]) -> Result<(), ApiError> {
        let (prefix, now) = (self.prefix, self.now.seconds());
        let sources = self.sources.iter_mut().enumerate();
        let reads = sources.filter(|(number, _)| unread.contains(number)).map(
            |(number, source)| async move {
                let (pending, experience) = (source.pending, source.experience);
                let (entries, next) = store
                    .pending_entries(pending, prefix, experience, source.next.take(), PAGE, now)
                    .await?;
                let page: Vec<_> = entries
                    .iter()
                    .map(|it| it.place_in_queue(pending))
                    .collect();
                source.next = next;
                Ok::<_, ApiError>((number, page, source.next.is_some()))
            },
        );
        let pages: Vec<_> = stream::iter(reads)
            .buffer_unordered(READS_AT_ONCE)
            .try_collect()
            .await?;
        for (number, page, goes_on) in pages {
            self.merge.add(number, page, goes_on);
        }
        Ok(())
    }
}

impl Entry {
    fn place_in_queue(&self, pending: Pending) -> QueuePosition {
        let since = match pending {
            Pending::Bans => self.guid.created(),
            Pending::Unbans => self.due().unwrap_or_default(),
        };
        (since, self.guid.get(), self.user)
    }
}

impl Store {
    /// Some entries of a pending index that are pending now, in its order, and where the next page starts.
    /// Expired bans are removed from the index on the way.
    pub(in crate::store) async fn pending_entries(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        start: Option<Item>,
        limit: u16,
        now: UnixSeconds,
    ) -> Result<(Vec<Entry>, Option<Item>), ApiError> {
        let (_, range) = pending.index();
        let (found, next) = self
            .pending_page(pending, prefix, experience, start, usize::from(limit), now)
            .await?;
        let entries = found.iter().filter_map(|item| Entry::read(item, range));
        let (expired, pending): (Vec<_>, Vec<_>) = entries.partition(|entry| entry.is_expired(now));
        self.sweep(prefix, experience, &expired).await;
        Ok((pending, next))
    }

    /// Whether a universe has work for the mirror: a pending change in one of these indexes, or a user who is
    /// due for another look.
    pub async fn has_pending_work(
        &self,
        prefix: WorkspacePrefix,
        universe: UniverseId,
        sources: &[(Pending, ExperienceId)],
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        if Queue::new(prefix, sources, now).next(self).await?.is_some() {
            return Ok(true);
        }
        let due = self.due_syncs(prefix, universe, now, 1).await?;
        Ok(!due.is_empty())
    }
}
