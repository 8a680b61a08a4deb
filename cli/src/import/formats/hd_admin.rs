//! `hd-admin`: the key `Banland` of HD Admin's data store `HDAdminSystemDataV1.0`.
//!
//! An object with `Records` of `{UserId, BanTime, Reason, Server, BannedBy}`. `BanTime` is Unix seconds or
//! `"Infinite"`; to lift a ban, HD Admin sets it to the current time.

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
    // Commands that the game itself runs have no speaker.
    let speaker = record.get("BannedBy").and_then(Value::as_f64);
    if speaker.is_some_and(|speaker| speaker <= 0.0) {
        record.remove("BannedBy");
    }
    super::objects::row(None, &Value::Object(record), defaults, columns)
}
