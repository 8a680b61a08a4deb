//! Which format a file has, and its rows.

use std::io::{BufRead, BufReader, Read};

use clap::ValueEnum;
use serde_json::Value;

use super::elements::parsed;
use super::scanner::Scanner;
use super::{
    Defaults, Row, RowError, Rows, adonis, ban_info, export_csv, hd_admin, kohls_admin, users_csv,
};

/// How much of a file is read at a time, in bytes.
const BUFFER: usize = 1 << 16;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Our JSON export, or a list of bans in the documented shape.
    Json,
    /// Our CSV export.
    Csv,
    /// A table of users: a column of user ids, and what else there is.
    UsersCsv,
    /// A JSON dump of Adonis' `SAVEDTABLE_Banned`, `SAVEDTABLE_TimeBans` or `SavedTables`.
    Adonis,
    /// A JSON dump of the bans of Kohl's Admin, its `Main`, or the older `KSave`.
    KohlsAdmin,
    /// A JSON dump of HD Admin's `Banland`.
    HdAdmin,
}

/// The titles of the columns of a table of users, where they are not the usual ones.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// The user's id.
    pub user: Option<String>,
    /// The reason shown to players.
    pub reason: Option<String>,
    /// The reason for moderators.
    pub private_reason: Option<String>,
    /// The moderator's id.
    pub moderator: Option<String>,
    /// When the ban ends.
    pub expires: Option<String>,
}

/// How a file is to be read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its format.
    pub format: Format,
    /// What stands in for what it does not say.
    pub defaults: Defaults,
    /// The columns of a table of users.
    pub columns: Columns,
    /// Whether the reasons of our CSV export are raw.
    pub raw: bool,
}

impl Format {
    /// Whether each row says which experience its ban was made from.
    #[must_use]
    pub const fn tells_experience(self) -> bool {
        matches!(self, Self::Json | Self::Csv)
    }

    /// The format that a file looks like.
    pub fn detect(file: impl Read) -> Result<Self, RowError> {
        let mut scanner = Scanner::new(BufReader::with_capacity(BUFFER, file));
        match scanner.peek()? {
            Some(b'{') => Self::of_object(&mut scanner),
            Some(b'[') => Self::of_list(&mut scanner),
            _ => Self::of_table(scanner),
        }
    }

    fn of_object<R: BufRead>(scanner: &mut Scanner<R>) -> Result<Self, RowError> {
        let mut members = scanner.enter()?;
        while scanner.next(&mut members)? {
            let name = scanner.name()?;
            match name.as_str() {
                "list" => return Ok(Self::Json),
                "Records" | "RecordsToAdd" | "DataKey" => return Ok(Self::HdAdmin),
                "Banned" => return Ok(Self::Adonis),
                _ if is_digits(&name) => return Ok(Self::KohlsAdmin),
                _ => scanner.value()?,
            };
        }
        Err(unknown())
    }

    fn of_list<R: BufRead>(scanner: &mut Scanner<R>) -> Result<Self, RowError> {
        let mut members = scanner.enter()?;
        if !scanner.next(&mut members)? {
            return Ok(Self::Json);
        }
        // The first part of what Kohl's Admin keeps may be larger than a ban.
        if scanner.peek()? == Some(b'{') {
            let mut fields = scanner.enter()?;
            let mut names = Vec::new();
            while names.len() < 32 && scanner.next(&mut fields)? {
                let name = scanner.name()?;
                if is_digits(&name) {
                    return Ok(Self::KohlsAdmin);
                }
                scanner.value()?;
                names.push(name);
            }
            let has = |name: &str| names.iter().any(|own| own == name);
            return match () {
                () if has("robloxId") => Ok(Self::Json),
                () if has("BanTime") => Ok(Self::HdAdmin),
                () if has("Table") || has("TableKey") || has("UserId") => Ok(Self::Adonis),
                () => Err(unknown()),
            };
        }
        let first = parsed(&scanner.value()?)?;
        let second = if scanner.next(&mut members)? {
            parsed(&scanner.value()?)?
        } else {
            Value::Null
        };
        match (first, second) {
            (Value::String(text), _) if text.contains(':') && !text.contains(' ') => {
                Ok(Self::Adonis)
            }
            (Value::Number(_), _) => Ok(Self::Adonis),
            (_, Value::String(_)) | (Value::Array(_), _) => Ok(Self::KohlsAdmin),
            _ => Err(unknown()),
        }
    }

    fn of_table<R: BufRead>(mut scanner: Scanner<R>) -> Result<Self, RowError> {
        let titles = scanner.rest_of_line()?;
        let has = |name: &str| {
            titles
                .split(',')
                .any(|title| title.trim_matches([' ', '"']) == name)
        };
        if has("robloxId") && has("guid") {
            Ok(Self::Csv)
        } else if titles.is_empty() {
            Err(unknown())
        } else {
            Ok(Self::UsersCsv)
        }
    }
}

impl Reading {
    /// The rows of a file that stands at its beginning.
    pub fn rows(&self, file: impl Read + 'static) -> Result<Rows, RowError> {
        let input = BufReader::with_capacity(BUFFER, file);
        let defaults = self.defaults.clone();
        Ok(match self.format {
            Format::Json => boxed(ban_info::rows(input, defaults)),
            Format::Csv => boxed(export_csv::rows(input, defaults, self.raw)?),
            Format::UsersCsv => boxed(users_csv::rows(input, defaults, &self.columns)?),
            Format::Adonis => boxed(adonis::rows(input, defaults)),
            Format::KohlsAdmin => boxed(kohls_admin::rows(input, defaults)),
            Format::HdAdmin => boxed(hd_admin::rows(input, defaults)),
        })
    }
}

fn boxed(rows: impl Iterator<Item = Result<Row, RowError>> + 'static) -> Rows {
    Box::new(rows)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn unknown() -> RowError {
    RowError::fatal(
        1,
        "the format cannot be told from the contents: give --format",
    )
}
