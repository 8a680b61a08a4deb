//! What is written with an imported ban, so that neither the same row nor another user's ban with
//! the same guid is imported beside it: the note of a ban without a guid, or the claim of a guid.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::Serialize;

use super::Import;
use crate::domain::clock::UnixSeconds;
use crate::store::dynamo::database::{DatabaseError, number, refused, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, StoredKind, attributes};
use crate::store::dynamo::versions;

/// For how many seconds the note of a ban without a guid is kept: 90 days. Until then the same file
/// can be imported again without duplicates.
const NOTED: u64 = 90 * 86_400;

/// For how many seconds the claim of a guid is kept. Long before, the index shows the ban.
const CLAIMED: u64 = 3600;

/// After how many seconds the index shows what was written. If it does not, a claim is void: the
/// ban was removed since.
const SHOWN_AFTER: u64 = 30;

#[derive(Serialize)]
struct NoteItem<'a> {
    digest: &'a str,
    ttl: u64,
}

impl Import {
    /// Writes the note of a ban, replacing that of an `earlier` run.
    pub(super) fn note(
        &self,
        key: Key,
        earlier: Option<&str>,
        now: UnixSeconds,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let table = &self.store.database.tables().bans;
        let item = self.item(key, now.plus(NOTED))?;
        match earlier {
            None => versions::put_new(table, item),
            Some(run) => replacing(table, item, run),
        }
    }

    /// Writes the claim of a guid.
    pub(super) fn claim(
        &self,
        key: Key,
        has_checked_guids: bool,
        now: UnixSeconds,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let table = &self.store.database.tables().bans;
        let item = self.item(key, now.plus(CLAIMED))?;
        if has_checked_guids {
            claiming(table, item, now)
        } else {
            versions::put_new(table, item)
        }
    }

    fn item(&self, key: Key, ends: UnixSeconds) -> Result<Item, DatabaseError> {
        let note = NoteItem {
            digest: &self.key_id,
            ttl: ends.0,
        };
        items::write(key, StoredKind::Request, note)
    }
}

/// Writes a note, replacing that of an earlier run.
fn replacing(table: &str, item: Item, run: &str) -> Result<TransactWriteItem, DatabaseError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("digest = :run")
        .expression_attribute_values(":run", text(run))
        .build()
        .map_err(refused)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Claims a guid for which the index shows no ban. An existing claim is valid until the index would
/// show its ban.
fn claiming(table: &str, item: Item, now: UnixSeconds) -> Result<TransactWriteItem, DatabaseError> {
    let fresh = now.plus(CLAIMED).0.saturating_sub(SHOWN_AFTER);
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk) OR #ttl < :fresh")
        .expression_attribute_names("#ttl", attributes::TTL)
        .expression_attribute_values(":fresh", number(fresh))
        .build()
        .map_err(refused)?;
    Ok(TransactWriteItem::builder().put(put).build())
}
