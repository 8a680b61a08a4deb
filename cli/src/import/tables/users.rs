//! `users-csv`: a table of users.

use std::io::Read;

use serde_json::Value;
use shared::api::export::Csv;

use super::header::CsvTable;
use super::records::CsvRecord;
use crate::import::entries::{FileEntry, Location, Original, RowError};
use crate::import::fields::columns::{ColumnMap, ColumnOptions};
use crate::import::fields::ids::{is_digits, linked};
use crate::import::fields::titles::{ColumnRole, normal, role};
use crate::import::{FileError, ImportDefaults};

/// The entries of a table.
pub fn entries<R: Read>(
    input: R,
    defaults: ImportDefaults,
    columns: &ColumnOptions,
) -> Result<impl Iterator<Item = Result<FileEntry, FileError>> + use<R>, FileError> {
    let asked = columns.user.clone();
    let table = CsvTable::open(input, |title| match &asked {
        Some(asked) => normal(asked) == normal(title),
        None => role(title) == Some(ColumnRole::User),
    })?;
    let fields = columns.find(&table.titles);
    let fields = fields.map_err(|wrong| FileError::new(table.line, wrong))?;
    if !fields.has_user() {
        return Err(FileError::new(table.line, no_user(&table.titles)));
    }
    let (width, restores) = (table.titles.len(), table.is_of_errors);
    let mut unread: Vec<String> = fields.unread.iter().cloned().collect();
    Ok(table
        .records
        .map(move |record| -> Result<FileEntry, FileError> {
            let record = whole(record?, width, restores)?;
            let mut entry = entry(record, width, &fields, &defaults);
            entry.unread.append(&mut unread);
            Ok(entry)
        }))
}

/// Fails if the last record is incomplete: too short and without a line end.
pub fn whole(mut record: CsvRecord, width: usize, restores: bool) -> Result<CsvRecord, FileError> {
    if !record.is_closed && record.cells.len() < width {
        return Err(FileError::new(
            record.line,
            "the file ends in the middle of a row, so it is probably cut off",
        ));
    }
    if restores {
        for cell in &mut record.cells {
            *cell = Csv::restored(cell).into_owned();
        }
    }
    Ok(record)
}

fn entry(
    record: CsvRecord,
    width: usize,
    fields: &ColumnMap,
    defaults: &ImportDefaults,
) -> FileEntry {
    let at = Location {
        line: record.line,
        entry: None,
    };
    let has = record.cells.len();
    let values: Vec<_> = record
        .cells
        .iter()
        .map(|cell| Value::from(cell.as_str()))
        .collect();
    let (read, unused) = if has == width {
        (fields.row(&values, None, defaults), fields.unused(&values))
    } else {
        (Err(RowError::Invalid(wrong_width(has, width))), None)
    };
    FileEntry {
        at,
        original: Original::Cells(record.cells),
        outcome: read.into(),
        unread: unused.into_iter().collect(),
        takes_back: None,
    }
}

pub fn wrong_width(has: usize, width: usize) -> String {
    let cells = if has == 1 { "cell" } else { "cells" };
    format!("the row has {has} {cells}, but the header has {width}")
}

fn no_user(titles: &[String]) -> String {
    let there = titles.join(", ");
    let is_data = titles
        .iter()
        .any(|title| is_digits(title) || linked(title).is_some());
    if is_data {
        return format!(
            "the first row must contain the column titles, such as userId,reason,expires (it contains: \
             {there})"
        );
    }
    format!("there is no column \"userId\" (found: {there}): pass --user-column TITLE")
}
