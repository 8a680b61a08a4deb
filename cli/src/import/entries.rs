//! What a file consists of: entries, each of them a ban, or not, with the place where it stands.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;
use shared::domain::ids::UserId;

use super::ImportedBan;

/// Where an entry stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// In a document, its number, from 1: all of it may be on one line.
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
    /// Where it stands.
    pub at: Location,
    /// What it is there, to be corrected and imported again.
    pub original: Original,
    /// What it says.
    pub outcome: EntryContent,
    /// Fields in it that are not read.
    pub unread: Vec<String>,
    /// The user whose earlier entries it takes back.
    pub takes_back: Option<UserId>,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryContent {
    /// A ban.
    Ban(Box<ImportedBan>),
    /// Something else, which is left out on purpose.
    NotABan(String),
    /// Nothing that can be read, and why.
    Invalid(String),
}

/// Why there is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowError {
    /// It is wrong.
    Invalid(String),
    /// It is not a ban.
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

/// An entry as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Original {
    /// The cells of a row.
    Cells(Vec<String>),
    /// A value of a document, with the name under which it is kept.
    Value(Option<String>, Value),
}

/// Why a file cannot be read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The line from which on it cannot be read, from 1.
    pub line: u64,
    /// What is wrong, and what would be right.
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

/// The entries of a file. After an error there are no more.
pub type Entries = Box<dyn Iterator<Item = Result<FileEntry, FileError>>>;
