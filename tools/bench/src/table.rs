//! Tables as they are printed: a title, columns, and what to know when reading them.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

/// A table of figures, the first column naming what each row is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row, with as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a line below the table.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// The table as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let figures = "--:|".repeat(self.columns.len().saturating_sub(1));
        let mut text = format!(
            "\n**{}**\n\n{}|---|{figures}\n",
            self.title,
            line(&self.columns)
        );
        text.extend(self.rows.iter().map(|row| line(row)));
        for note in &self.notes {
            // Writing to a text does not fail.
            let _ = writeln!(text, "\n{note}");
        }
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().chain([&self.columns]);
                let lengths = cells.filter_map(|row| Some(row.get(at)?.chars().count()));
                lengths.max().unwrap_or_default()
            })
            .collect();
        writeln!(f, "\n## {}\n", self.title)?;
        for row in [&self.columns].into_iter().chain(&self.rows) {
            for (at, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                // Names to the left, figures to the right.
                match at {
                    0 => write!(f, "{cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}
