//! The file of rows that were not imported: each as it was, with its line and the reason, in the
//! order of the file, to be corrected and imported again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;
use shared::api::export::Csv;

use super::fields::titles::{ColumnRole, OURS, role};
use super::{ImportFormat, Location, Original};

/// What the file looks like.
#[derive(Clone, Debug)]
pub enum ErrorsFormat {
    /// A table with these columns, and two more.
    Table(Vec<String>),
    /// A JSON document of this format.
    Document(ImportFormat),
}

/// A row that was not imported.
#[derive(Clone, Debug)]
pub struct FailedRow {
    /// Where it stands.
    pub at: Location,
    /// Why.
    pub message: String,
    /// What it is.
    pub original: Original,
}

/// Writes the file. It is made with the first row.
#[derive(Debug)]
pub struct ErrorsFile {
    path: PathBuf,
    shape: ErrorsFormat,
    file: Option<BufWriter<File>>,
    /// The number of the next row, in the order of the file, and what is known of later ones.
    next: u64,
    waiting: BTreeMap<u64, Option<FailedRow>>,
}

impl ErrorsFormat {
    /// In what the name of such a file ends.
    #[must_use]
    pub const fn extension(&self) -> &'static str {
        match self {
            Self::Table(_) => "csv",
            Self::Document(_) => "json",
        }
    }
}

impl ErrorsFile {
    pub const fn new(path: PathBuf, shape: ErrorsFormat) -> Self {
        Self {
            path,
            shape,
            file: None,
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// What became of a row, by its number from 0. Rows are finished in any order.
    pub fn done(&mut self, ordinal: u64, note: Option<FailedRow>) -> Result<()> {
        self.waiting.insert(ordinal, note);
        while let Some(note) = self.waiting.remove(&self.next) {
            self.next = self.next.saturating_add(1);
            if let Some(note) = note {
                self.write(&note)?;
            }
        }
        Ok(())
    }

    /// Completes the file, and returns its name if there is one. One of an earlier run is removed
    /// if there is nothing to be written.
    pub fn finish(&mut self) -> Result<Option<String>> {
        for (_, note) in std::mem::take(&mut self.waiting) {
            if let Some(note) = note {
                self.write(&note)?;
            }
        }
        let Some(file) = &mut self.file else {
            if is_ours(&self.path) {
                let name = self.path.display().to_string();
                std::fs::remove_file(&self.path)
                    .with_context(|| format!("{name} could not be removed"))?;
            }
            return Ok(None);
        };
        if matches!(self.shape, ErrorsFormat::Document(_)) {
            file.write_all(b"\n]}\n")?;
        }
        file.flush()
            .context("the failed rows could not be written")?;
        Ok(Some(self.path.display().to_string()))
    }

    fn write(&mut self, note: &FailedRow) -> Result<()> {
        let is_first = self.file.is_none();
        let file = match &mut self.file {
            Some(file) => file,
            missing => {
                let name = self.path.display();
                let new = File::create(&self.path)
                    .with_context(|| format!("{name} could not be written"))?;
                missing.insert(BufWriter::new(new))
            }
        };
        let written = match &self.shape {
            ErrorsFormat::Table(titles) => write_record(file, titles, note, is_first),
            ErrorsFormat::Document(format) => write_value(file, *format, note, is_first),
        };
        written.context("the failed rows could not be written")
    }
}

fn write_record(
    file: &mut BufWriter<File>,
    titles: &[String],
    note: &FailedRow,
    is_first: bool,
) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
    // A file of failed rows has these columns already.
    let own: Vec<_> = titles
        .iter()
        .map(|title| role(title) != Some(ColumnRole::Ours))
        .collect();
    if is_first {
        let titles = titles.iter().zip(&own).filter(|(_, own)| **own);
        let titles = titles.map(|(title, _)| title.as_str());
        writer.write_record(titles.chain(OURS))?;
    }
    let cells = match &note.original {
        Original::Cells(cells) => cells.clone(),
        Original::Value(_, value) => {
            vec![
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            ]
        }
    };
    let mut record: Vec<_> = cells
        .iter()
        .enumerate()
        .filter(|(at, _)| own.get(*at).copied().unwrap_or(true))
        .map(|(_, cell)| Csv::defused(cell).into_owned())
        .collect();
    let width = own.iter().filter(|own| **own).count();
    // A row that is too long has no columns for its end, which stays in the last one.
    if record.len() > width && width > 0 {
        let rest = record.split_off(width.saturating_sub(1)).join(",");
        record.push(rest);
    }
    record.resize(width, String::new());
    record.push(note.at.line.to_string());
    record.push(Csv::defused(&note.message).into_owned());
    writer.write_record(&record)?;
    writer.flush()?;
    Ok(())
}

fn write_value(
    file: &mut BufWriter<File>,
    format: ImportFormat,
    note: &FailedRow,
    is_first: bool,
) -> Result<()> {
    if is_first {
        let name = word_of(format);
        writeln!(file, "{{\"format\":\"{name}\",\"list\":[")?;
    } else {
        file.write_all(b",\n")?;
    }
    let (key, row) = match &note.original {
        Original::Value(key, value) => (key.clone(), value.clone()),
        Original::Cells(cells) => (None, json!(cells)),
    };
    let entry = json!({
        "line": note.at.line, "entry": note.at.entry, "message": note.message, "key": key, "row": row,
    });
    serde_json::to_writer(file, &entry)?;
    Ok(())
}

/// The name of a format on the command line.
pub fn word_of(format: ImportFormat) -> String {
    use clap::ValueEnum;
    let value = format.to_possible_value();
    value
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

/// Whether a file is one of failed rows.
fn is_ours(path: &Path) -> bool {
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut first));
    let text = String::from_utf8_lossy(&first);
    let line = text.lines().next().unwrap_or_default();
    read.is_ok()
        && (line == "line,message"
            || line.ends_with(&OURS.join(","))
            || (line.starts_with("{\"format\":\"") && line.ends_with("\"list\":[")))
}
