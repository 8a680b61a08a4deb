//! What a key may do, as Roblox tells of it.

use serde_json::Value;

use crate::ids::UniverseId;

/// The scopes that a mirror needs: name and operation.
pub const NEEDED_SCOPES: [(&str, &str); 3] = [
    ("universe.user-restriction", "read"),
    ("universe.user-restriction", "write"),
    ("universe-messaging-service", "publish"),
];

/// A key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyInfo {
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether its time has passed.
    pub expired: bool,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// Something that a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What it is about.
    pub name: String,
    /// What may be done.
    pub operations: Vec<String>,
    /// In which universes; `*` for all. None where Roblox does not say.
    pub universes: Option<Vec<String>>,
}

impl KeyInfo {
    pub(super) fn read(answer: &Value) -> Self {
        let flag = |name: &str| answer.get(name).and_then(Value::as_bool);
        let scopes = answer.get("scopes").and_then(Value::as_array);
        Self {
            enabled: flag("enabled").unwrap_or(true),
            expired: flag("expired").unwrap_or(false),
            scopes: scopes
                .into_iter()
                .flatten()
                .filter_map(Scope::read)
                .collect(),
        }
    }

    /// The needed scopes that the key does not have for a universe, such as
    /// `universe.user-restriction:write`.
    #[must_use]
    pub fn missing(&self, universe: UniverseId) -> Vec<String> {
        let lacks = |(name, operation): &(&str, &str)| {
            !self
                .scopes
                .iter()
                .any(|scope| scope.allows(name, operation, universe))
        };
        let missing = NEEDED_SCOPES.iter().copied().filter(lacks);
        missing
            .map(|(name, operation)| format!("{name}:{operation}"))
            .collect()
    }
}

impl Scope {
    fn read(scope: &Value) -> Option<Self> {
        let list = |name: &str| {
            let list = scope.get(name)?.as_array()?;
            let text = |value: &Value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            Some(list.iter().filter_map(text).collect())
        };
        Some(Self {
            name: scope.get("name")?.as_str()?.to_owned(),
            operations: list("operations").unwrap_or_default(),
            universes: list("universeIds"),
        })
    }

    fn allows(&self, name: &str, operation: &str, universe: UniverseId) -> bool {
        let among = |list: &[String], wanted: &str| {
            list.iter().any(|entry| entry == "*" || entry == wanted)
        };
        let here = (self.universes.as_ref())
            .is_none_or(|universes| among(universes, &universe.to_string()));
        self.name == name && among(&self.operations, operation) && here
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_tells_what_it_lacks_for_a_universe() {
        let here = UniverseId::new(7).unwrap();
        let answer = |universes: Value| {
            json!({ "name": "k", "enabled": true, "scopes": [
                { "name": "universe.user-restriction", "operations": ["read", "write"],
                  "universeIds": universes },
                { "name": "universe-messaging-service", "operations": ["*"] },
            ]})
        };
        for (universes, lacks) in [
            (json!(["7"]), 0),
            (json!([7]), 0),
            (json!(["*"]), 0),
            (json!(["8"]), 2),
            (json!([]), 2),
        ] {
            let missing = KeyInfo::read(&answer(universes.clone())).missing(here);
            assert_eq!(missing.len(), lacks, "{universes}: {missing:?}");
        }
        assert_eq!(KeyInfo::read(&json!({})).missing(here).len(), 3);
    }
}
