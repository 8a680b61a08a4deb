//! Event filters: the part of EventBridge's pattern language that the template uses.

use serde_json::Value;

use crate::{Error, Result};

#[derive(Debug, Clone)]
pub(super) struct Filter {
    patterns: Vec<Value>,
}

impl Filter {
    /// Refuses patterns with operators that this does not support.
    pub(super) fn new(patterns: &[Value]) -> Result<Self> {
        patterns.iter().try_for_each(check)?;
        Ok(Self {
            patterns: patterns.to_vec(),
        })
    }

    /// Whether a record passes: one pattern matches, or there is none.
    pub(super) fn matches(&self, record: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|p| node(p, Some(record)))
    }
}

fn check(pattern: &Value) -> Result<()> {
    let unknown = |what: &Value| Err(Error::Template(format!("unsupported filter: {what}")));
    match pattern {
        Value::Object(map) => map.values().try_for_each(check),
        Value::Array(choices) => choices.iter().try_for_each(|choice| match choice {
            Value::Object(_) if exists(choice).is_some() => Ok(()),
            Value::Object(_) | Value::Array(_) => unknown(choice),
            _ => Ok(()),
        }),
        other => unknown(other),
    }
}

fn node(pattern: &Value, value: Option<&Value>) -> bool {
    match pattern {
        Value::Object(fields) => fields
            .iter()
            .all(|(key, pattern)| node(pattern, value.and_then(|value| value.get(key)))),
        Value::Array(choices) => choices.iter().any(|choice| leaf(choice, value)),
        _ => false,
    }
}

fn leaf(choice: &Value, value: Option<&Value>) -> bool {
    if let Some(Value::Array(items)) = value {
        return items.iter().any(|item| leaf(choice, Some(item)));
    }
    match exists(choice) {
        Some(wanted) => wanted == value.is_some(),
        None => value == Some(choice),
    }
}

/// The flag of `{"exists": …}`, the one operator that the template uses.
fn exists(choice: &Value) -> Option<bool> {
    let operator = choice.as_object().filter(|operator| operator.len() == 1)?;
    operator.get("exists")?.as_bool()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(pattern: &Value, record: &Value) -> bool {
        Filter::new(std::slice::from_ref(pattern))
            .unwrap()
            .matches(record)
    }

    #[test]
    fn a_leaf_matches_any_of_its_values() {
        let pattern = json!({"dynamodb": {"NewImage": {"kind": {"S": ["global", "link"]}}}});
        let record = |kind: &str| json!({"dynamodb": {"NewImage": {"kind": {"S": kind}}}});
        assert!(matches(&pattern, &record("link")));
        assert!(!matches(&pattern, &record("ban")));
        assert!(!matches(&pattern, &json!({"dynamodb": {"OldImage": {}}})));
    }

    #[test]
    fn exists_looks_at_presence() {
        let image = json!({"NewImage": {"sk": {"S": "E#1"}}});
        assert!(matches(&json!({"OldImage": [{"exists": false}]}), &image));
        let exists = json!({"NewImage": {"sk": {"S": [{"exists": true}]}}});
        assert!(matches(&exists, &image));
        assert!(!matches(&exists, &json!({"NewImage": {}})));
    }

    #[test]
    fn unknown_operators_are_rejected() {
        assert!(Filter::new(&[json!({"a": [{"numeric": [">", 1]}]})]).is_err());
        assert!(Filter::new(&[json!({"a": [{"prefix": "x"}]})]).is_err());
        assert!(Filter::new(&[json!({"a": "not a list"})]).is_err());
    }
}
