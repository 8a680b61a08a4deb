//! The errors file: rows that were not imported, unchanged and in their order, with line and reason. It can
//! be corrected and imported.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shared::api::export::Csv;

use super::fields::titles::{ColumnRole, OURS, role};
use super::{ImportFormat, Location, Original};

/// The format of the errors file.
#[derive(Clone, Debug)]
pub enum ErrorsFormat {
    /// A table with these columns and two more.
    Table(Vec<String>),
    /// A JSON document of this format.
    Document(ImportFormat),
}

#[derive(Clone, Debug)]
pub struct FailedRow {
    pub at: Location,
    pub message: String,
    pub original: Original,
}

/// Writes the errors file. The first failed row creates it.
#[derive(Debug)]
pub struct ErrorsFile {
    path: PathBuf,
    shape: ErrorsFormat,
    file: Option<BufWriter<File>>,
    /// The number of the next row to write, and the results of later rows.
    next: u64,
    waiting: BTreeMap<u64, Option<FailedRow>>,
}

impl ErrorsFormat {
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

    /// Records the result of a row by its number, from 0. Rows may finish in any order.
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

    /// Completes the file and returns its name. Without failed rows, removes the file of an earlier run.
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
                    .with_context(|| format!("could not remove {name}"))?;
            }
            return Ok(None);
        };
        if matches!(self.shape, ErrorsFormat::Document(_)) {
            file.write_all(b"\n]}\n")?;
        }
        file.flush().context("could not write the failed rows")?;
        Ok(Some(self.path.display().to_string()))
    }

    fn write(&mut self, note: &FailedRow) -> Result<()> {
        let is_first = self.file.is_none();
        let file = match &mut self.file {
            Some(file) => file,
            missing => {
                let name = self.path.display();
                let new =
                    File::create(&self.path).with_context(|| format!("could not write {name}"))?;
                missing.insert(BufWriter::new(new))
            }
        };
        let written = match &self.shape {
            ErrorsFormat::Table(titles) => write_record(file, titles, note, is_first),
            ErrorsFormat::Document(format) => write_value(file, *format, note, is_first),
        };
        written.context("could not write the failed rows")
    }
}

/// The key and the value of an entry, without the wrapping that an errors file adds.
pub fn unwrapped(key: Option<String>, value: Value) -> (Option<String>, Value) {
    let Value::Object(mut object) = value else {
        return (key, value);
    };
    let is_wrapped = ["entry", "message", "key", "row"]
        .iter()
        .all(|own| object.contains_key(*own));
    if !is_wrapped {
        return (key, Value::Object(object));
    }
    let row = object.remove("row").unwrap_or_default();
    let key = object.get("key").and_then(Value::as_str);
    (key.map(str::to_owned), row)
}

fn write_record(
    file: &mut BufWriter<File>,
    titles: &[String],
    note: &FailedRow,
    is_first: bool,
) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
    // An errors file that is imported again already has these columns.
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
    // The surplus cells of a row that is too long go into the last column.
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

/// Whether a file is an errors file.
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
