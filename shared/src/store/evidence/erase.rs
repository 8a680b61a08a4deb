//! Erases the evidence about a user. What is left names no user, and the scheduled function removes
//! the objects within minutes.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::Delete;
use serde::Deserialize;

use super::item::deleting;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{Guid, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, attributes};

/// How many pieces are erased in one transaction: three actions each, and one for the count.
const AT_ONCE: i32 = 33;

#[derive(Deserialize)]
struct EntryFacts {
    at: UnixSeconds,
}

impl Store {
    /// How many pieces of evidence there are about a user.
    #[cfg(feature = "admin")]
    pub(in crate::store) async fn evidence_count(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<u64, DatabaseError> {
        let query = self
            .database
            .querying()
            .key_condition_expression("pk = :user")
            .projection_expression("pk, sk")
            .expression_attribute_values(":user", text(schema::evidence_of_user(prefix, user)));
        let entries = self.database.query_all(query).await?;
        Ok(u64::try_from(entries.len()).unwrap_or(u64::MAX))
    }

    /// Erases the evidence about a user that was created up to a second or concerns an erased ban, or
    /// all; returns the number of pieces. A conflict with another write is an error, after which the rest is found again.
    pub(in crate::store) async fn erase_evidence(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        until: Option<UnixSeconds>,
    ) -> Result<u64, DatabaseError> {
        let mut erased = 0_u64;
        let mut start = None;
        loop {
            let query = self
                .database
                .querying()
                .consistent_read(true)
                .key_condition_expression("pk = :user")
                .projection_expression("pk, sk, #at")
                .expression_attribute_names("#at", attributes::AT)
                .expression_attribute_values(":user", text(schema::evidence_of_user(prefix, user)))
                .limit(AT_ONCE)
                .set_exclusive_start_key(start);
            let (entries, next) = self.database.query(query).await?;
            let (mut erasable, mut newer) = (Vec::new(), Vec::new());
            for entry in entries {
                let EntryFacts { at } = items::read(entry.clone())?;
                let is_newer = until.is_some_and(|until| at > until);
                if is_newer { &mut newer } else { &mut erasable }.push(entry);
            }
            erasable.extend(self.without_ban(prefix, user, newer).await?);
            if !erasable.is_empty() {
                erased = erased.saturating_add(self.erase_entries(prefix, &erasable).await?);
            }
            start = next;
            if start.is_none() {
                return Ok(erased);
            }
        }
    }

    /// The entries of bans that are erased.
    async fn without_ban(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        mut entries: Vec<Item>,
    ) -> Result<Vec<Item>, DatabaseError> {
        let ban_of = |entry: &Item| {
            let case = Key::of(entry)?.entry_case()?;
            Some(Key::ban(prefix, user, case))
        };
        let keys: BTreeSet<Key> = entries.iter().filter_map(ban_of).collect();
        let bans = self.database.batch_get(keys, true).await?;
        let bans: BTreeSet<Key> = bans.iter().filter_map(Key::of).collect();
        entries.retain(|entry| ban_of(entry).is_none_or(|ban| !bans.contains(&ban)));
        Ok(entries)
    }

    async fn erase_entries(
        &self,
        prefix: WorkspacePrefix,
        entries: &[Item],
    ) -> Result<u64, DatabaseError> {
        let keys: Vec<Key> = entries.iter().filter_map(Key::of).collect();
        let guids: Vec<Guid> = keys.iter().filter_map(Key::entry_guid).collect();
        let table = &self.database.tables().bans;
        let (mut writes, mut bytes) = (Vec::new(), 0_u64);
        let present = self.present_items(prefix, &guids).await?;
        for (guid, item) in &present {
            writes.extend(self.hiding(prefix, *guid, item)?);
            bytes = bytes.saturating_add(item.counted_bytes());
        }
        // An entry without its piece can only be left over by a restore, perhaps with its text.
        for key in keys {
            let guid = key.entry_guid();
            if present.iter().any(|(present, _)| Some(*present) == guid) {
                continue;
            }
            let text = guid.map(|guid| Key::evidence_text(prefix, guid));
            for key in text.into_iter().chain([key]) {
                writes.push(deleting(table, key, Delete::builder())?);
            }
        }
        writes.push(self.return_quota(prefix, bytes)?);
        self.database.transact(writes).await?;
        Ok(u64::try_from(entries.len()).unwrap_or(u64::MAX))
    }
}
