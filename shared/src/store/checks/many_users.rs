//! A ban check of many users at once.
//!
//! As in [`super::consistent_read`], the two items of a user are not read at the same instant, and
//! with eventual consistency each may also be a moment old. A user whose ban moves between the
//! scopes meanwhile must not look clear. So the users of whom a reading shows no ban in force, but
//! one that ended a moment ago, are read again, always strongly consistent.

use std::collections::HashMap;
use std::future::Future;

use super::consistent_read::{READINGS, may_be_torn};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::places::Resolved;
use crate::domain::rules::Standing;
use crate::store::Store;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::{DatabaseError, READ};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Key;

/// Which writes a check sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// All but those of the last moment, for half the price.
    Eventual,
    /// All that were answered before it began.
    Strong,
}

/// The users that a check has read, in the order in which it names them.
#[derive(Debug)]
pub struct UsersRead {
    pub standings: Vec<Standing>,
    /// Users of whom nothing is known: the database did not return their items in time.
    pub unprocessed: Vec<UserId>,
}

/// One reading, in any order.
#[derive(Debug, Default)]
struct Reading {
    read: Vec<Snapshot>,
    unprocessed: Vec<UserId>,
}

impl Store {
    /// The standings of different users for a ban check, each consistent at one moment. Fails only if
    /// the database returns nothing.
    pub async fn steady_standings(
        &self,
        prefix: WorkspacePrefix,
        users: &[UserId],
        place: Resolved,
        consistency: Consistency,
    ) -> Result<UsersRead, ApiError> {
        let consistent = consistency == Consistency::Strong;
        let first = self.read_users(prefix, users, place, consistent).await?;
        let now = UnixMillis::now().seconds();
        let again = |users: Vec<UserId>| async move {
            if !self.database.has_time(READ) {
                return Err(DatabaseError::NoTime);
            }
            self.read_users(prefix, &users, place, true).await
        };
        let mut settled = settle(first, now, again).await;
        let order: HashMap<_, _> = users.iter().zip(0..).collect();
        settled
            .read
            .sort_by_key(|snapshot| order.get(&snapshot.user));
        settled.unprocessed.sort_by_key(|user| order.get(user));
        let standings = settled.read.into_iter();
        Ok(UsersRead {
            standings: standings.map(|snapshot| snapshot.checked(now)).collect(),
            unprocessed: settled.unprocessed,
        })
    }

    /// One reading: two items per user, 50 users in each call; three while the place joins another.
    async fn read_users(
        &self,
        prefix: WorkspacePrefix,
        users: &[UserId],
        place: Resolved,
        consistent: bool,
    ) -> Result<Reading, DatabaseError> {
        let keys_of = |user| {
            let here = |experience| Key::experience(prefix, user, experience);
            let besides = place.besides.map(here);
            (here(place.experience), besides, Key::global(prefix, user))
        };
        let keys = users.iter().flat_map(|user| {
            let (here, besides, global) = keys_of(*user);
            [here, global].into_iter().chain(besides)
        });
        let found = self.database.batch_get_some(keys, consistent).await?;
        let items = found.items.into_iter();
        let mut items: HashMap<_, _> = items
            .filter_map(|item| Some((Key::of(&item)?, item)))
            .collect();
        let mut reading = Reading::default();
        for user in users.iter().copied() {
            let (here, besides, global) = keys_of(user);
            let is_left = |key: &Key| found.unprocessed.contains(key);
            if is_left(&here) || is_left(&global) || besides.as_ref().is_some_and(is_left) {
                reading.unprocessed.push(user);
                continue;
            }
            let here = items.remove(&here).map(items::read).transpose()?;
            let global = items.remove(&global).map(items::read).transpose()?;
            let besides = besides.and_then(|key| items.remove(&key));
            reading.read.push(Snapshot {
                besides_item: besides.map(items::read).transpose()?,
                ..Snapshot::new(prefix, user, place.experience, here, global)
            });
        }
        Ok(reading)
    }
}

/// Reads the doubtful users of a first reading again, until two consecutive readings of a user
/// find the same. Those who stay doubtful are unknown.
async fn settle<F, Fut>(first: Reading, now: UnixSeconds, mut again: F) -> Reading
where
    F: FnMut(Vec<UserId>) -> Fut,
    Fut: Future<Output = Result<Reading, DatabaseError>>,
{
    let is_doubtful = |snapshot: &Snapshot| may_be_torn(snapshot, now);
    let (mut doubtful, mut read): (Vec<_>, Vec<_>) = first.read.into_iter().partition(is_doubtful);
    let mut unprocessed = first.unprocessed;
    for _ in 0..READINGS {
        if doubtful.is_empty() {
            break;
        }
        let last: HashMap<_, _> = doubtful
            .iter()
            .map(|snapshot| (snapshot.user, snapshot.versions()))
            .collect();
        let Ok(reading) = again(last.keys().copied().collect()).await else {
            break;
        };
        let is_settled = |snapshot: &Snapshot| {
            !is_doubtful(snapshot) || last.get(&snapshot.user) == Some(&snapshot.versions())
        };
        let (settled, left): (Vec<_>, Vec<_>) = reading.read.into_iter().partition(is_settled);
        read.extend(settled);
        unprocessed.extend(reading.unprocessed);
        doubtful = left;
    }
    unprocessed.extend(doubtful.iter().map(|snapshot| snapshot.user));
    Reading { read, unprocessed }
}
