//! The lifetime of items.
//!
//! DynamoDB deletes an item up to days after the time in its `ttl`, but the item has expired at
//! that time: reads through `Database` skip it, and a write that requires an item to be absent may
//! replace it. Only code that removes items, or takes them out of an index, uses what is `stored`.

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::builders::PutBuilder;

use super::database::number;
use super::schema::{Item, attributes};
use crate::domain::clock::{UnixMillis, UnixSeconds};

/// Holds if there is no item, or an expired one.
const ABSENT: &str = "attribute_not_exists(pk) OR #ttl <= :now";

/// Whether an item has expired.
fn is_over(item: &Item, now: UnixSeconds) -> bool {
    let ttl = item.get(attributes::TTL).and_then(|ttl| ttl.as_n().ok());
    let ttl = ttl.and_then(|ttl| ttl.parse::<u64>().ok());
    ttl.is_some_and(|ttl| ttl <= now.0)
}

/// The items among these that have not expired.
pub(in crate::store) fn lasting(mut items: Vec<Item>, now: UnixSeconds) -> Vec<Item> {
    items.retain(|item| !is_over(item, now));
    items
}

/// Requires that there is no item.
pub(in crate::store) fn if_absent(put: PutBuilder) -> PutBuilder {
    put.condition_expression(ABSENT)
        .expression_attribute_names("#ttl", attributes::TTL)
        .expression_attribute_values(":now", number(UnixMillis::now().seconds()))
}

/// The same for a single put.
pub(in crate::store) fn put_if_absent(put: PutItemFluentBuilder) -> PutItemFluentBuilder {
    put.condition_expression(ABSENT)
        .expression_attribute_names("#ttl", attributes::TTL)
        .expression_attribute_values(":now", number(UnixMillis::now().seconds()))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn item(ttl: Option<u64>) -> Item {
        let ttl = ttl.map(|ttl| ("ttl".to_owned(), number(ttl)));
        let key = ("pk".to_owned(), AttributeValue::S("p".to_owned()));
        ttl.into_iter().chain([key]).collect()
    }

    #[test]
    fn item_expires_on_time_whether_or_not_it_was_deleted() {
        let lasts = |ttl, now| lasting(vec![item(ttl)], UnixSeconds(now)).len() == 1;
        assert!(lasts(Some(1_000), 999));
        assert!(!lasts(Some(1_000), 1_000));
        assert!(!lasts(Some(1_000), 90_000));
        assert!(lasts(None, u64::MAX));
    }
}
