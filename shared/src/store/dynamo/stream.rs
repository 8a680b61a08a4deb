//! A batch of the bans table's stream, as the event source mapping sends it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::store::Key;

/// A batch.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// What was written, in the order of writing.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One item that was written.
#[derive(Debug, Deserialize)]
pub struct Record {
    /// What of it the stream tells.
    pub dynamodb: ItemChange,
}

/// What the stream tells of an item.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItemChange {
    keys: Keys,
    /// The record's own name.
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

/// What an experience's item says of what is owed and reported.
#[derive(Debug, Default, Deserialize)]
struct Image {
    ban_owed: Option<Text>,
    unban_owed: Option<Text>,
    report_guid: Option<Text>,
}

impl ItemChange {
    /// The item's key.
    pub fn key(&self) -> Key {
        Key {
            pk: self.keys.pk.value.clone(),
            sk: self.keys.sk.value.clone(),
        }
    }

    /// When it was made, since 1970: the whole second, DynamoDB says no more.
    #[must_use]
    pub fn made(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.approximate_creation_date_time?).ok()
    }

    /// Whether the item stands in the index of pending bans.
    #[must_use]
    pub const fn owes_ban(&self) -> bool {
        self.new_image.ban_owed.is_some()
    }

    /// The range key of the item in the index of pending unbans, if it stands there: it begins with
    /// the second from which on the unban is owed.
    #[must_use]
    pub fn unban_owed(&self) -> Option<&str> {
        let owed = self.new_image.unban_owed.as_ref()?;
        Some(owed.value.as_str())
    }
}

impl ItemChange {
    /// Whether the experience has now reported that it lets the user in, whom it had reported to be
    /// banned.
    #[must_use]
    pub const fn lets_in(&self) -> bool {
        self.old_image.report_guid.is_some() && self.new_image.report_guid.is_none()
    }
}

/// Which records are to be sent again: from the first of them on.
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
    /// This record could not be dealt with.
    pub fn add(&mut self, change: &ItemChange) {
        self.batch_item_failures.push(Failure {
            item_identifier: change.sequence_number.clone(),
        });
    }
}
