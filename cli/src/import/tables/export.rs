//! `csv`: our own export, also after a spreadsheet has saved it.

use std::io::Read;

use serde_json::{Map, Value};
use shared::api::export::Csv;
use shared::domain::ban_info::BanInfo;

use super::header::CsvTable;
use super::users::{whole, wrong_width};
use crate::import::FileError;
use crate::import::defaults::{ImportDefaults, RowDraft};
use crate::import::entries::{FileEntry, Location, Original, RowError};
use crate::import::fields::columns::{ColumnOptions, flag};
use crate::import::fields::ids::{is_rounded, rounded, unquoted};
use crate::import::fields::titles::{OURS, looks_like_an_end, normal};

/// The columns that a spreadsheet could run as formulas.
const TEXTS: [&str; 2] = ["privateReason", "publicReason"];

/// The columns of an export that say who decided, which an import does not keep.
const OF_ACTOR: [&str; 2] = ["actor", "channel"];

/// The columns of flags, which some exports and all spreadsheets write as words.
const FLAGS: [&str; 6] = [
    "isBanned",
    "isGlobal",
    "isActive",
    "isAppealed",
    "experienceUniversal",
    "experienceBanCompleted",
];

/// `raw` means that the reasons are not escaped, as in an export with `raw=true`.
pub fn entries<R: Read>(
    input: R,
    defaults: ImportDefaults,
    columns: &ColumnOptions,
    raw: bool,
) -> Result<impl Iterator<Item = Result<FileEntry, FileError>> + use<R>, FileError> {
    let table = CsvTable::open(input, |title| normal(title) == "robloxid")?;
    let mut unread = Vec::new();
    let mut fields: Vec<Option<&'static str>> = Vec::new();
    for title in &table.titles {
        let own = normal(title);
        let known = BanInfo::FIELDS
            .into_iter()
            .find(|field| normal(field) == own);
        if known.is_some() && fields.contains(&known) {
            let what = format!("duplicate column {title:?}");
            return Err(FileError::new(table.line, what));
        }
        fields.push(known);
        if known.is_some()
            || OURS
                .into_iter()
                .chain(OF_ACTOR)
                .any(|ours| normal(ours) == own)
        {
            continue;
        }
        let is_ignored = columns.ignored.iter().any(|ignored| normal(ignored) == own);
        if looks_like_an_end(title) && !is_ignored {
            let what = format!(
                "{title:?} seems to say when a ban ends, but is not a column of an export: pass \
                 --ignore-column, or --format users-csv"
            );
            return Err(FileError::new(table.line, what));
        }
        unread.push(title.clone());
    }
    let (width, restores) = (table.titles.len(), table.is_of_errors);
    Ok(table.records.map(move |record| -> Result<FileEntry, FileError> {
        let record = record?;
        if !record.is_closed {
            let what = "the last line has no line end, so the export is probably cut off (if it is \
                        complete, add a line end)";
            return Err(FileError::new(record.line, what));
        }
        let record = whole(record, width, restores)?;
        let mut values = Map::new();
        for (field, cell) in fields.iter().zip(&record.cells) {
            let Some(field) = *field else { continue };
            let is_text = TEXTS.contains(&field);
            if !is_text && is_rounded(cell) {
                let what = format!("{field} {}", rounded(cell));
                return Err(FileError::new(record.line, what));
            }
            values.insert(field.to_owned(), value(field, cell, raw));
        }
        let read = if record.cells.len() == width {
            RowDraft::from(values).row(&defaults, str::to_owned)
        } else {
            Err(RowError::Invalid(wrong_width(record.cells.len(), width)))
        };
        Ok(FileEntry {
            at: Location {
                line: record.line,
                entry: None,
            },
            original: Original::Cells(record.cells),
            outcome: read.into(),
            unread: std::mem::take(&mut unread),
            takes_back: None,
        })
    }))
}

fn value(field: &str, cell: &str, raw: bool) -> Value {
    match cell {
        "" => Value::Null,
        text if TEXTS.contains(&field) && !raw => Csv::restored(text).into_owned().into(),
        text if TEXTS.contains(&field) => text.into(),
        text if FLAGS.contains(&field) => match flag(&text.into()) {
            Some(flag) => flag.into(),
            None => text.into(),
        },
        text => unquoted(text.trim()).into(),
    }
}
