//! The size of each function: its binary, and the zip that Lambda loads at a cold start.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use end_to_end::template;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::section::{Findings, Plan};
use crate::table::Table;

/// The empty function, which all others are compared with.
pub const BASELINE: &str = "baseline";

pub fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let mut found = Findings::default();
    let mut table = Table::new("Size", &["function", "binary MB", "zip MB"]);
    let functions = template().functions().iter().map(|f| f.name.as_str());
    let all: Vec<_> = [BASELINE].into_iter().chain(functions).collect();
    let only: Vec<_> = plan.only.iter().map(String::as_str).collect();
    if let Some(unknown) = only.iter().find(|name| !all.contains(name)) {
        anyhow::bail!("{unknown} is not a function of the template");
    }
    for name in if only.is_empty() { all } else { only } {
        let (binary, zip) = weigh(&plan.functions.join(name))?;
        table.row([name.to_owned(), megabytes(binary), megabytes(zip)]);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
        for (what, bytes) in [("binary_bytes", binary), ("zip_bytes", zip)] {
            found.figure(format!("size.{name}.{what}"), bytes as f64);
        }
    }
    table.note("Targets: binaries under 6 MB, zips under 2.5 MB.");
    found.tables.push(table);
    Ok(found)
}

/// The bytes of a binary and of its zip, with default compression.
fn weigh(binary: &Path) -> anyhow::Result<(usize, usize)> {
    /// What a zip adds for one file with a short name: two headers and the end record.
    const ENVELOPE: usize = 150;
    let content = std::fs::read(binary).with_context(|| binary.display().to_string())?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&content)?;
    Ok((content.len(), encoder.finish()?.len() + ENVELOPE))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
fn megabytes(bytes: usize) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}
