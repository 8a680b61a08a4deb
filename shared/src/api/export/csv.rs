//! RFC 4180 CSV, with a header row in the order of `BanInfo`.

use std::borrow::Cow;

use serde::Serialize;

use super::{Format, formulas};
use crate::domain::actor::{Channel, DecidedBy};
use crate::domain::ban_info::{BanInfo, BanPresenter};
use crate::domain::error::ApiError;
use crate::store::BanRecord;

/// The columns with long numbers, which a spreadsheet would round to 15 digits.
const LONG_NUMBERS: [&str; 4] = ["guid", "robloxId", "moderatorId", "experienceId"];

/// The columns after those of the ban: who made the last decision about it, and how.
const ACTOR_FIELDS: [&str; 2] = ["actor", "channel"];

#[derive(Serialize)]
struct CsvRow<'a> {
    ban: BanInfo,
    actor: Option<&'a str>,
    channel: Option<&'static str>,
}

/// The byte order mark, by which Excel recognises UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

#[derive(Clone, Copy, Debug, Default)]
pub struct Csv {
    raw: bool,
    has_mark: bool,
    is_for_excel: bool,
}

impl Csv {
    /// With `raw`, reasons stay unchanged; otherwise anything that a spreadsheet would run as a
    /// formula gets an apostrophe (see `formulas`).
    #[must_use]
    pub const fn new(raw: bool) -> Self {
        Self {
            raw,
            has_mark: false,
            is_for_excel: false,
        }
    }

    /// Starts the file with a byte order mark.
    #[must_use]
    pub const fn with_mark(mut self, has_mark: bool) -> Self {
        self.has_mark |= has_mark;
        self
    }

    /// For spreadsheets: with a byte order mark, and long numbers as `="914431225856000001"`, a
    /// formula that yields text.
    #[must_use]
    pub const fn for_excel(mut self, is_for_excel: bool) -> Self {
        self.is_for_excel = is_for_excel;
        self.with_mark(is_for_excel)
    }

    /// A reason in which no spreadsheet finds a formula.
    #[must_use]
    pub fn defused(text: &str) -> Cow<'_, str> {
        formulas::defused(text)
    }

    /// The original of a reason from a file that is not raw.
    #[must_use]
    pub fn restored(text: &str) -> Cow<'_, str> {
        formulas::restored(text)
    }
}

impl Format for Csv {
    const CONTENT_TYPE: &'static str = "text/csv; charset=utf-8; header=present";
    const EXTENSION: &'static str = "csv";

    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if self.has_mark {
            out.extend(MARK);
        }
        let mut writer = writer(out);
        writer
            .write_record(BanInfo::FIELDS.iter().chain(&ACTOR_FIELDS))
            .map_err(unwritable)?;
        writer.flush().map_err(|error| unwritable(error.into()))
    }

    fn row(
        &mut self,
        out: &mut Vec<u8>,
        presenter: &BanPresenter,
        row: &BanRecord,
    ) -> Result<(), ApiError> {
        let mut row = row.clone();
        if !self.raw {
            let terms = &mut row.ban.terms;
            for reason in [&mut terms.private_reason, &mut terms.public_reason] {
                *reason = formulas::defused(reason).into_owned();
            }
        }
        let by = row.last_by.as_ref();
        let channel = by.and_then(DecidedBy::channel).map(Channel::as_str);
        let shown = CsvRow {
            ban: presenter.show(&row.ban, row.applied),
            actor: by.map(|by| by.id.as_str()),
            channel,
        };
        if self.is_for_excel {
            return write_for_excel(out, &shown).map_err(unwritable);
        }
        let mut writer = writer(out);
        writer.serialize(shown).map_err(unwritable)?;
        writer.flush().map_err(|error| unwritable(error.into()))
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
}

/// Writes a ban with its long numbers as text.
fn write_for_excel(out: &mut Vec<u8>, ban: &CsvRow<'_>) -> Result<(), csv::Error> {
    let mut plain = Vec::new();
    {
        let mut writer = writer(&mut plain);
        writer.serialize(ban)?;
        writer.flush()?;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(plain.as_slice());
    let mut writer = writer(out);
    for record in reader.records() {
        let record = record?;
        let fields = BanInfo::FIELDS.into_iter().chain(ACTOR_FIELDS);
        let cells = record.iter().zip(fields).map(|(cell, field)| {
            if LONG_NUMBERS.contains(&field) {
                Cow::Owned(format!("=\"{cell}\""))
            } else {
                Cow::Borrowed(cell)
            }
        });
        writer.write_record(cells.collect::<Vec<_>>().iter().map(|cell| cell.as_bytes()))?;
    }
    writer.flush()?;
    Ok(())
}

fn writer(out: &mut Vec<u8>) -> csv::Writer<&mut Vec<u8>> {
    csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::CRLF)
        .buffer_capacity(4096)
        .from_writer(out)
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn unwritable(error: csv::Error) -> ApiError {
    ApiError::Internal(format!("could not write a row: {error}"))
}
