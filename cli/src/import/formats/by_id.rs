//! `by-id` and `kohls-admin`: maps from user id to ban.
//!
//! Kohl's Admin stores `[name, reason, end, moderator]`. `end` is -1 for a permanent ban and missing for
//! one from a single server, which is not imported. Early versions had no `name`. Other stores contain an
//! object, only the reason, or `true`.

use serde_json::Value;

use super::{RowResult, wrong};
use crate::import::ImportDefaults;
use crate::import::defaults::RowDraft;
use crate::import::entries::RowError;
use crate::import::fields::columns::ColumnOptions;
use crate::import::fields::ids::is_digits;
use crate::import::fields::times;

pub fn row(
    user: Option<&str>,
    value: &Value,
    defaults: &ImportDefaults,
    columns: &ColumnOptions,
) -> RowResult {
    let Some(user) = user else {
        return wrong("expected an object with user ids as keys");
    };
    if !is_digits(user) {
        return wrong(format!("{user:?} is not a user id"));
    }
    match value {
        Value::Array(parts) if parts.is_empty() => {
            wrong("the entry is empty: it does not say whether the user is banned")
        }
        Value::Array(parts) => kohls(user, parts.clone(), defaults),
        Value::Object(parts) if is_list_with_holes(parts) => {
            let part = |index: u64| parts.get(&index.to_string()).cloned().unwrap_or_default();
            kohls(user, (1..=4).map(part).collect(), defaults)
        }
        Value::Object(_) => super::objects::row(Some(user), value, defaults, columns),
        Value::String(reason) => {
            let draft = RowDraft::default().with("publicReason", reason.as_str());
            plain(draft, user, defaults)
        }
        Value::Bool(true) => plain(RowDraft::default(), user, defaults),
        Value::Bool(false) => {
            let no = RowError::NotABan("it says that the user is not banned".to_owned());
            (Err(no), Vec::new())
        }
        Value::Number(_) => wrong("a number alone may be a time or a length"),
        Value::Null => wrong("the entry is null: it does not say whether the user is banned"),
    }
}

/// Lua encodes a list with holes as an object with indices as keys.
fn is_list_with_holes(parts: &serde_json::Map<String, Value>) -> bool {
    !parts.is_empty()
        && parts
            .keys()
            .all(|key| matches!(key.as_str(), "1" | "2" | "3" | "4"))
}

fn plain(draft: RowDraft, user: &str, defaults: &ImportDefaults) -> RowResult {
    let draft = draft.with("robloxId", user);
    (draft.row(defaults, super::plain::name), Vec::new())
}

fn kohls(user: &str, mut parts: Vec<Value>, defaults: &ImportDefaults) -> RowResult {
    if parts.len() > 4 {
        return wrong("expected a list [name, reason, end, moderator]");
    }
    // Without a name: the reason, the end, the moderator.
    if parts.get(1).is_some_and(Value::is_number) {
        parts.insert(0, Value::Null);
    }
    let mut part = |at: usize| parts.get_mut(at).map(Value::take).unwrap_or_default();
    let (reason, end, moderator) = (part(1), part(2), part(3));
    if end.is_null() {
        let no = RowError::NotABan("it is a ban from a single server, which has ended".to_owned());
        return (Err(no), Vec::new());
    }
    let Some(end) = times::end(&end) else {
        return wrong("the end must be Unix seconds or -1");
    };
    let draft = RowDraft::default()
        .with("robloxId", user)
        .with("publicReason", reason)
        .with("expires", end)
        .with("moderatorId", moderator);
    (draft.row(defaults, super::plain::name), Vec::new())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<(u64, String, u64), String> {
        let defaults = ImportDefaults::sample();
        match row(Some("1001"), value, &defaults, &ColumnOptions::default()).0 {
            Ok(row) => Ok((
                row.user.get(),
                row.terms.public_reason,
                row.terms.expires.seconds(),
            )),
            Err(RowError::Invalid(what)) => Err(what),
            Err(RowError::NotABan(what)) => Err(format!("no ban: {what}")),
        }
    }

    #[test]
    fn stores_contain_bans_in_many_forms() {
        let ban = |reason: &str, end| Ok((1001, reason.to_owned(), end));
        for (value, expected) in [
            (json!(["Mallory", "spam", -1, 5001]), ban("spam", 0)),
            (
                json!(["spam", 4_102_444_800_u64, 5001]),
                ban("spam", 4_102_444_800),
            ),
            (json!({ "2": "spam", "3": -1 }), ban("spam", 0)),
            (json!({ "reason": "spam", "UserId": 1001 }), ban("spam", 0)),
            (
                json!({ "Reason": "spam", "Expires": 4_102_444_800_u64 }),
                ban("spam", 4_102_444_800),
            ),
            (json!("spam"), ban("spam", 0)),
            (json!(true), ban("Banned earlier", 0)),
        ] {
            assert_eq!(read(&value), expected, "{value}");
        }
        for (value, says) in [
            (json!([]), "the entry is empty"),
            (json!(null), "null"),
            (json!(7), "a number"),
            (json!(false), "no ban: "),
            (json!(["Mallory", "spam", null, 5001]), "no ban: "),
            (json!(["Mallory", "spam", 7, 5001]), "the end must be"),
            (json!(["a", "b", 7, 8, 9]), "[name, reason, end, moderator]"),
            (
                json!({ "reason": "spam", "UserId": 1002 }),
                "another user than 1001",
            ),
            (
                json!({ "reason": "spam", "BanTime": 3 }),
                "seems to say when a ban ends",
            ),
        ] {
            let wrong = read(&value).unwrap_err();
            assert!(wrong.contains(says), "{value}: {wrong}");
        }
    }
}
