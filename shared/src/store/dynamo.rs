//! DynamoDB itself: the client, its limits and errors, how items are keyed and stored.

pub(super) mod conflicts;
pub(super) mod database;
pub(super) mod deadline;
pub(super) mod difference;
pub(super) mod expression;
pub(super) mod failure;
pub(super) mod first_read;
pub(super) mod items;
pub(super) mod lease;
pub(super) mod lifetime;
pub(super) mod merge;
pub(super) mod meter;
pub(super) mod retries;
pub(super) mod schema;
pub mod stream;
pub(super) mod versions;
