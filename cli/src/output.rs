//! What is printed: aligned text for people, JSON for scripts.

mod table;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use shared::domain::clock::UnixSeconds;

use crate::terminal;
use table::TableLayout;

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum OutputFormat {
    /// Aligned columns.
    #[default]
    Table,
    /// One JSON document.
    Json,
}

/// Something that can be shown: as JSON by its fields, as text by these.
pub trait Printable: Serialize {
    /// Titles and values, the same titles for each value of the type.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// Where results go. Questions, notes and errors go to standard error instead.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: OutputFormat,
    layout: TableLayout,
}

impl Output {
    /// Tables as wide as the terminal, if there is one and `is_wide` does not ask for more.
    pub fn new(format: OutputFormat, is_wide: bool, is_coloured: bool) -> Self {
        let width = if is_wide || !terminal::is_read_by_a_person() {
            None
        } else {
            let size = console::Term::stdout().size_checked();
            size.map(|(_, columns)| usize::from(columns))
        };
        let layout = TableLayout {
            width,
            is_coloured: is_coloured && console::colors_enabled(),
        };
        Self { format, layout }
    }

    /// Whether scripts read it.
    pub const fn is_json(self) -> bool {
        matches!(self.format, OutputFormat::Json)
    }

    fn print(self, table: &str) -> Result<()> {
        terminal::lines(table, self.layout.is_coloured)
    }

    /// Prints one thing.
    pub fn one(self, record: &impl Printable) -> Result<()> {
        match self.format {
            OutputFormat::Json => json(record),
            OutputFormat::Table => self.print(&table::record(&record.fields(), self.layout)),
        }
    }

    /// Prints a list of things; `none` says to people how to get a first one.
    pub fn list(self, records: &[impl Printable], none: &str) -> Result<()> {
        match (self.format, records) {
            (OutputFormat::Json, _) => json(&records),
            (OutputFormat::Table, []) => {
                note!("{none}");
                Ok(())
            }
            (OutputFormat::Table, _) => {
                let things: Vec<_> = records.iter().map(Printable::fields).collect();
                self.print(&table::list(&things, self.layout))
            }
        }
    }
}

/// A time as RFC 3339 in UTC.
pub fn rfc3339(time: UnixSeconds) -> String {
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
    terminal::json(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(UnixSeconds(1_728_802_934)), "2024-10-13T07:02:14Z");
    }
}
