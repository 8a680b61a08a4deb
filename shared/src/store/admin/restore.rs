//! Restores the bans table to the state in a copy of it.
//!
//! DynamoDB restores a point in time into a new table only. That table is the *copy*, and is only
//! read; the *live* table stays, with its stream, its indexes and its place in CloudFormation. Two
//! things are done to it:
//!
//! - what the copy has and the live table has lost is **put back**, unchanged;
//! - what was decided since is **decided back**: a ban made since is lifted, one lifted since is
//!   restored, one changed since gets its old terms. These are decisions like any others, so
//!   readers of events, webhooks and mirrors receive them, and an undo reverses them.
//!
//! Nothing is deleted. The reports of experiences and mirrors, and the state of deliveries, are true
//! whatever the copy contains, and stay. Every step can be repeated, and a second run changes
//! nothing.

mod counters;
mod held;
mod kinds;
mod log_again;
mod parts;
mod run;
mod user;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join;
use serde::{Deserialize, Serialize};

use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::schema::{Item, Key};

use held::HeldItems;

pub use counters::Forwarded;
pub use log_again::KnownLogs;
pub use parts::{Piece, RestorePosition, TablePage};
pub use run::RestoreRun;

/// What to do about users of whose bans in the copy the live table has none: either they were
/// erased since, or their items were lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    LeaveOut,
    /// All but these are brought back.
    BringBackExcept(BTreeSet<UserId>),
}

/// A restore of the bans table.
#[derive(Clone, Debug)]
pub struct Restoring {
    /// The table to restore.
    pub live: Store,
    /// The copy: the same workspaces, another bans table.
    pub copy: Store,
    /// The actor name of its decisions, by which they can be undone.
    pub name: String,
    /// Who runs it, for the history.
    pub principal: String,
    /// What to do about absent users; until that is decided, they are left out.
    pub absent: Option<Absent>,
    /// Whether to keep later decisions, and only put back what is lost.
    pub only_missing: bool,
    /// Whether to only count what would be done.
    pub is_preview: bool,
    /// The known states of the logs.
    pub logs: KnownLogs,
}

/// How many of the users who were left out are listed.
pub const LISTED: usize = 1000;

/// The results of a restore, or of a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// Users compared.
    pub users: u64,
    /// Items put back, by kind.
    pub put_back: BTreeMap<String, u64>,
    /// Bans made since the copy, which were lifted.
    pub lifted: u64,
    /// Bans ended since the copy, which are in force again.
    pub restored: u64,
    /// Bans changed since the copy, which have their old terms again.
    pub changed: u64,
    /// Events that are logged again, marked as repeated.
    pub repeated: u64,
    /// How many users were left out, because the live table has nothing of what the copy has about
    /// them.
    pub left_out_count: u64,
    /// The first of them, at most `LISTED`.
    pub left_out: BTreeSet<UserId>,
    /// Experiences that are linked again.
    pub linked: BTreeSet<ExperienceId>,
    /// Users who are protected again.
    pub protected: BTreeSet<UserId>,
    /// The largest number of a ban in either table.
    pub largest_uid: u64,
}

impl Restored {
    /// Adds the results of another part.
    pub fn add(&mut self, other: Self) {
        self.users = self.users.saturating_add(other.users);
        for (kind, count) in other.put_back {
            let sum = self.put_back.entry(kind).or_default();
            *sum = sum.saturating_add(count);
        }
        self.lifted = self.lifted.saturating_add(other.lifted);
        self.restored = self.restored.saturating_add(other.restored);
        self.changed = self.changed.saturating_add(other.changed);
        self.repeated = self.repeated.saturating_add(other.repeated);
        self.left_out_count = self.left_out_count.saturating_add(other.left_out_count);
        self.left_out.extend(other.left_out);
        while self.left_out.len() > LISTED {
            self.left_out.pop_last();
        }
        self.linked.extend(other.linked);
        self.protected.extend(other.protected);
        self.largest_uid = self.largest_uid.max(other.largest_uid);
    }

    fn leave_out(&mut self, user: UserId) {
        self.left_out_count = self.left_out_count.saturating_add(1);
        self.left_out.insert(user);
    }

    fn count(&mut self, kind: &str) {
        let count = self.put_back.entry(kind.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
}

impl Restoring {
    /// Restores a page of the copy.
    pub async fn restore_copied(&self, piece: Piece) -> Result<Restored, ApiError> {
        match piece {
            // If the copy has a partition of theirs, it comes on another page.
            Piece::Beside(prefix, user) if self.copy.holds_user(prefix, user).await? => {
                Ok(Restored::default())
            }
            Piece::User(prefix, user) | Piece::Beside(prefix, user) => {
                self.restore_user(prefix, user).await
            }
            Piece::Items(prefix, items) => Ok(self.restore_items(prefix, items).await?),
        }
    }

    /// Restores a page of the live table, for users whom the copy does not know. Entries of the log
    /// that are about no user are logged again if a lost log assigned their positions.
    pub async fn restore_live(&self, piece: Piece) -> Result<Restored, ApiError> {
        let (prefix, user) = match piece {
            Piece::Items(prefix, items) => return Ok(self.log_items_again(prefix, &items).await?),
            Piece::User(prefix, user) => (prefix, user),
            Piece::Beside(prefix, user) if !self.live.holds_user(prefix, user).await? => {
                (prefix, user)
            }
            Piece::Beside(..) => return Ok(Restored::default()),
        };
        if self.copy.holds_anything_of(prefix, user).await? {
            return Ok(Restored::default());
        }
        self.restore_user(prefix, user).await
    }

    /// Puts back those of the copy's items without a user that the live table has lost.
    async fn restore_items(
        &self,
        prefix: WorkspacePrefix,
        items: Vec<Item>,
    ) -> Result<Restored, DatabaseError> {
        let mut done = Restored::default();
        let keys = items.iter().filter_map(Key::of);
        let live = self.live.database.batch_get(keys, true).await?;
        let (copy, live) = (HeldItems::new(items), HeldItems::new(live));
        self.put_back_lost(prefix, &copy, &live, &mut done).await?;
        Ok(done)
    }

    /// Logs entries without a user again where a lost log assigned their positions.
    async fn log_items_again(
        &self,
        prefix: WorkspacePrefix,
        items: &[Item],
    ) -> Result<Restored, DatabaseError> {
        let mut done = Restored::default();
        let keys = items.iter().filter_map(Key::of);
        let keys: Vec<_> = keys.filter(Key::is_activity).collect();
        if keys.is_empty() {
            return Ok(done);
        }
        let copy = self.copy.database.batch_get(keys.clone(), true);
        let live = self.live.database.batch_get(keys, true);
        let (copy, live) = try_join(copy, live).await?;
        let (copy, live) = (HeldItems::new(copy), HeldItems::new(live));
        self.log_again(prefix, &copy, &live, &mut done).await?;
        Ok(done)
    }

    /// Whether a user of whom the live table has nothing is brought back.
    fn brings_back(&self, user: UserId) -> bool {
        match &self.absent {
            Some(Absent::BringBackExcept(erased)) => !erased.contains(&user),
            Some(Absent::LeaveOut) | None => false,
        }
    }

    /// Writes an item that the live table lacks, and counts it.
    async fn create(&self, item: Item, done: &mut Restored) -> Result<(), DatabaseError> {
        let kind = kinds::kind_of(&item).to_owned();
        if self.is_preview || self.live.database.create(item).await? {
            done.count(&kind);
        }
        Ok(())
    }
}
