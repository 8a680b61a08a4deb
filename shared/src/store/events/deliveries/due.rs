//! Deliveries that are due now.

use super::read;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::webhooks::{Delivery, DeliveryKey, DeliveryState, EndpointId};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::schema::{self, Item, Key, names};

/// How many deliveries before those in the index are read too.
const BEFORE: u64 = 16;

/// The most deliveries that are read in one query.
const SPAN: u64 = 200;

/// The position of the event of the delivery with this key.
fn position(key: &Key) -> Option<u64> {
    match DeliveryKey::read(&key.sk)? {
        DeliveryKey::Event(position) => Some(position),
        DeliveryKey::Test(_) => None,
    }
}

/// The positions from somewhat before the first to the last of the newest of these deliveries: as
/// many as one query can read, which costs a tenth of reading each alone.
fn newest(keys: &[Key]) -> Option<(u64, u64)> {
    let positions = || keys.iter().filter_map(position);
    let last = positions().max()?;
    let is_new = |position: &u64| last.saturating_sub(*position) < SPAN.saturating_sub(BEFORE);
    let first = positions().filter(is_new).min()?;
    Some((first.saturating_sub(BEFORE), last))
}

impl Store {
    /// Whether a delivery to an endpoint is due; eventually consistent.
    pub async fn is_due(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        Ok(!self.due_keys(prefix, endpoint, now, 1).await?.is_empty())
    }

    /// The due deliveries to an endpoint, oldest first. The index is eventually consistent, with a
    /// different delay for each entry, so it only shows where to look: its entries are read from
    /// the table, together with what was written shortly before, so that none overtakes an earlier
    /// one that the index does not show yet. Expired ones are included, to be removed from the
    /// index.
    pub async fn due(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        now: UnixMillis,
        limit: u16,
    ) -> Result<Vec<Delivery>, ApiError> {
        let named = self.due_keys(prefix, endpoint, now, limit).await?;
        let (mut single, mut items) = (named, Vec::new());
        if let Some((first, last)) = newest(&single) {
            items = self.between(prefix, endpoint, first, last).await?;
            single.retain(|key| position(key).is_none_or(|position| position < first));
        }
        items.extend(self.database.batch_get_stored(single, true).await?);
        let mut due = Vec::new();
        for item in items {
            let is_due = |delivery: &Delivery| {
                delivery.state == DeliveryState::Due && delivery.due_at.is_some_and(|at| at <= now)
            };
            due.extend(read(item)?.filter(is_due));
        }
        due.sort_by_key(|delivery| (delivery.due_at, delivery.key));
        Ok(due)
    }

    /// The deliveries of the events at these positions; strongly consistent. The last is read
    /// first: a user's deliveries are written in order, so if one is visible, all before it are.
    async fn between(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        first: u64,
        last: u64,
    ) -> Result<Vec<Item>, DatabaseError> {
        let at = |position| text(DeliveryKey::Event(position).sort_key());
        let partition = schema::delivery_partition(prefix, endpoint);
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :deliveries AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":deliveries", text(partition))
            .expression_attribute_values(":first", at(first))
            .expression_attribute_values(":last", at(last));
        self.database.query_all_stored(query).await
    }

    async fn due_keys(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        now: UnixMillis,
        limit: u16,
    ) -> Result<Vec<Key>, DatabaseError> {
        let query = self
            .database
            .querying()
            .index_name(names::DUE)
            .key_condition_expression("due = :endpoint AND due_at <= :now")
            .expression_attribute_values(
                ":endpoint",
                text(schema::delivery_partition(prefix, endpoint)),
            )
            .expression_attribute_values(":now", number(now.millis()))
            .limit(i32::from(limit));
        let (found, _) = self.database.query(query).await?;
        Ok(found.iter().filter_map(Key::of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_deliveries_are_read_with_recent_ones() {
        let key = |sk: &str| Key {
            pk: String::new(),
            sk: sk.to_owned(),
        };
        let event = |position| key(&DeliveryKey::Event(position).sort_key());
        assert_eq!(newest(&[]), None);
        assert_eq!(newest(&[key("T#00000000000001")]), None);
        assert_eq!(newest(&[event(3)]), Some((0, 3)));
        let some = [event(120), key("T#00000000000001"), event(100)];
        assert_eq!(newest(&some), Some((84, 120)));
        assert_eq!(newest(&[event(100), event(283)]), Some((84, 283)));
        assert_eq!(newest(&[event(100), event(284)]), Some((268, 284)));
    }
}
