//! The options and the results of a section.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::table::Table;

#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The folder with the functions, such as `target/release`.
    pub functions: PathBuf,
    /// Other builds of `is-banned` to compare with it.
    pub variants: Vec<PathBuf>,
    /// The functions whose size is measured; empty for all.
    pub only: Vec<String>,
    /// The `portcullis` binary.
    pub program: PathBuf,
    /// How many bans the console lists, if not its section's own number.
    pub bans: Option<u64>,
    /// Measure a short form: fewer repeats and smaller tables, the same deterministic figures.
    pub short: bool,
}

#[derive(Debug, Default)]
pub struct Findings {
    pub tables: Vec<Table>,
    /// Figures by name, such as `size.is-banned.binary_bytes`, for `tools/bench/bounds.json`.
    pub figures: BTreeMap<String, f64>,
}

impl Findings {
    pub fn figure(&mut self, name: impl Into<String>, value: f64) {
        self.figures.insert(name.into(), value);
    }
}
