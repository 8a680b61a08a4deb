//! Converts the entries of a document to bans, for each format.

pub mod adonis;
pub mod ban_info;
pub mod by_id;
pub mod hd_admin;
pub mod objects;
pub mod pairs;
pub mod plain;
pub mod roblox;

use super::documents::entries::{DocumentEntry, UnreadableEntry};
use super::entries::{FileEntry, Location, Original, RowError};
use super::fields::columns::ColumnOptions;
use super::{ImportDefaults, ImportFormat, ImportedBan};

/// A ban or an error, and the names of fields that are not read.
pub type RowResult = (Result<ImportedBan, RowError>, Vec<String>);

/// Converts an entry of a document.
pub fn entry(
    format: ImportFormat,
    piece: DocumentEntry,
    defaults: &ImportDefaults,
    columns: &ColumnOptions,
) -> FileEntry {
    let DocumentEntry {
        at,
        name,
        value,
        unread: mut not_read,
    } = piece;
    let value = match value {
        Ok(value) => value,
        Err(unreadable) => return wrong_entry(at, unreadable),
    };
    let (read, unread) = match format {
        ImportFormat::Adonis => adonis::row(&value, defaults, columns),
        ImportFormat::KohlsAdmin | ImportFormat::ById => {
            by_id::row(name.as_deref(), &value, defaults, columns)
        }
        ImportFormat::HdAdmin => hd_admin::row(&value, defaults, columns),
        ImportFormat::Roblox => roblox::row(&value, defaults),
        ImportFormat::Ids => plain::row(&value, defaults, columns),
        ImportFormat::UsersJson => objects::row(name.as_deref(), &value, defaults, columns),
        _ => ban_info::row(&value, defaults, columns),
    };
    not_read.extend(unread);
    let takes_back = match format {
        ImportFormat::Adonis => adonis::taken_back(&value),
        _ => None,
    };
    FileEntry {
        at,
        original: Original::Value(name, value),
        outcome: read.into(),
        unread: not_read,
        takes_back,
    }
}

fn wrong_entry(at: Location, unreadable: UnreadableEntry) -> FileEntry {
    let UnreadableEntry { message, text } = unreadable;
    FileEntry {
        at,
        original: Original::Value(None, text.into()),
        outcome: Err(RowError::Invalid(message)).into(),
        unread: Vec::new(),
        takes_back: None,
    }
}

fn wrong(what: impl Into<String>) -> RowResult {
    (Err(RowError::Invalid(what.into())), Vec::new())
}
