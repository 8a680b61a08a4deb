//! Restoring: the bans table goes back to what a copy of it holds.
//!
//! DynamoDB restores a point in time into a new table only. That table is the *copy*, and is only
//! read; the *live* table stays, with its stream, its indexes and what CloudFormation knows of it.
//! Two things are done to it:
//!
//! - what the copy holds and the live table has lost is **put back**, as it was;
//! - what was decided since is **decided back**: a ban made since is lifted, one lifted since is
//!   restored, one changed since gets its terms back. These are decisions like any others, so readers
//!   of events, webhooks and mirrors hear of them, and an undo takes them back.
//!
//! Nothing is deleted. What experiences and mirrors have reported, and how far deliveries are, is
//! true whatever the copy says, and stays. Every step can be repeated, and a second run changes
//! nothing.

mod counters;
mod held;
mod kinds;
mod log_again;
mod parts;
mod run;
mod user;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::schema::{Item, Key};

pub use counters::Forwarded;
pub use log_again::KnownLogs;
pub use parts::{Piece, RestorePosition, TablePage};
pub use run::RestoreRun;

/// What becomes of users of whom the live table holds none of the bans that the copy holds: they were
/// forgotten since, or what the live table held of them is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// None of them is brought back.
    LeaveOut,
    /// All but these are brought back.
    BringBackExcept(BTreeSet<UserId>),
}

/// A restore of the bans table.
#[derive(Clone, Debug)]
pub struct Restoring {
    /// The table that is restored.
    pub live: Store,
    /// The copy: the same workspaces, another table of bans.
    pub copy: Store,
    /// The name under which it decides, by which it can be undone.
    pub name: String,
    /// Who runs it, for the history.
    pub principal: String,
    /// What becomes of absent users; as long as that is not said, they are left out.
    pub absent: Option<Absent>,
    /// Whether what was decided since stays, so that only what is lost is put back.
    pub only_missing: bool,
    /// Whether it is only counted what would be done.
    pub is_preview: bool,
    /// What was found out about the logs.
    pub logs: KnownLogs,
}

/// How many of the users who were left out are named.
pub const LISTED: usize = 1000;

/// What a restore did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// Users who were compared.
    pub users: u64,
    /// Items that were put back, by kind.
    pub put_back: BTreeMap<String, u64>,
    /// Bans made since, which were lifted.
    pub lifted: u64,
    /// Bans ended since, which are in force again.
    pub restored: u64,
    /// Bans changed since, which have their terms back.
    pub changed: u64,
    /// Events that are logged again, and marked as repeated.
    pub repeated: u64,
    /// How many users were left out, since the live table holds nothing of what the copy holds of them.
    pub left_out_count: u64,
    /// The first of them, at most [`LISTED`].
    pub left_out: BTreeSet<UserId>,
    /// Experiences that are linked again.
    pub linked: BTreeSet<ExperienceId>,
    /// Users who are protected again.
    pub protected: BTreeSet<UserId>,
    /// The largest number of a ban that was seen in either table.
    pub largest_uid: u64,
}

impl Restored {
    /// Adds what another part of the restore did.
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
    /// Restores what a page of the copy holds.
    pub async fn restore_copied(&self, piece: Piece) -> Result<Restored, ApiError> {
        match piece {
            // Their own partition, if the copy holds one, comes on another page.
            Piece::Beside(prefix, user) if self.copy.holds_user(prefix, user).await? => {
                Ok(Restored::default())
            }
            Piece::User(prefix, user) | Piece::Beside(prefix, user) => {
                self.restore_user(prefix, user).await
            }
            Piece::Items(prefix, items) => Ok(self.restore_items(prefix, items).await?),
        }
    }

    /// Restores what a page of the live table holds of users whom the copy does not know.
    pub async fn restore_live(&self, piece: Piece) -> Result<Restored, ApiError> {
        let (prefix, user) = match piece {
            Piece::User(prefix, user) => (prefix, user),
            Piece::Beside(prefix, user) if !self.live.holds_user(prefix, user).await? => {
                (prefix, user)
            }
            Piece::Beside(..) | Piece::Items(..) => return Ok(Restored::default()),
        };
        if self.copy.holds_anything_of(prefix, user).await? {
            return Ok(Restored::default());
        }
        self.restore_user(prefix, user).await
    }

    /// Puts back those of a copy's items, none of which is a user's, that the live table has lost.
    async fn restore_items(
        &self,
        prefix: WorkspacePrefix,
        items: Vec<Item>,
    ) -> Result<Restored, DatabaseError> {
        let mut done = Restored::default();
        let keys = items.iter().filter_map(Key::of);
        let live = self.live.database.batch_get(keys, true).await?;
        let live = live.iter().filter_map(Key::of);
        let live: BTreeSet<_> = live.map(|key| (key.pk, key.sk)).collect();
        for item in items {
            let Some(key) = Key::of(&item) else { continue };
            if !live.contains(&(key.pk, key.sk)) {
                self.put_back(prefix, item, &mut done).await?;
            }
        }
        Ok(done)
    }

    /// Whether a user comes back of whom the live table holds nothing.
    fn brings_back(&self, user: UserId) -> bool {
        match &self.absent {
            Some(Absent::BringBackExcept(forgotten)) => !forgotten.contains(&user),
            Some(Absent::LeaveOut) | None => false,
        }
    }

    /// Writes an item that the live table does not hold, and counts it.
    async fn create(&self, item: Item, done: &mut Restored) -> Result<(), DatabaseError> {
        let kind = kinds::kind_of(&item).to_owned();
        if self.is_preview || self.live.database.create(item).await? {
            done.count(&kind);
        }
        Ok(())
    }
}
