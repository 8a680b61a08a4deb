//! What one part of the measurements gives: tables to read, figures to compare, data to keep.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::table::Table;

/// How a run measures.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The folder of the functions as they are deployed, such as `target/release`.
    pub functions: PathBuf,
    /// Other builds of `is-banned`, to be started in turns with it.
    pub variants: Vec<PathBuf>,
    /// The only functions to measure the size of; all if empty.
    pub only: Vec<String>,
    /// The operator's program.
    pub program: PathBuf,
    /// The short form: fewer repeats and smaller tables, the same deterministic figures.
    pub short: bool,
}

/// What a section found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is printed.
    pub tables: Vec<Table>,
    /// Figures by name, such as `size.is-banned.binary_bytes`. Those with a bound in
    /// `tools/bench/bounds.json` are compared with it; all are kept in `tools/bench/results.json`.
    pub figures: BTreeMap<String, f64>,
}

impl Findings {
    /// Notes a figure.
    pub fn figure(&mut self, name: impl Into<String>, value: f64) {
        self.figures.insert(name.into(), value);
    }
}
