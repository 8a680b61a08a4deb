//! A batch of the bans table's stream, as sent by the event source mapping.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::store::Key;

/// A batch.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// The records, in the order of writing.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One written item.
#[derive(Debug, Deserialize)]
pub struct Record {
    pub dynamodb: ItemChange,
}

/// The change of an item in a stream record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItemChange {
    keys: Keys,
    /// The id of the record.
    pub sequence_number: String,
    /// Unix seconds.
    approximate_creation_date_time: Option<f64>,
    #[serde(default)]
    new_image: Image,
    #[serde(default)]
    old_image: Image,
}

#[derive(Debug, Deserialize)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    value: String,
}

/// The attributes of an experience's item about what is pending and reported, and the time of a tick.
#[derive(Debug, Default, Deserialize)]
struct Image {
    ban_owed: Option<Text>,
    unban_owed: Option<Text>,
    report_guid: Option<Text>,
    at: Option<Number>,
}

/// A number; empty for an attribute of another type.
#[derive(Debug, Deserialize)]
struct Number {
    #[serde(rename = "N")]
    value: Option<String>,
}

impl ItemChange {
    pub fn key(&self) -> Key {
        Key {
            pk: self.keys.pk.value.clone(),
            sk: self.keys.sk.value.clone(),
        }
    }

    /// The time of the write since 1970, in whole seconds: DynamoDB has no more digits.
    #[must_use]
    pub fn made(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.approximate_creation_date_time?).ok()
    }

    /// The time in a tick.
    #[must_use]
    pub fn ticked_at(&self) -> Option<UnixSeconds> {
        let at = self.new_image.at.as_ref()?.value.as_ref()?;
        at.parse().ok().map(UnixSeconds)
    }

    /// Whether the item is in the index of pending bans.
    #[must_use]
    pub const fn owes_ban(&self) -> bool {
        self.new_image.ban_owed.is_some()
    }

    /// The range key of the item in the index of pending unbans, if it is there: it begins with the
    /// second in which the unban is due.
    #[must_use]
    pub fn unban_owed(&self) -> Option<&str> {
        let pending = self.new_image.unban_owed.as_ref()?;
        Some(pending.value.as_str())
    }
}

impl ItemChange {
    /// Whether the experience has now reported the unban of a user whose ban it had reported.
    #[must_use]
    pub const fn lets_in(&self) -> bool {
        self.old_image.report_guid.is_some() && self.new_image.report_guid.is_none()
    }
}

/// The records to send again: from the first of them on.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Failures {
    /// Adds a record that could not be processed.
    pub fn add(&mut self, change: &ItemChange) {
        self.batch_item_failures.push(Failure {
            item_identifier: change.sequence_number.clone(),
        });
    }
}
