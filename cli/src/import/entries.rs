//! What a file consists of: entries, each of them a ban, or not, with the place where it stands.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;
use shared::ids::UserId;

use super::Row;

/// Where an entry stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// In a document, its number, from 1: all of it may be on one line.
    pub entry: Option<u64>,
}

impl Display for At {
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
pub struct Entry {
    /// Where it stands.
    pub at: At,
    /// What it is there, to be corrected and imported again.
    pub original: Original,
    /// What it says.
    pub outcome: Outcome,
    /// Fields in it that are not read.
    pub unread: Vec<String>,
    /// The user whose earlier entries it takes back.
    pub takes_back: Option<UserId>,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A ban.
    Ban(Box<Row>),
    /// Something else, which is left out on purpose.
    NoBan(String),
    /// Nothing that can be read, and why.
    Wrong(String),
}

/// Why there is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRow {
    /// It is wrong.
    Wrong(String),
    /// It is not a ban.
    NoBan(String),
}

impl From<Result<Row, NoRow>> for Outcome {
    fn from(read: Result<Row, NoRow>) -> Self {
        match read {
            Ok(row) => Self::Ban(Box::new(row)),
            Err(NoRow::Wrong(what)) => Self::Wrong(what),
            Err(NoRow::NoBan(what)) => Self::NoBan(what),
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
pub struct Broken {
    /// The line from which on it cannot be read, from 1.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Broken {
    pub(super) fn new(line: u64, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
        }
    }
}

/// The entries of a file. After an error there are no more.
pub type Rows = Box<dyn Iterator<Item = Result<Entry, Broken>>>;
