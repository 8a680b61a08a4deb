//! `bench/results.json`: the figures of the latest run, with the machine they come from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What is kept of the measurements.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    machine: String,
    figures: BTreeMap<String, f64>,
}

impl Results {
    /// Puts the figures of the sections that were run in the place of their former ones.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn update(
        file: &Path,
        sections: &[&str],
        figures: &BTreeMap<String, f64>,
    ) -> anyhow::Result<()> {
        let mut results: Self = match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text).context("results")?,
            Err(_) => Self::default(),
        };
        results.machine = machine();
        let is_new = |name: &String| sections.contains(&name.split('.').next().unwrap_or_default());
        results.figures.retain(|name, _| !is_new(name));
        for (name, value) in figures {
            // Four digits after the point: no figure here is more exact.
            let rounded = (value * 10_000.0).round() / 10_000.0;
            results.figures.insert(name.clone(), rounded);
        }
        let mut text = serde_json::to_string_pretty(&results)?;
        text.push('\n');
        std::fs::write(file, text).with_context(|| file.display().to_string())
    }
}

/// Architecture and cores, which is what a figure depends on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{arch} {os}, {cores} cores")
}
