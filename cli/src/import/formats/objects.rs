//! `users-json`: objects with a user id and any other fields.

use serde_json::Value;

use super::{RowResult, wrong};
use crate::import::ImportDefaults;
use crate::import::fields::columns::ColumnOptions;

/// Converts an object. `user` is its key, if it has one.
pub fn row(
    user: Option<&str>,
    value: &Value,
    defaults: &ImportDefaults,
    columns: &ColumnOptions,
) -> RowResult {
    let Value::Object(object) = value else {
        return wrong("expected an object with a user id");
    };
    // Ignore fields without a value, even if their titles seem to matter.
    let said = object.iter().filter(|(_, value)| !value.is_null());
    let (titles, values): (Vec<_>, Vec<_>) = said
        .map(|(title, value)| (title.clone(), value.clone()))
        .unzip();
    let fields = match columns.find(&titles) {
        Ok(fields) => fields,
        Err(what) => return wrong(what),
    };
    if !fields.has_user() && user.is_none() {
        let there = titles.join(", ");
        return wrong(format!("there is no userId (found: {there})"));
    }
    let mut unread: Vec<_> = fields.unread.iter().cloned().collect();
    unread.extend(fields.unused(&values));
    (fields.row(&values, user, defaults), unread)
}
