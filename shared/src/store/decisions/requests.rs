//! Used idempotency keys, kept for a day.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::answers::StoredAnswer;
use crate::domain::bulk::BulkOutcome;
use crate::domain::clock::UnixSeconds;
use crate::domain::digest;
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::rules::ReportStatus;
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, StoredKind};
use crate::store::dynamo::versions;

/// For how many seconds a used key is valid: a day.
const KEPT: u64 = 86_400;

/// A request with an idempotency key.
#[derive(Serialize, Deserialize)]
struct RequestItem {
    /// Its meaning. Requests stored by an earlier release have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meaning: Option<String>,
    /// A digest of its bytes, for functions of an earlier release.
    digest: String,
    /// Its answer. Requests stored by an earlier release have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<StoredAnswer>,
    /// What became of each report of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statuses: Option<Vec<ReportStatus>>,
    /// The results of a bulk call that is done, by user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    results: Option<Vec<BulkOutcome>>,
    /// The key is free again from then on. DynamoDB deletes the item up to days later.
    ttl: u64,
}

/// The item of an API key's request under this idempotency key.
pub(in crate::store) fn key(prefix: WorkspacePrefix, key_id: &str, name: &IdempotencyKey) -> Key {
    Key::request(prefix, &digest::of(&[key_id, &name.name]))
}

/// Stores the request, unless another one has used the key within a day.
pub(in crate::store) fn write(
    table: &str,
    key: Key,
    name: &IdempotencyKey,
    answer: StoredAnswer,
    now: UnixSeconds,
) -> Result<TransactWriteItem, DatabaseError> {
    versions::put_new(table, item(key, name, Some(answer), now)?)
}

/// The item of a used key. A call that is no decision has no ban in its answer.
pub(in crate::store) fn item(
    key: Key,
    name: &IdempotencyKey,
    answer: Option<StoredAnswer>,
    now: UnixSeconds,
) -> Result<Item, DatabaseError> {
    let item = RequestItem {
        meaning: Some(name.meaning.clone()),
        digest: name.bytes.clone(),
        answer,
        statuses: None,
        results: None,
        ttl: now.plus(KEPT).0,
    };
    items::write(key, StoredKind::Request, item)
}

/// The first call under a key.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct First {
    /// Its answer, unless an earlier release stored it.
    pub answer: Option<StoredAnswer>,
    /// What became of each report of the call.
    pub statuses: Option<Vec<ReportStatus>>,
    /// Its results, if it is a bulk call that is done.
    pub results: Option<Vec<BulkOutcome>>,
}

impl Store {
    /// The result of an earlier call with reports under an idempotency key.
    pub async fn earlier_statuses(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        name: &IdempotencyKey,
        now: UnixSeconds,
    ) -> Result<Option<Vec<ReportStatus>>, ApiError> {
        let found = self.database.get(key(prefix, key_id, name)).await?;
        let first = found.map(|item| repeated(item, name, now)).transpose()?;
        Ok(first.flatten().and_then(|first| first.statuses))
    }

    /// Records the result of a call with reports. A simultaneous one may have.
    pub async fn record_statuses(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        name: &IdempotencyKey,
        statuses: &[ReportStatus],
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        let item = RequestItem {
            meaning: Some(name.meaning.clone()),
            digest: name.bytes.clone(),
            answer: None,
            statuses: Some(statuses.to_vec()),
            results: None,
            ttl: now.plus(KEPT).0,
        };
        let item = items::write(key(prefix, key_id, name), StoredKind::Request, item)?;
        self.database.create(item).await?;
        Ok(())
    }

    /// Whether a call of this API key has succeeded under an idempotency key within a day; 400 if that
    /// was another call. For calls that write nothing else here.
    pub async fn is_repeat(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        name: &IdempotencyKey,
        now: UnixSeconds,
    ) -> Result<bool, ApiError> {
        let found = self.database.get(key(prefix, key_id, name)).await?;
        let first = found.map(|item| repeated(item, name, now)).transpose()?;
        Ok(first.flatten().is_some())
    }

    /// Reserves an idempotency key for a bulk call, before its first transaction, and returns its
    /// results if it is done; 400 if another call has used the key within a day.
    pub async fn begin_bulk(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        name: &IdempotencyKey,
        now: UnixSeconds,
    ) -> Result<Option<Vec<BulkOutcome>>, ApiError> {
        let key = key(prefix, key_id, name);
        if self
            .database
            .create(item(key.clone(), name, None, now)?)
            .await?
        {
            return Ok(None);
        }
        let found = self.database.get(key).await?;
        let first = found.map(|item| repeated(item, name, now)).transpose()?;
        Ok(first.flatten().and_then(|first| first.results))
    }

    /// Stores the results of a bulk call that is done, by user id, under its reserved key.
    pub async fn end_bulk(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        name: &IdempotencyKey,
        results: &[BulkOutcome],
    ) -> Result<(), ApiError> {
        let end = self
            .database
            .updating(key(prefix, key_id, name))
            .update_expression("SET results = :results")
            .condition_expression(versions::EXISTS)
            .expression_attribute_values(":results", items::attribute(results)?);
        self.database.update_if(end).await?;
        Ok(())
    }

    /// Records that a call has succeeded under an idempotency key. A simultaneous one may have.
    pub async fn record_success(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        name: &IdempotencyKey,
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        let item = item(key(prefix, key_id, name), name, None, now)?;
        self.database.create(item).await?;
        Ok(())
    }
}

/// The first call, if the request stored under the key is the same one; 400 if it is another. It
/// expires after a day, whether or not DynamoDB has deleted it.
pub(in crate::store) fn repeated(
    item: Item,
    name: &IdempotencyKey,
    now: UnixSeconds,
) -> Result<Option<First>, ApiError> {
    let found: RequestItem = items::read(item)?;
    if found.ttl <= now.0 {
        return Ok(None);
    }
    let is_same = match found.meaning {
        Some(meaning) => meaning == name.meaning,
        None => found.digest == name.bytes,
    };
    if is_same {
        return Ok(Some(First {
            answer: found.answer,
            statuses: found.statuses,
            results: found.results,
        }));
    }
    Err(ApiError::field(
        "idempotency-key",
        "was already used for a different request: use a new one for each request",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(meaning: &str, bytes: &str) -> IdempotencyKey {
        IdempotencyKey {
            name: "name".to_owned(),
            meaning: meaning.to_owned(),
            bytes: bytes.to_owned(),
        }
    }

    fn stored(meaning: Option<&str>) -> Item {
        let item = RequestItem {
            meaning: meaning.map(str::to_owned),
            digest: "bytes".to_owned(),
            answer: None,
            statuses: None,
            results: None,
            ttl: 1_000,
        };
        let key = Key::request("0123abcd".parse().unwrap(), "hash");
        items::write(key, StoredKind::Request, item).unwrap()
    }

    fn judged(meaning: Option<&str>, sent: &IdempotencyKey, now: u64) -> Option<bool> {
        let first = repeated(stored(meaning), sent, UnixSeconds(now));
        first.ok().map(|first| first.is_some())
    }

    #[test]
    fn idempotency_key_is_valid_for_exactly_a_day() {
        let sent = name("same", "other bytes");
        assert_eq!(judged(Some("same"), &sent, 999), Some(true));
        assert_eq!(judged(Some("same"), &sent, 1_000), Some(false));
        assert_eq!(judged(Some("other"), &sent, 1_000), Some(false));
    }

    #[test]
    fn bytes_only_matter_if_no_meaning_is_stored() {
        assert_eq!(judged(Some("same"), &name("same", "x"), 0), Some(true));
        assert_eq!(judged(Some("same"), &name("other", "bytes"), 0), None);
        assert_eq!(judged(None, &name("any", "bytes"), 0), Some(true));
        assert_eq!(judged(None, &name("any", "x"), 0), None);
    }
}
