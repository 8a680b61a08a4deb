//! What is printed: aligned text for people, JSON for scripts.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use shared::clock::Timestamp;
use shared::text::{printable, printable_json};

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Format {
    /// Aligned columns.
    #[default]
    Table,
    /// One JSON document.
    Json,
}

/// Something that can be shown: as JSON by its fields, as text by these.
pub trait Record: Serialize {
    /// Titles and values, the same titles for each value of the type.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// Where results go. Questions, notes and errors go to standard error instead.
#[derive(Clone, Copy, Debug)]
pub struct Output(Format);

impl Output {
    pub const fn new(format: Format) -> Self {
        Self(format)
    }

    /// Whether scripts read it.
    pub const fn is_json(self) -> bool {
        matches!(self.0, Format::Json)
    }

    /// Prints one thing.
    pub fn one(self, record: &impl Record) -> Result<()> {
        match self.0 {
            Format::Json => json(record),
            Format::Table => print(&align(
                record
                    .fields()
                    .into_iter()
                    .map(|(title, value)| vec![title.to_owned(), value]),
            )),
        }
    }

    /// Prints a list of things; `none` tells people how to get a first one.
    pub fn list(self, records: &[impl Record], none: &str) -> Result<()> {
        match (self.0, records) {
            (Format::Json, _) => json(&records),
            (Format::Table, []) => {
                eprintln!("{none}");
                Ok(())
            }
            (Format::Table, [first, ..]) => {
                let titles = first
                    .fields()
                    .into_iter()
                    .map(|(title, _)| title.to_uppercase());
                let values = records.iter().map(|record| {
                    record
                        .fields()
                        .into_iter()
                        .map(|(_, value)| value)
                        .collect()
                });
                print(&align(std::iter::once(titles.collect()).chain(values)))
            }
        }
    }
}

/// A time as RFC 3339 in UTC.
pub fn rfc3339(time: Timestamp) -> String {
    i64::try_from(time.0)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| time.to_string(), |instant| instant.to_string())
}

/// The name under which a value is stored.
pub fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => "-".to_owned(),
    }
}

fn json(value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    print(&printable_json(&text))
}

/// Writes to standard output what passed through `shared::text`.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has seen enough, `head` for one.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the result could not be written"),
    }
}

/// Rows of cells as lines of columns, as wide as their widest cell.
fn align(rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows
        .map(|row| {
            row.iter()
                .map(|cell| printable(cell).into_owned())
                .collect()
        })
        .collect();
    let mut widths = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["ID", "NAME"], ["1", "é"], ["1000", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(align(rows.into_iter()), "ID    NAME\n1     é\n1000\n");
    }

    #[test]
    fn a_stored_name_cannot_steer_the_terminal() {
        let rows = [vec!["a\u{1b}[2Jb\u{202e}".to_owned(), "\u{9b}m".to_owned()]];
        let printed = "a\\u{1b}[2Jb\\u{202e}  \\u{9b}m\n";
        assert_eq!(align(rows.into_iter()), printed);
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(Timestamp(1_728_802_934)), "2024-10-13T07:02:14Z");
    }
}
