//! The entries of a file, with their locations.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;
use shared::domain::ids::UserId;

use super::ImportedBan;

/// Where an entry is in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The first line, from 1.
    pub line: u64,
    /// The number of the entry in a document, from 1, since a document may have a single line.
    pub entry: Option<u64>,
}

impl Display for Location {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        match self.entry {
            Some(entry) => write!(f, ", entry {entry}"),
            None => Ok(()),
        }
    }
}

/// An entry of a file.
#[derive(Clone, Debug)]
pub struct FileEntry {
    pub at: Location,
    /// The unparsed entry, for the errors file.
    pub original: Original,
    pub outcome: EntryContent,
    /// Fields that are not read.
    pub unread: Vec<String>,
    /// The user of the earlier entries that this one removes.
    pub takes_back: Option<UserId>,
}

/// What an entry contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryContent {
    Ban(Box<ImportedBan>),
    /// Something else, which is skipped, and why.
    NotABan(String),
    /// An invalid ban, and why.
    Invalid(String),
}

/// Why an entry is not a ban that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowError {
    Invalid(String),
    NotABan(String),
}

impl From<Result<ImportedBan, RowError>> for EntryContent {
    fn from(read: Result<ImportedBan, RowError>) -> Self {
        match read {
            Ok(row) => Self::Ban(Box::new(row)),
            Err(RowError::Invalid(what)) => Self::Invalid(what),
            Err(RowError::NotABan(what)) => Self::NotABan(what),
        }
    }
}

/// The unparsed content of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Original {
    /// The cells of a row.
    Cells(Vec<String>),
    /// A value of a document, with its key if it is in an object.
    Value(Option<String>, Value),
}

/// Why a file cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The line of the error, from 1.
    pub line: u64,
    /// What is wrong and how to fix it.
    pub message: String,
}

impl FileError {
    pub(super) fn new(line: u64, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
        }
    }
}

/// The entries of a file. The iterator ends after an error.
pub type Entries = Box<dyn Iterator<Item = Result<FileEntry, FileError>>>;
