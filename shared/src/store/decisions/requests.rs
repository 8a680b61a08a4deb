//! Used idempotency keys, kept for a day.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::answers::StoredAnswer;
use crate::domain::clock::UnixSeconds;
use crate::domain::digest;
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
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
        ttl: now.plus(KEPT).0,
    };
    items::write(key, StoredKind::Request, item)
}

/// The first call under a key.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct First {
    /// Its answer, unless an earlier release stored it.
    pub answer: Option<StoredAnswer>,
}

impl Store {
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

    /// Records that a call has succeeded under an idempotency key. A simultaneous one may have.
    pub async fn record_success(
        &self,
        prefix: WorkspacePrefix,
        key_id: &str,
        name: &IdempotencyKey,
        now: UnixSeconds,
    ) -> Result<(), ApiError> {
        let item = RequestItem {
            meaning: Some(name.meaning.clone()),
            digest: name.bytes.clone(),
            answer: None,
            ttl: now.plus(KEPT).0,
        };
        let item = items::write(key(prefix, key_id, name), StoredKind::Request, item)?;
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
