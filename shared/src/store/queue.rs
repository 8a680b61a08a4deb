//! The users for whom the places of a universe owe something, in the order in which it was decided.
//!
//! The pending indexes are the queue: what was decided twice about a user stands there once, and
//! what is done leaves them. Each place has its own; they are merged here.

use futures::{StreamExt, TryStreamExt, stream};

use super::Store;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UniverseId, UserId, WorkspacePrefix};
use crate::store::dynamo::merge::{Merge, Next};
use crate::store::dynamo::schema::Item;
use crate::store::lists::pending::{Entry, Pending};

/// How many entries one read takes.
const PAGE: u16 = 100;

/// How many indexes are read at once.
const READS_AT_ONCE: usize = 16;

/// The queue of a universe.
#[derive(Debug)]
pub struct Queue {
    prefix: WorkspacePrefix,
    /// When the queue was begun: what becomes due later is for the next.
    now: UnixMillis,
    sources: Vec<Source>,
    merge: Merge<Owed>,
}

/// Since when something is owed, by which ban, and for whom.
type Owed = (UnixSeconds, u64, UserId);

#[derive(Debug)]
struct Source {
    pending: Pending,
    experience: ExperienceId,
    /// Where the next page begins.
    next: Option<Item>,
}

impl Queue {
    /// The queue of what is owed in these indexes now.
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

    /// The next user, and since when something is owed for them. A user may come more than once.
    pub async fn next(&mut self, store: &Store) -> Result<Option<(UnixSeconds, UserId)>, ApiError> {
        loop {
            match self.merge.next(|owed| *owed) {
                Next::Entry(_, (since, _, user)) => return Ok(Some((since, user))),
                Next::End => return Ok(None),
                Next::Unread(unread) => self.read(store, &unread).await?,
            }
        }
    }

    /// Reads the next page of each of these sources.
    async fn read(&mut self, store: &Store, unread: &[usize]) -> Result<(), ApiError> {
        let (prefix, now) = (self.prefix, self.now.seconds());
        let sources = self.sources.iter_mut().enumerate();
        let reads = sources.filter(|(number, _)| unread.contains(number)).map(
            |(number, source)| async move {
                let (pending, experience) = (source.pending, source.experience);
                let (entries, next) = store
                    .owed_page(pending, prefix, experience, source.next.take(), PAGE, now)
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
    fn place_in_queue(&self, pending: Pending) -> Owed {
        let since = match pending {
            Pending::Bans => self.guid.created(),
            Pending::Unbans => self.due().unwrap_or_default(),
        };
        (since, self.guid.get(), self.user)
    }
}

impl Store {
    /// Some entries of a pending index that are owed now, in its order, and where to go on. Bans
    /// that have expired are taken out of it on the way.
    pub(super) async fn owed_page(
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
        let (expired, owed): (Vec<_>, Vec<_>) = entries.partition(|entry| entry.is_expired(now));
        self.sweep(prefix, experience, &expired).await;
        Ok((owed, next))
    }

    /// Whether anything waits to be carried over in a universe: owed by one of these, or an
    /// application to be looked at again.
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
