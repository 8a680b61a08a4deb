//! Writes that require the version of an item that was read, or that there is no item.

use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use super::database::{DatabaseError, number, refused};
use super::lifetime;
use super::schema::Item;
use crate::domain::random;

/// The condition of a write that creates an item.
pub(in crate::store) const IS_NEW: &str = "attribute_not_exists(pk)";
/// The condition of a write on an existing item, whatever its version.
pub(in crate::store) const EXISTS: &str = "attribute_exists(pk)";
/// The condition of a write on the version that was read.
pub(in crate::store) const IS_VERSION: &str = "version = :version";

/// Writes an item that must not exist yet.
pub(in crate::store) fn put_new(
    table: &str,
    item: Item,
) -> Result<TransactWriteItem, DatabaseError> {
    put_if_version(table, Put::builder().set_item(Some(item)), None)
}

/// The next version of an item. A new item starts at a random number: one that was deleted and made
/// again must not reach a version that a write in progress was decided on.
pub(in crate::store) fn next_version(version: Option<u64>) -> u64 {
    match version {
        Some(version) => version.saturating_add(1),
        None => random::number() >> FIRST_VERSION_SHIFT,
    }
}

/// Leaves 52 random bits, so that a version is exact in a double too.
const FIRST_VERSION_SHIFT: u32 = 12;

/// Writes an item on the version that was read, or where there was none.
pub(in crate::store) fn put_if_version(
    table: &str,
    put: PutBuilder,
    version: Option<u64>,
) -> Result<TransactWriteItem, DatabaseError> {
    let put = put.table_name(table);
    let put = match version {
        None => lifetime::if_absent(put),
        Some(version) => put
            .condition_expression(IS_VERSION)
            .expression_attribute_values(":version", number(version)),
    };
    Ok(TransactWriteItem::builder()
        .put(put.build().map_err(refused)?)
        .build())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::next_version;

    #[test]
    fn version_of_a_recreated_item_does_not_recur() {
        let first: BTreeSet<u64> = (0..100).map(|_| next_version(None)).collect();
        assert_eq!(first.len(), 100);
        let least = first.first().copied().unwrap();
        assert!(
            least > 1_000_000,
            "no item starts where others have counted to"
        );
        assert!(first.last().is_some_and(|last| *last < 1 << 53));
        assert_eq!(next_version(Some(least)), least + 1);
    }
}
