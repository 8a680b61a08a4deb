//! `hd-admin`: what HD Admin keeps under `Banland` in the data store `HDAdminSystemDataV1.0`.
//!
//! An object with `CsvRecords` of `{UserId, BanTime, Reason, Server, BannedBy}`, where `BanTime` is a
//! Unix second or `"Infinite"`. To lift a ban, it sets `BanTime` to that moment.

use serde_json::Value;

use super::{RowResult, wrong};
use crate::import::ImportDefaults;
use crate::import::fields::columns::ColumnOptions;
use crate::import::fields::times;

pub fn row(value: &Value, defaults: &ImportDefaults, columns: &ColumnOptions) -> RowResult {
    let Value::Object(record) = value else {
        return wrong("expected an object");
    };
    let mut record = record.clone();
    let end = record.remove("BanTime").unwrap_or_default();
    let Some(end) = times::end(&end) else {
        return wrong("BanTime must be Unix seconds or \"Infinite\"");
    };
    record.insert("Expires".to_owned(), end.into());
    // Commands that a game runs by itself have no speaker.
    let speaker = record.get("BannedBy").and_then(Value::as_f64);
    if speaker.is_some_and(|speaker| speaker <= 0.0) {
        record.remove("BannedBy");
    }
    super::objects::row(None, &Value::Object(record), defaults, columns)
}
