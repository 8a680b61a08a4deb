//! `ids`: users, and nothing else about them.

use serde_json::Value;

use super::{RowResult, wrong};
use crate::import::ImportDefaults;
use crate::import::defaults::RowDraft;
use crate::import::fields::columns::ColumnOptions;
use crate::import::fields::ids::{is_digits, is_rounded, user};

/// The row of an id, or of a link to a profile.
pub fn row(value: &Value, defaults: &ImportDefaults, columns: &ColumnOptions) -> RowResult {
    if value.is_object() {
        return super::objects::row(None, value, defaults, columns);
    }
    let id = match user(value) {
        Ok(Value::String(text)) if !is_digits(&text) && !is_rounded(&text) => {
            return wrong(format!(
                "{text:?} is neither the id of a user nor a link to a profile"
            ));
        }
        Ok(id) => id,
        Err(what) => return wrong(format!("the entry {what}")),
    };
    let row = RowDraft::default().with("robloxId", id).row(defaults, name);
    (row, Vec::new())
}

/// What the fields are called here.
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
