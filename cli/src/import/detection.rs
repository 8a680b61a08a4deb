//! Detects the format of a file, and reads its entries.

use std::io::{self, BufRead, BufReader, Read};

use clap::ValueEnum;
use serde_json::{Map, Value};
use shared::domain::ban_info::BanInfo;

use super::documents::entries::{DocumentEntries, DocumentEntry};
use super::documents::layout::{self, DocumentLayout};
use super::errors_file::ErrorsFormat;
use super::fields::ids::{is_digits, linked};
use super::fields::titles::{ColumnRole, normal, role};
use super::formats::{self, pairs};
use super::tables::header::CsvTable;
use super::tables::{export, users};
use super::{ColumnOptions, Entries, FileError, ImportDefaults};

/// The size of the read buffer, in bytes.
const BUFFER: usize = 1 << 16;

/// The number of entries that are checked to detect a format.
const SAMPLES: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// A JSON export, or bans in its form, as a list or one per line.
    Json,
    /// A CSV export.
    Csv,
    /// A table with a column of user ids.
    UsersCsv,
    /// Objects with a user id, as a list or one per line.
    UsersJson,
    /// User ids or profile links, as text, JSON or a Lua table.
    Ids,
    /// A JSON or Lua map from user id to a ban, a reason or `true`.
    ById,
    /// Roblox's own ban list, as Open Cloud returns it.
    Roblox,
    /// A JSON dump of Adonis' `SAVEDTABLE_Banned`, `SAVEDTABLE_TimeBans` or `SavedTables`, or the `Banned`
    /// list of its settings.
    Adonis,
    /// A JSON dump of the bans of Kohl's Admin: `Main`, or the older `KSave`.
    KohlsAdmin,
    /// A JSON dump of HD Admin's `Banland`.
    HdAdmin,
}

/// The detected format of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedFormat {
    pub format: ImportFormat,
    layout: DocumentLayout,
}

/// How to read a file.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    pub detected: DetectedFormat,
    pub defaults: ImportDefaults,
    /// The column options, for a table of users.
    pub columns: ColumnOptions,
    /// Whether the reasons of a CSV export are not escaped.
    pub raw: bool,
}

impl ImportFormat {
    /// Whether each row contains the experience of its ban.
    #[must_use]
    pub const fn tells_experience(self) -> bool {
        matches!(self, Self::Json | Self::Csv)
    }

    const fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::UsersCsv)
    }
}

impl DetectedFormat {
    /// Detects the layout of a file, and its format unless it is `given`. `open` opens the file from its
    /// start.
    pub fn find<R: Read>(
        given: Option<ImportFormat>,
        mut open: impl FnMut() -> io::Result<R>,
    ) -> Result<Self, FileError> {
        let mut again = || {
            let unreadable = |error| FileError::new(1, format!("could not read the file: {error}"));
            open().map_err(unreadable)
        };
        let mut layout = layout::kind(again()?)?;
        match given {
            Some(format) if format.is_table() => layout = DocumentLayout::Table,
            Some(ImportFormat::Ids) if layout == DocumentLayout::Table => {
                layout = DocumentLayout::Plain;
            }
            Some(_) if layout == DocumentLayout::Table => {
                return Err(FileError::new(
                    1,
                    "this is not JSON, which the format requires",
                ));
            }
            _ => {}
        }
        if matches!(layout, DocumentLayout::List | DocumentLayout::Object) {
            layout = layout::of_json(again()?)?;
        }
        let format = match (given, &layout) {
            (Some(format), _) => format,
            (None, DocumentLayout::Plain) => ImportFormat::Ids,
            (None, DocumentLayout::Table) => of_table(again()?)?,
            (None, _) => match stated_format(again()?) {
                Some(format) => format,
                None => of_document(again()?, &layout)?,
            },
        };
        Ok(Self { format, layout })
    }
}

/// The format that an errors file names at its start.
fn stated_format(file: impl Read) -> Option<ImportFormat> {
    let mut first = Vec::new();
    file.take(64).read_to_end(&mut first).ok()?;
    let text = String::from_utf8_lossy(&first);
    let name = text.strip_prefix("{\"format\":\"")?.split('"').next()?;
    ImportFormat::from_str(name, false).ok()
}

fn of_table(file: impl Read) -> Result<ImportFormat, FileError> {
    let table = CsvTable::open(file, |title| role(title) == Some(ColumnRole::User))?;
    let has = |name: &str| table.titles.iter().any(|title| normal(title) == name);
    let is_field = |title: &String| {
        BanInfo::FIELDS
            .iter()
            .any(|field| normal(field) == normal(title))
    };
    let is_whole = has("isactive") && table.titles.iter().all(is_field);
    Ok(if has("robloxid") && (has("guid") || is_whole) {
        ImportFormat::Csv
    } else {
        ImportFormat::UsersCsv
    })
}

fn of_document(file: impl Read, layout: &DocumentLayout) -> Result<ImportFormat, FileError> {
    let pieces = DocumentEntries::new(BufReader::with_capacity(BUFFER, file), layout.clone());
    let mut samples = Vec::new();
    for piece in pieces.take(SAMPLES) {
        let piece = piece?;
        if let Ok(value) = piece.value {
            samples.push((piece.name, value));
        }
    }
    if *layout == DocumentLayout::FirstOfList {
        return Ok(ImportFormat::KohlsAdmin);
    }
    let values: Vec<_> = samples.iter().map(|(_, value)| value.clone()).collect();
    if *layout == DocumentLayout::List && pairs::are_parts(&values) {
        return Ok(ImportFormat::KohlsAdmin);
    }
    let objects: Vec<_> = values.iter().filter_map(Value::as_object).collect();
    if let Some(format) = of_known_objects(&objects) {
        return Ok(format);
    }
    let is_by_id = |(name, _): &(Option<String>, Value)| name.as_deref().is_some_and(is_digits);
    if samples.iter().any(is_by_id) {
        let is_list = values.iter().any(Value::is_array);
        return Ok(if is_list {
            ImportFormat::KohlsAdmin
        } else {
            ImportFormat::ById
        });
    }
    if let Some(format) = of_objects(&objects) {
        return Ok(format);
    }
    let is_id = |text: &str| is_digits(text) || linked(text).is_some();
    match () {
        () if values
            .iter()
            .any(|value| value.as_str().is_some_and(|text| !is_id(text))) =>
        {
            Ok(ImportFormat::Adonis)
        }
        () if values
            .iter()
            .any(|value| value.is_number() || value.is_string()) =>
        {
            Ok(ImportFormat::Ids)
        }
        () if values.is_empty() => Ok(ImportFormat::Json),
        () => Err(unknown(&objects)),
    }
}

/// The format of objects with fields that only one system uses.
fn of_known_objects(objects: &[&Map<String, Value>]) -> Option<ImportFormat> {
    let has = |name: &str| objects.iter().any(|object| object.contains_key(name));
    match () {
        () if has("gameJoinRestriction") => Some(ImportFormat::Roblox),
        () if has("Table") || has("TableKey") => Some(ImportFormat::Adonis),
        () if has("BanTime") && has("UserId") => Some(ImportFormat::HdAdmin),
        () => None,
    }
}

fn of_objects(objects: &[&Map<String, Value>]) -> Option<ImportFormat> {
    let names = || objects.iter().flat_map(|object| object.keys());
    let are_of_adonis = names().all(|name| {
        matches!(
            name.as_str(),
            "Name" | "UserId" | "Reason" | "Moderator" | "EndTime" | "BanType" | "StartTime"
        )
    });
    let is_ban_info = |name: &String| BanInfo::FIELDS.contains(&name.as_str());
    match () {
        () if objects.is_empty() => None,
        () if are_of_adonis => Some(ImportFormat::Adonis),
        () if names().any(|name| name == "robloxId")
            && (names().all(is_ban_info) || names().any(|name| name == "guid")) =>
        {
            Some(ImportFormat::Json)
        }
        () if names().any(|name| role(name) == Some(ColumnRole::User)) => {
            Some(ImportFormat::UsersJson)
        }
        () => None,
    }
}

fn unknown(objects: &[&Map<String, Value>]) -> FileError {
    let names: std::collections::BTreeSet<_> = objects
        .iter()
        .flat_map(|object| object.keys().map(String::as_str))
        .collect();
    let names: Vec<_> = names.into_iter().take(20).collect();
    let what = if names.is_empty() {
        "could not detect the format: pass --format".to_owned()
    } else {
        format!(
            "could not detect the format: no field contains the user's id (found: {}); rename one to \
             userId, or pass --format",
            names.join(", ")
        )
    };
    FileError::new(1, what)
}

impl ReadOptions {
    /// Whether every row would need `--moderator`: a table of users without a column of moderators.
    pub fn needs_moderator(&self, file: impl Read) -> Result<bool, FileError> {
        if self.defaults.moderator.is_some() || self.detected.format != ImportFormat::UsersCsv {
            return Ok(false);
        }
        let table = CsvTable::open(file, |title| role(title) == Some(ColumnRole::User))?;
        let columns = self.columns.find(&table.titles);
        Ok(columns.is_ok_and(|columns| !columns.has_moderator()))
    }

    /// The format of the errors file.
    pub fn shape(&self, file: impl Read) -> Result<ErrorsFormat, FileError> {
        let (format, layout) = (self.detected.format, &self.detected.layout);
        match layout {
            DocumentLayout::Plain => Ok(ErrorsFormat::Table(vec!["userId".to_owned()])),
            DocumentLayout::Table => {
                let asked = self.columns.user.as_deref();
                let is_user = |title: &str| match asked {
                    Some(asked) => normal(asked) == normal(title),
                    None => role(title) == Some(ColumnRole::User),
                };
                Ok(ErrorsFormat::Table(CsvTable::open(file, is_user)?.titles))
            }
            _ => Ok(ErrorsFormat::Document(format)),
        }
    }

    /// Reads the entries of a file from its start.
    pub fn rows(&self, file: impl Read + 'static) -> Result<Entries, FileError> {
        let defaults = self.defaults.clone();
        match self.detected.format {
            ImportFormat::Csv => {
                let entries = export::entries(file, defaults, &self.columns, self.raw)?;
                Ok(Box::new(entries))
            }
            ImportFormat::UsersCsv => Ok(Box::new(users::entries(file, defaults, &self.columns)?)),
            format => self.document(format, BufReader::with_capacity(BUFFER, file)),
        }
    }

    fn document(
        &self,
        format: ImportFormat,
        input: impl BufRead + 'static,
    ) -> Result<Entries, FileError> {
        let (defaults, columns) = (self.defaults.clone(), self.columns.clone());
        let layout = self.detected.layout.clone();
        let is_list = layout == DocumentLayout::List;
        let mut pieces = DocumentEntries::new(input, layout);
        if format == ImportFormat::KohlsAdmin && is_list {
            let parts = pieces
                .by_ref()
                .take(4)
                .collect::<Result<Vec<DocumentEntry>, _>>()?;
            let values: Vec<_> = parts.iter().map(|part| part.value.clone()).collect();
            let values: Result<Vec<_>, _> = values.into_iter().collect();
            if values.is_ok_and(|values| pairs::are_parts(&values))
                && let Some(bans) = parts.into_iter().nth(1)
            {
                return Ok(Box::new(
                    pairs::entries(bans, &defaults).into_iter().map(Ok),
                ));
            }
            return Err(FileError::new(1, "this is not a KSave of Kohl's Admin"));
        }
        Ok(Box::new(pieces.map(move |piece| {
            piece.map(|piece| formats::entry(format, piece, &defaults, &columns))
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<ImportFormat, String> {
        let found = DetectedFormat::find(None, || Ok(text.as_bytes()));
        found
            .map(|detected| detected.format)
            .map_err(|broken| broken.message)
    }

    #[test]
    fn formats_are_detected_from_contents() {
        use ImportFormat::{
            Adonis, ById, Csv, HdAdmin, Ids, Json, KohlsAdmin, Roblox, UsersCsv, UsersJson,
        };
        for (text, format) in [
            ("{\"list\":[{\"robloxId\":1,\"guid\":\"7\"}]}", Json),
            ("[{\"robloxId\":1,\"experienceId\":7}]", Json),
            (
                "{\"robloxId\":5600001,\"experienceId\":1818}\n{\"robloxId\":5600002}\n",
                Json,
            ),
            ("[]", Json),
            ("[{\"userId\": 5600001, \"reason\": \"spam\"}]", UsersJson),
            ("{\"bans\":[{\"player_id\": 1}]}", UsersJson),
            ("[{\"robloxId\":1,\"until\":0}]", UsersJson),
            ("[\"Trudy\", \"Mallory:5001001\", 5001002]", Adonis),
            ("[5001002, \"Mallory:5001001\"]", Adonis),
            ("[{\"Table\":\"Banned\"}]", Adonis),
            ("[{\"Name\":\"a\",\"UserId\":1,\"EndTime\":2}]", Adonis),
            ("[1, 2]", Ids),
            ("[\"1\", \"2\"]", Ids),
            ("[\"https://www.roblox.com/users/1/profile\"]", Ids),
            ("return { 1, 2 }", Ids),
            ("return { \"Mallory:1\", 2 }", Adonis),
            ("return { [1] = true }", ById),
            ("1\n2\n", Ids),
            ("{\"1\":\"spam\",\"2\":true}", ById),
            ("{\"1\":{\"Reason\":\"spam\"}}", ById),
            ("{\"bans\":{\"1\":{\"Reason\":\"spam\"}}}", ById),
            (
                "{\"1\":[\"a\",\"b\",-1,2],\"3\":{\"Reason\":\"spam\"}}",
                KohlsAdmin,
            ),
            ("[{\"1\":[\"b\",-1,2]},{}]", KohlsAdmin),
            ("[\"1:-3 2:2\",\"3:-1 4:0\",\"{}\"]", KohlsAdmin),
            ("[[],\"3:-1\",\"{}\"]", KohlsAdmin),
            (
                "{\"Records\":{\"1\":{\"UserId\":1,\"BanTime\":2}}}",
                HdAdmin,
            ),
            ("[{\"UserId\":1,\"BanTime\":2}]", HdAdmin),
            (
                "{\"userRestrictions\":[{\"user\":\"users/1\",\"gameJoinRestriction\":{}}]}",
                Roblox,
            ),
            ("userId,reason\n1,a\n", UsersCsv),
            ("UserID;Reason\n1;a\n", UsersCsv),
            ("guid,robloxId\n1,2\n", Csv),
            ("{\"format\":\"hd-admin\",\"list\":[]}", HdAdmin),
        ] {
            assert_eq!(of(text), Ok(format), "{text}");
        }
        for (text, says) in [
            ("[{\"a\":1}]", "no field contains the user's id (found: a)"),
            ("[true]", "pass --format"),
            ("{}", "the document is empty"),
            ("", "the file is empty"),
        ] {
            let wrong = of(text).unwrap_err();
            assert!(wrong.contains(says), "{text}: {wrong}");
        }
    }
}
