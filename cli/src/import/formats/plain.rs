//! `ids`: users, and nothing else about them.

use serde_json::Value;

use super::{Read, wrong};
use crate::import::Defaults;
use crate::import::defaults::Draft;
use crate::import::fields::columns::Columns;
use crate::import::fields::ids::{is_digits, is_rounded, user};

/// The row of an id, or of a link to a profile.
pub fn row(value: &Value, defaults: &Defaults, columns: &Columns) -> Read {
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
    let row = Draft::default().with("robloxId", id).row(defaults, name);
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
