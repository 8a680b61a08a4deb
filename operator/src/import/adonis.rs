//! `adonis`: what Adonis keeps of its bans in its data store.
//!
//! The keys `SAVEDTABLE_Banned` and `SAVEDTABLE_TimeBans` (older versions: `SavedTables`) hold lists
//! of changes to its tables: `{Table, Action, Value}`, where `Value` is the ban: `{Name, UserId,
//! Reason, Moderator, EndTime}`. A ban that was lifted is taken out of the list. A list of the bans
//! alone, as its settings have it, does as well: such objects, `"Name:UserId"`, or user ids.

use std::io::BufRead;

use serde_json::Value;

use super::defaults::{Defaults, Draft};
use super::elements::{Elements, parsed};
use super::scanner::Piece;
use super::{Row, RowError, times};

pub fn rows<R: BufRead>(
    input: R,
    defaults: Defaults,
) -> impl Iterator<Item = Result<Row, RowError>> {
    Elements::new(input, &["Banned"]).filter_map(move |piece| {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return Some(Err(error)),
        };
        match ban_of(&piece) {
            Ok(Some(ban)) => Some(row(ban, piece.line, &defaults)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    })
}

/// The ban that a piece is about, if it is about one.
fn ban_of(piece: &Piece) -> Result<Option<Value>, RowError> {
    let mut value = parsed(piece)?;
    let Value::Object(change) = &mut value else {
        return Ok(Some(value));
    };
    if let Some(key) = change.get("TableKey").and_then(Value::as_str) {
        if !key.contains("Ban") {
            return Ok(None);
        }
        let what = format!("these bans lie under the key {key}: dump that key");
        return Err(RowError::new(piece.line, what));
    }
    let Some(table) = change.get("Table") else {
        return Ok(Some(value));
    };
    let table = match table {
        Value::Array(path) => path.last().and_then(Value::as_str),
        name => name.as_str(),
    };
    let adds = change.get("Action").and_then(Value::as_str) == Some("Add");
    let is_ban = matches!(table, Some("Banned" | "TimeBans"));
    Ok((adds && is_ban).then(|| change.remove("Value").unwrap_or_default()))
}

fn row(ban: Value, line: u64, defaults: &Defaults) -> Result<Row, RowError> {
    let draft = match ban {
        Value::Object(mut ban) => {
            let mut take = |name: &str| ban.remove(name).unwrap_or_default();
            let expires = times::end_of(&take("EndTime"))
                .ok_or_else(|| RowError::new(line, "EndTime must be Unix seconds"))?;
            let user = take("UserId");
            if user.is_null() {
                return Err(RowError::new(
                    line,
                    "UserId is missing: a name alone may belong to somebody else by now",
                ));
            }
            Draft::default()
                .with("robloxId", user)
                .with("publicReason", take("Reason"))
                .with("expires", expires)
        }
        Value::String(text) => {
            let id = text
                .rsplit(':')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            Draft::default().with("robloxId", id)
        }
        user => Draft::default().with("robloxId", user),
    };
    draft.row(line, defaults, |field| {
        match field {
            "robloxId" => "UserId",
            "moderatorId" => "the moderator's id",
            "publicReason" | "privateReason" => "Reason",
            "expires" => "EndTime",
            other => other,
        }
        .to_owned()
    })
}
