//! `csv`: our own export.

use std::io::Read;

use serde_json::{Map, Value};
use shared::export::Csv;

use super::defaults::{Defaults, Draft};
use super::{Row, RowError};

/// The columns in which a spreadsheet could see a formula.
const TEXTS: [&str; 2] = ["privateReason", "publicReason"];

/// The columns of flags, which some exports write as words.
const FLAGS: [&str; 5] = [
    "isGlobal",
    "isActive",
    "isAppealed",
    "experienceUniversal",
    "experienceBanCompleted",
];

/// With `raw`, reasons are taken as they are, as the export with `raw=true` has left them.
pub fn rows<R: Read>(
    input: R,
    defaults: Defaults,
    raw: bool,
) -> Result<impl Iterator<Item = Result<Row, RowError>>, RowError> {
    let mut reader = csv::Reader::from_reader(input);
    let titles = titles(&mut reader)?;
    Ok(reader.into_records().map(move |record| {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut fields = Map::new();
        for (title, cell) in titles.iter().zip(&record) {
            fields.insert(title.clone(), value(title, cell, raw));
        }
        Draft::from(fields).row(line, &defaults, str::to_owned)
    }))
}

fn value(title: &str, cell: &str, raw: bool) -> Value {
    match cell {
        "" => Value::Null,
        text if TEXTS.contains(&title) && !raw => Csv::restored(text).into_owned().into(),
        "true" | "false" if FLAGS.contains(&title) => (cell == "true").into(),
        text => text.into(),
    }
}

pub(super) fn titles<R: Read>(reader: &mut csv::Reader<R>) -> Result<Vec<String>, RowError> {
    // Without a header no row can be understood.
    let titles = reader.headers().map_err(|error| RowError {
        fatal: true,
        ..unreadable(&error)
    })?;
    Ok(titles.iter().map(|title| title.trim().to_owned()).collect())
}

/// A row that cannot be read; nothing after it can be if the file itself failed.
pub(super) fn unreadable(error: &csv::Error) -> RowError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Io(error) => {
            RowError::fatal(line, format!("the file cannot be read: {error}"))
        }
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => RowError::new(
            line,
            format!("the row has {len} cells, and the header has {expected_len}"),
        ),
        csv::ErrorKind::Utf8 { .. } => RowError::new(line, "the row is not UTF-8"),
        _ => RowError::new(line, error.to_string()),
    }
}
