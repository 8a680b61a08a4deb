//! Tables for the terminal and for Markdown.

use std::fmt::{self, Write};

/// A table of figures with notes. The first column names the rows.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row with one cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a note below the table.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
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
            // Writing to a string cannot fail.
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
                // Names are aligned to the left, figures to the right.
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
