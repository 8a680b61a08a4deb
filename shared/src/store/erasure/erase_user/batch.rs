//! What is deleted in one transaction, and on which conditions.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, TransactWriteItem};
use serde::Deserialize;

use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::store::dynamo::database::{
    Database, DatabaseError, TRANSACTION_ACTIONS, number, refused,
};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, attributes};
use crate::store::dynamo::versions::{EXISTS, IS_VERSION};
use crate::store::erasure::markers::{Markers, Marking};

/// How many actions a batch may have; one more is the receipt.
const ACTIONS: usize = TRANSACTION_ACTIONS - 1;

/// Items that are deleted together, with the markers that they leave.
///
/// A record is deleted only while no standing refers to its ban: neither the Global ban nor the
/// item of the experience that the ban was made from. So a ban that is made meanwhile keeps its
/// record.
#[derive(Debug)]
pub(super) struct ErasureBatch {
    prefix: WorkspacePrefix,
    user: UserId,
    items: Vec<Item>,
    markers: Markers,
    /// The bans that the standings must not refer to, by the standing's key.
    standings: BTreeMap<Key, BTreeSet<u64>>,
}

/// The attributes that the conditions of a record's deletion depend on.
#[derive(Deserialize)]
struct RecordFacts {
    ban: BanFacts,
}

#[derive(Deserialize)]
struct BanFacts {
    guid: u64,
    global: bool,
    made_in: ExperienceId,
}

impl ErasureBatch {
    pub fn new(prefix: WorkspacePrefix, user: UserId) -> Self {
        Self {
            prefix,
            user,
            items: Vec::new(),
            markers: Markers::default(),
            standings: BTreeMap::new(),
        }
    }

    pub const fn prefix(&self) -> WorkspacePrefix {
        self.prefix
    }

    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether the item still fits in, with its markers and conditions.
    pub fn has_room_for(&self, item: &Item, markers: &Markers) -> Result<bool, DatabaseError> {
        let (_, standings) = self.referring(item)?;
        let new = |key: &&Key| !self.standings.contains_key(*key);
        let actions = [
            self.items.len(),
            self.markers.len(),
            self.standings.len(),
            1,
            self.markers.new_among(markers),
            standings.iter().filter(new).count(),
        ];
        Ok(actions.iter().sum::<usize>() <= ACTIONS)
    }

    pub fn add(&mut self, item: Item, markers: Markers) -> Result<(), DatabaseError> {
        let (guid, standings) = self.referring(&item)?;
        for standing in standings {
            self.standings.entry(standing).or_default().extend(guid);
        }
        self.markers.extend(markers);
        self.items.push(item);
        Ok(())
    }

    /// The ban of a record, and which standings could refer to it.
    fn referring(&self, item: &Item) -> Result<(Option<u64>, Vec<Key>), DatabaseError> {
        let kind = item.get(attributes::KIND).and_then(|kind| kind.as_s().ok());
        if kind.is_none_or(|kind| kind != "ban") {
            return Ok((None, Vec::new()));
        }
        let RecordFacts { ban } = items::read(item.clone())?;
        let mut keys = vec![Key::experience(self.prefix, self.user, ban.made_in)];
        if ban.global {
            keys.push(Key::global(self.prefix, self.user));
        }
        Ok((Some(ban.guid), keys))
    }

    pub fn writes(
        &self,
        database: &Database,
        marking: Option<&Marking>,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &database.tables().bans;
        let mut writes = Vec::new();
        for item in &self.items {
            writes.push(delete(table, item)?);
        }
        let gone: BTreeSet<_> = self.items.iter().filter_map(Key::of).collect();
        // A standing that is deleted in the same transaction refers to nothing afterwards.
        for (key, guids) in &self.standings {
            if !gone.contains(key) {
                writes.push(refers_to_none_of(table, key, guids)?);
            }
        }
        if let Some(marking) = marking {
            writes.extend(marking.writes(table, &self.markers)?);
        }
        Ok(writes)
    }
}

/// Deletes an item as it was read: one that was written or deleted since is read again.
fn delete(table: &str, item: &Item) -> Result<TransactWriteItem, DatabaseError> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Key::of(item).map(Key::item));
    let version = item
        .get(attributes::VERSION)
        .and_then(|version| version.as_n().ok());
    let delete = match version {
        Some(version) => delete
            .condition_expression(IS_VERSION)
            .expression_attribute_values(":version", number(version)),
        None => delete.condition_expression(EXISTS),
    };
    Ok(TransactWriteItem::builder()
        .delete(delete.build().map_err(refused)?)
        .build())
}

/// Requires that a standing refers to none of these bans, neither by its own ban nor by its report.
fn refers_to_none_of(
    table: &str,
    standing: &Key,
    guids: &BTreeSet<u64>,
) -> Result<TransactWriteItem, DatabaseError> {
    let mut check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(standing.clone().item()))
        .expression_attribute_names("#ban", attributes::BAN)
        .expression_attribute_names("#report", attributes::REPORT);
    let mut names = Vec::new();
    for (at, guid) in guids.iter().enumerate() {
        names.push(format!(":g{at}"));
        check = check.expression_attribute_values(format!(":g{at}"), number(guid));
    }
    let names = names.join(", ");
    let check = check.condition_expression(format!(
        "attribute_not_exists(pk) OR NOT (#ban.guid IN ({names}) OR #report.guid IN ({names}))"
    ));
    Ok(TransactWriteItem::builder()
        .condition_check(check.build().map_err(refused)?)
        .build())
}
