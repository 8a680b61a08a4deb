//! Printing of results: tables and lines for people, JSON for scripts.

mod line;
mod table;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::terminal;
pub use line::{Cell, LogLine};
use table::TableLayout;

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum OutputFormat {
    /// Aligned columns.
    #[default]
    Table,
    /// One JSON document.
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    fn applies(self) -> bool {
        match self {
            Self::Auto => console::colors_enabled(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// A result that can be printed: as JSON through `Serialize`, as a table through [`Self::fields`].
pub trait Printable: Serialize {
    /// Titles and values. All values of a type have the same titles.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// Prints results to standard output.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: OutputFormat,
    layout: TableLayout,
}

impl Output {
    /// Fits tables to the terminal, unless `is_wide`.
    pub fn new(format: OutputFormat, is_wide: bool, color: ColorChoice) -> Self {
        let width = if is_wide || !terminal::is_terminal() {
            None
        } else {
            let size = console::Term::stdout().size_checked();
            size.map(|(_, columns)| usize::from(columns))
        };
        let layout = TableLayout {
            width,
            is_coloured: color.applies(),
        };
        Self { format, layout }
    }

    pub const fn is_json(self) -> bool {
        matches!(self.format, OutputFormat::Json)
    }

    fn print(self, table: &str) -> Result<()> {
        terminal::lines(table, self.layout.is_coloured)
    }

    /// Prints an empty line between two tables.
    pub fn gap(self) -> Result<()> {
        self.print("\n")
    }

    pub fn one(self, record: &impl Printable) -> Result<()> {
        match self.format {
            OutputFormat::Json => json(record),
            OutputFormat::Table => self.print(&table::record(&record.fields(), self.layout)),
        }
    }

    /// Prints a line of a log; false if nobody reads it.
    pub fn line(self, line: &impl LogLine) -> Result<bool> {
        match self.format {
            OutputFormat::Json => terminal::json_line(&serde_json::to_string(line)?),
            OutputFormat::Table => terminal::log_line(&line::shown(&line.cells(), self.layout)),
        }
    }

    /// Prints a list, or for an empty list and a table the hint `none`.
    pub fn list(self, records: &[impl Printable], none: &str) -> Result<()> {
        match (self.format, records) {
            (OutputFormat::Json, _) => json(&records),
            (OutputFormat::Table, []) => {
                note!("{none}");
                Ok(())
            }
            (OutputFormat::Table, _) => {
                let rows: Vec<_> = records.iter().map(Printable::fields).collect();
                self.print(&table::list(&rows, self.layout))
            }
        }
    }
}

/// The serialized name of an enum value.
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
