//! Event filters: the part of `EventBridge`'s pattern language that mappings use.

use serde_json::{Map, Value};

use crate::{Error, Result};

/// The filters of one mapping.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    patterns: Vec<Value>,
}

impl Filter {
    /// Takes patterns over, refusing what this cannot evaluate rather than guessing.
    pub(super) fn new(patterns: &[Value]) -> Result<Self> {
        patterns.iter().try_for_each(check)?;
        Ok(Self {
            patterns: patterns.to_vec(),
        })
    }

    /// Is the record to be handed over? It is when one pattern matches, or there is none.
    pub(super) fn matches(&self, record: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|p| node(p, Some(record)))
    }
}

fn check(pattern: &Value) -> Result<()> {
    let unknown = |what: &Value| Err(Error::Template(format!("unknown in a filter: {what}")));
    match pattern {
        Value::Object(map) => map.values().try_for_each(check),
        Value::Array(choices) => choices.iter().try_for_each(|choice| match choice {
            Value::Object(map) => match operator(map) {
                Some(("prefix" | "suffix", Value::String(_)) | ("exists", Value::Bool(_))) => {
                    Ok(())
                }
                Some(("anything-but", _)) => Ok(()),
                _ => unknown(choice),
            },
            Value::Array(_) => unknown(choice),
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
    let Value::Object(map) = choice else {
        return value == Some(choice);
    };
    let text = value.and_then(Value::as_str);
    match operator(map) {
        Some(("exists", wanted)) => wanted.as_bool() == Some(value.is_some()),
        Some(("prefix", Value::String(part))) => text.is_some_and(|t| t.starts_with(part)),
        Some(("suffix", Value::String(part))) => text.is_some_and(|t| t.ends_with(part)),
        Some(("anything-but", Value::Array(not))) => value.is_some_and(|v| !not.contains(v)),
        Some(("anything-but", not)) => value.is_some_and(|v| v != not),
        _ => false,
    }
}

fn operator(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = map.iter();
    match (entries.next(), entries.next()) {
        (Some((name, argument)), None) => Some((name, argument)),
        _ => None,
    }
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
    fn operators_look_at_presence_and_ends() {
        let image = json!({"NewImage": {"sk": {"S": "E#1"}}});
        assert!(matches(
            &json!({"NewImage": {"sk": {"S": [{"prefix": "E#"}]}}}),
            &image
        ));
        assert!(matches(&json!({"OldImage": [{"exists": false}]}), &image));
        assert!(!matches(
            &json!({"NewImage": {"sk": {"S": [{"anything-but": "E#1"}]}}}),
            &image
        ));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(Filter::new(&[json!({"a": [{"numeric": [">", 1]}]})]).is_err());
        assert!(Filter::new(&[json!({"a": "not a list"})]).is_err());
    }
}
