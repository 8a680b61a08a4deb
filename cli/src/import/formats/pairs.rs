//! `kohls-admin`, the older Infinite version: `KSave` contains `[admins, bans, settings]`. `bans` is a text
//! of `id:end` pairs, with -1 for a permanent ban and the negative end for a temporary one. Other numbers
//! were for a single server.

use serde_json::Value;

use crate::import::ImportDefaults;
use crate::import::defaults::RowDraft;
use crate::import::documents::entries::DocumentEntry;
use crate::import::entries::{FileEntry, Location, Original, RowError};
use crate::import::fields::ids::is_digits;

/// Whether these are the parts of a `KSave`.
pub fn are_parts(parts: &[Value]) -> bool {
    let [admins, Value::String(bans), Value::String(settings)] = parts else {
        return false;
    };
    let is_empty = admins.as_array().is_some_and(Vec::is_empty);
    let admins = is_empty || admins.as_str().is_some_and(are_pairs);
    admins && are_pairs(bans) && settings.starts_with(['{', '['])
}

fn are_pairs(text: &str) -> bool {
    text.split_whitespace().all(|pair| {
        let pair = pair.split_once(':');
        pair.is_some_and(|(id, end)| is_digits(id) && is_digits(end.trim_start_matches('-')))
    })
}

/// The entries of the second part of a `KSave`.
pub fn entries(bans: DocumentEntry, defaults: &ImportDefaults) -> Vec<FileEntry> {
    let text = bans.value.ok();
    let text = text.as_ref().and_then(Value::as_str).unwrap_or_default();
    let pairs = text.split_whitespace().zip(1..);
    let entries = pairs.map(|(pair, number)| FileEntry {
        at: Location {
            line: bans.at.line,
            entry: Some(number),
        },
        original: original(pair),
        outcome: row(pair, defaults).into(),
        unread: Vec::new(),
        takes_back: None,
    });
    entries.collect()
}

/// The pair as an entry of Kohl's Admin, which can be corrected and imported.
fn original(pair: &str) -> Original {
    let (user, end) = pair.split_once(':').unwrap_or((pair, ""));
    let end = match end.parse::<i64>() {
        Ok(end) if end < -1 => end.saturating_neg().into(),
        Ok(end) if end < 0 => end.into(),
        _ => Value::Null,
    };
    let parts = vec![Value::Null, Value::Null, end];
    Original::Value(Some(user.to_owned()), parts.into())
}

fn row(pair: &str, defaults: &ImportDefaults) -> Result<crate::import::ImportedBan, RowError> {
    let wrong = |what: &str| RowError::Invalid(what.to_owned());
    let (user, end) = pair
        .split_once(':')
        .ok_or_else(|| wrong("expected a pair id:end"))?;
    let end: i64 = end
        .parse()
        .map_err(|_| wrong("the end must be an integer"))?;
    if end >= 0 {
        let what = "it is a ban from a single server, which has ended";
        return Err(RowError::NotABan(what.to_owned()));
    }
    let expires = if end == -1 { 0 } else { end.unsigned_abs() };
    RowDraft::default()
        .with("robloxId", user)
        .with("expires", expires)
        .row(defaults, super::plain::name)
}
