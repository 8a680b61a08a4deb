//! The JSON object that callers attach to a piece of evidence.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON object of at most 4 KiB and 8 levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceMetadata(Map<String, Value>);

/// Why a change is rejected. Displayed, it completes a sentence that begins with the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    #[error("would be {0} bytes of JSON: must be at most {max}", max = EvidenceMetadata::MAX_BYTES)]
    TooLong(usize),
    #[error("must have at most {} levels", EvidenceMetadata::MAX_LEVELS)]
    TooDeep,
}

impl EvidenceMetadata {
    pub const MAX_BYTES: usize = 4096;
    /// The object itself is one level.
    pub const MAX_LEVELS: usize = 8;

    /// Metadata with a comment, or none if that is empty.
    pub fn commented(comment: &str) -> Result<Self, MetadataFault> {
        let comment = Some(comment).filter(|comment| !comment.is_empty());
        let fields = comment.map(|comment| ("comment".to_owned(), Value::from(comment)));
        Self::default().merged(fields.into_iter().collect())
    }

    /// The comment, if there is one.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        let comment = self.0.get("comment").and_then(Value::as_str);
        comment.filter(|comment| !comment.is_empty())
    }

    /// The metadata after a change: each field of the change replaces the field of its name, and
    /// `null` removes it.
    pub fn merged(&self, change: Map<String, Value>) -> Result<Self, MetadataFault> {
        let mut fields = self.0.clone();
        for (name, value) in change {
            if value.is_null() {
                fields.remove(&name);
            } else if levels_exceed(&value, Self::MAX_LEVELS - 1) {
                return Err(MetadataFault::TooDeep);
            } else {
                fields.insert(name, value);
            }
        }
        let merged = Self(fields);
        match merged.to_json().len() {
            bytes if bytes > Self::MAX_BYTES => Err(MetadataFault::TooLong(bytes)),
            _ => Ok(merged),
        }
    }

    #[must_use]
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The JSON text whose length is limited.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// Whether a value nests deeper than `most` levels; a plain value is none.
fn levels_exceed(value: &Value, most: usize) -> bool {
    let mut inner: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(values) => Box::new(values.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => return false,
    };
    most.checked_sub(1)
        .is_none_or(|most| inner.any(|value| levels_exceed(value, most)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(mut value: Value) -> Map<String, Value> {
        std::mem::take(value.as_object_mut().unwrap())
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn change_replaces_top_level_fields_and_null_removes_them() {
        let stored = EvidenceMetadata(object(json!({"comment": "a", "tags": {"x": 1}, "old": 1})));
        let change = object(json!({"comment": "b", "tags": {"y": 2}, "old": null, "absent": null}));
        let merged = stored.merged(change).unwrap();
        assert_eq!(
            Value::from(merged.fields().clone()),
            json!({"comment": "b", "tags": {"y": 2}})
        );
    }

    #[test]
    fn metadata_may_have_4_kib_after_the_merge() {
        let stored = EvidenceMetadata(object(json!({ "a": "x".repeat(2000) })));
        // {"a":"…","b":"…"} has 15 bytes beside the texts.
        let room = EvidenceMetadata::MAX_BYTES - 2000 - 15;
        assert!(
            stored
                .merged(object(json!({ "b": "x".repeat(room) })))
                .is_ok()
        );
        let beyond = stored.merged(object(json!({ "b": "x".repeat(room + 1) })));
        assert_eq!(beyond, Err(MetadataFault::TooLong(4097)));
        assert!(
            stored
                .merged(object(json!({ "a": null, "b": "x".repeat(4000) })))
                .is_ok()
        );
    }

    #[test]
    fn metadata_may_have_8_levels() {
        let none = EvidenceMetadata::default();
        assert!(none.merged(object(nested(8))).is_ok());
        assert_eq!(none.merged(object(nested(9))), Err(MetadataFault::TooDeep));
        assert_eq!(
            none.merged(object(json!({ "a": [[[[[[[[1]]]]]]]] }))),
            Err(MetadataFault::TooDeep)
        );
    }

    fn fields() -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        proptest::collection::btree_map("[a-e]", value, 0..5)
            .prop_map(|fields| fields.into_iter().collect())
    }

    proptest! {
        #[test]
        fn change_has_the_same_effect_when_it_is_repeated(first in fields(), second in fields()) {
            let stored = EvidenceMetadata::default().merged(first);
            if let Ok(once) = stored.and_then(|stored| stored.merged(second.clone())) {
                prop_assert!(once.to_json().len() <= EvidenceMetadata::MAX_BYTES);
                prop_assert!(once.fields().values().all(|value| !value.is_null()));
                prop_assert_eq!(once.merged(second), Ok(once));
            }
        }
    }
}
