//! The permissions of an Open Cloud key, as reported by Roblox.

use serde_json::Value;

use crate::domain::ids::{GroupId, UniverseId, UserId};

/// The scopes that the mirror needs: name and operation.
pub const NEEDED_SCOPES: [(&str, &str); 3] = [
    ("universe.user-restriction", "read"),
    ("universe.user-restriction", "write"),
    ("universe-messaging-service", "publish"),
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyInfo {
    pub enabled: bool,
    pub expired: bool,
    /// The user whose rate limit the key's calls count towards.
    pub owner: Option<UserId>,
    pub scopes: Vec<RobloxScope>,
}

/// A permission of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobloxScope {
    /// The resource.
    pub name: String,
    /// The permitted operations on it.
    pub operations: Vec<String>,
    /// The universes, `*` for all; `None` if Roblox does not report them.
    pub universes: Option<Vec<String>>,
    /// The groups, likewise.
    pub groups: Option<Vec<String>>,
}

impl KeyInfo {
    pub(super) fn read(answer: &Value) -> Self {
        let flag = |name: &str| answer.get(name).and_then(Value::as_bool);
        let scopes = answer.get("scopes").and_then(Value::as_array);
        Self {
            enabled: flag("enabled").unwrap_or(true),
            expired: flag("expired").unwrap_or(false),
            owner: answer.get("authorizedUserId").and_then(read_id),
            scopes: scopes
                .into_iter()
                .flatten()
                .filter_map(RobloxScope::read)
                .collect(),
        }
    }

    /// The needed scopes that the key lacks for a universe, such as
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

    /// Whether the key may change the roles of a group's members.
    #[must_use]
    pub fn writes_group(&self, group: GroupId) -> bool {
        let group = group.to_string();
        self.scopes.iter().any(|scope| {
            let reaches = |groups: &Vec<String>| among(groups, &group);
            scope.name == "group"
                && among(&scope.operations, "write")
                && scope.groups.as_ref().is_none_or(reaches)
        })
    }
}

/// An id, as a number or as text.
fn read_id(id: &Value) -> Option<UserId> {
    match id.as_u64() {
        Some(id) => UserId::new(id),
        None => id.as_str()?.parse().ok(),
    }
}

/// Whether a list names this, or everything.
fn among(list: &[String], wanted: &str) -> bool {
    list.iter().any(|entry| entry == "*" || entry == wanted)
}

impl RobloxScope {
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
            groups: list("groupIds"),
        })
    }

    fn allows(&self, name: &str, operation: &str, universe: UniverseId) -> bool {
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
    fn missing_scopes_of_a_key_are_listed() {
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

    #[test]
    fn key_writes_to_the_groups_of_its_scope() {
        let here = GroupId::new(7).unwrap();
        for (operations, groups, expected) in [
            (json!(["read", "write"]), json!(["7"]), true),
            (json!(["write"]), json!(["*"]), true),
            (json!(["write"]), Value::Null, true),
            (json!(["write"]), json!(["8"]), false),
            (json!(["read"]), json!(["7"]), false),
        ] {
            let scope = json!({ "name": "group", "operations": operations, "groupIds": groups });
            let info = KeyInfo::read(&json!({ "scopes": [scope] }));
            assert_eq!(info.writes_group(here), expected, "{operations} {groups}");
        }
        assert!(!KeyInfo::default().writes_group(here));
    }

    #[test]
    fn owner_is_a_number_or_text() {
        for (id, expected) in [
            (json!(50), UserId::new(50)),
            (json!("50"), UserId::new(50)),
            (json!(0), None),
            (json!("x"), None),
            (Value::Null, None),
        ] {
            let info = KeyInfo::read(&json!({ "authorizedUserId": id }));
            assert_eq!(info.owner, expected, "{id}");
        }
    }
}
