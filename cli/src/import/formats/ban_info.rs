//! `json`: our own export, and any list of `BanInfo` objects.

use serde_json::Value;
use shared::domain::ban_info::BanInfo;

use super::{RowResult, wrong};
use crate::import::ImportDefaults;
use crate::import::defaults::RowDraft;
use crate::import::fields::columns::ColumnOptions;
use crate::import::fields::titles::{looks_like_an_end, normal};

pub fn row(value: &Value, defaults: &ImportDefaults, columns: &ColumnOptions) -> RowResult {
    let Value::Object(fields) = value else {
        return wrong("expected an object");
    };
    let names = fields.keys().map(String::as_str);
    let unread: Vec<_> = names
        .filter(|name| !BanInfo::FIELDS.contains(name) && *name != "actor")
        .collect();
    let is_ignored = |name: &&str| {
        columns
            .ignored
            .iter()
            .any(|own| normal(own) == normal(name))
    };
    let lost = unread
        .iter()
        .find(|name| looks_like_an_end(name) && !is_ignored(name));
    if let Some(name) = lost {
        return wrong(format!(
            "{name:?} seems to say when a ban ends, but is not a field of a ban: rename it to expires, \
             or pass --format users-json or --ignore-column"
        ));
    }
    let unread = unread.into_iter().map(str::to_owned).collect();
    let row = RowDraft::from(fields.clone()).row(defaults, str::to_owned);
    (row, unread)
}
