//! `tools/bench/results.json`: the figures of the latest run, with the machine they come from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::section::Findings;
use crate::table::Table;

/// What is kept of the measurements.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// Of the last run, whichever sections it measured.
    pub machine: String,
    /// By name.
    pub figures: BTreeMap<String, f64>,
    /// By section, as they were printed.
    #[serde(default)]
    pub tables: BTreeMap<String, Vec<Table>>,
}

impl Results {
    /// Reads them.
    ///
    /// # Errors
    /// If there are none, or they are something else.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| file.display().to_string())
    }

    /// Puts what a section found in the place of what it found before.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn update(file: &Path, section: &str, found: &Findings) -> anyhow::Result<Self> {
        let mut results = if file.exists() {
            Self::read(file)?
        } else {
            Self::default()
        };
        results.machine = machine();
        let is_old = |name: &str| name.split('.').next() == Some(section);
        results.figures.retain(|name, _| !is_old(name));
        for (name, value) in &found.figures {
            // Four digits after the point: no figure here is more exact.
            let rounded = (value * 10_000.0).round() / 10_000.0;
            results.figures.insert(name.clone(), rounded);
        }
        let tables = found.tables.clone();
        results.tables.insert(section.to_owned(), tables);
        let mut text = serde_json::to_string_pretty(&results)?;
        text.push('\n');
        std::fs::write(file, text).with_context(|| file.display().to_string())?;
        Ok(results)
    }
}

/// Architecture and cores, which is what a figure depends on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{arch} {os}, {cores} cores")
}
