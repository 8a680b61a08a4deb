//! `ids`: user ids or profile links, without other data.

use serde_json::Value;

use super::{RowResult, wrong};
use crate::import::ImportDefaults;
use crate::import::defaults::RowDraft;
use crate::import::fields::columns::ColumnOptions;
use crate::import::fields::ids::{is_digits, is_rounded, user};

/// Converts an id or a profile link.
pub fn row(value: &Value, defaults: &ImportDefaults, columns: &ColumnOptions) -> RowResult {
    if value.is_object() {
        return super::objects::row(None, value, defaults, columns);
    }
    let id = match user(value) {
        Ok(Value::String(text)) if !is_digits(&text) && !is_rounded(&text) => {
            return wrong(format!(
                "{text:?} is neither a user id nor a link to a profile"
            ));
        }
        Ok(id) => id,
        Err(what) => return wrong(format!("the entry {what}")),
    };
    let row = RowDraft::default().with("robloxId", id).row(defaults, name);
    (row, Vec::new())
}

/// The name of a field in errors.
pub fn name(field: &str) -> String {
    match field {
        "robloxId" => "the user's id",
        "moderatorId" => "the moderator",
        "publicReason" => "the reason",
        "privateReason" => "the private reason",
        "experienceId" => "the experience",
        other => other,
    }
    .to_owned()
}
