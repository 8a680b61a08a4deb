//! RFC 4180, with a header row in the order of `BanInfo`.

use std::borrow::Cow;

use super::{Format, formulas};
use crate::ban_info::{BanInfo, View};
use crate::error::ApiError;
use crate::store::Recorded;

/// The CSV export.
#[derive(Debug)]
pub struct Csv {
    raw: bool,
}

impl Csv {
    /// With `raw`, reasons are left as they are; otherwise what a spreadsheet would run as a formula
    /// gets an apostrophe (see [`super::formulas`]).
    #[must_use]
    pub const fn new(raw: bool) -> Self {
        Self { raw }
    }

    /// A reason as it was before it was written into a file that is not raw.
    #[must_use]
    pub fn restored(text: &str) -> Cow<'_, str> {
        formulas::restored(text)
    }
}

impl Format for Csv {
    const CONTENT_TYPE: &'static str = "text/csv; charset=utf-8; header=present";
    const EXTENSION: &'static str = "csv";

    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let mut writer = writer(out);
        writer.write_record(BanInfo::FIELDS).map_err(unwritable)?;
        writer.flush().map_err(|error| unwritable(error.into()))
    }

    fn row(&mut self, out: &mut Vec<u8>, view: &View, row: &Recorded) -> Result<(), ApiError> {
        let mut row = row.clone();
        if !self.raw {
            let terms = &mut row.ban.terms;
            for reason in [&mut terms.private_reason, &mut terms.public_reason] {
                *reason = formulas::defused(reason).into_owned();
            }
        }
        let mut writer = writer(out);
        writer
            .serialize(view.show(&row.ban, row.completed))
            .map_err(unwritable)?;
        writer.flush().map_err(|error| unwritable(error.into()))
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
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
    ApiError::Internal(format!("unwritable row: {error}"))
}
