//! What an entry of a document means in each format.

pub mod adonis;
pub mod ban_info;
pub mod by_id;
pub mod hd_admin;
pub mod objects;
pub mod pairs;
pub mod plain;
pub mod roblox;

use super::documents::pieces::{Piece, Unreadable};
use super::entries::{At, Entry, NoRow, Original};
use super::fields::columns::Columns;
use super::{Defaults, Format, Row};

/// A row, with the names of the fields beside it that are not read.
pub type Read = (Result<Row, NoRow>, Vec<String>);

/// The entry that a piece of a document is.
pub fn entry(format: Format, piece: Piece, defaults: &Defaults, columns: &Columns) -> Entry {
    let Piece { at, name, value } = piece;
    let value = match value {
        Ok(value) => value,
        Err(unreadable) => return wrong_entry(at, unreadable),
    };
    let (read, unread) = match format {
        Format::Adonis => adonis::row(&value, defaults, columns),
        Format::KohlsAdmin | Format::ById => by_id::row(name.as_deref(), &value, defaults, columns),
        Format::HdAdmin => hd_admin::row(&value, defaults, columns),
        Format::Roblox => roblox::row(&value, defaults),
        Format::Ids => plain::row(&value, defaults, columns),
        Format::UsersJson => objects::row(name.as_deref(), &value, defaults, columns),
        _ => ban_info::row(&value, defaults, columns),
    };
    let takes_back = match format {
        Format::Adonis => adonis::taken_back(&value),
        _ => None,
    };
    Entry {
        at,
        original: Original::Value(name, value),
        outcome: read.into(),
        unread,
        takes_back,
    }
}

fn wrong_entry(at: At, unreadable: Unreadable) -> Entry {
    let Unreadable { message, text } = unreadable;
    Entry {
        at,
        original: Original::Value(None, text.into()),
        outcome: Err(NoRow::Wrong(message)).into(),
        unread: Vec::new(),
        takes_back: None,
    }
}

fn wrong(what: impl Into<String>) -> Read {
    (Err(NoRow::Wrong(what.into())), Vec::new())
}
