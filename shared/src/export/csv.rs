//! RFC 4180, with a header row in the order of `BanInfo`.

use super::Format;
use crate::ban_info::{BanInfo, View};
use crate::error::ApiError;
use crate::store::Recorded;

/// The CSV export.
#[derive(Debug)]
pub struct Csv {
    raw: bool,
}

impl Csv {
    /// With `raw`, texts are left as they are; otherwise one that a spreadsheet would run as a
    /// formula gets an apostrophe before it. So does one that already begins with apostrophes and
    /// goes on as a formula, by which [`Csv::restored`] can tell what was there.
    #[must_use]
    pub const fn new(raw: bool) -> Self {
        Self { raw }
    }

    /// A text as it was before it was written into a file that is not raw.
    #[must_use]
    pub fn restored(text: &str) -> &str {
        match text.strip_prefix('\'') {
            Some(rest) if is_formula_like(rest) => rest,
            _ => text,
        }
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
            terms.private_reason = defused(std::mem::take(&mut terms.private_reason));
            terms.public_reason = defused(std::mem::take(&mut terms.public_reason));
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

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection).
fn defused(text: String) -> String {
    if is_formula_like(&text) {
        format!("'{text}")
    } else {
        text
    }
}

/// Whether a formula follows after any number of apostrophes, none included.
fn is_formula_like(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_defused_can_be_restored() {
        for text in [
            "=1+1", "'=1+1", "'''-1", "it's", "'quoted'", "'", "''", "", "a=1", "\t=1", "'@x",
        ] {
            assert_eq!(Csv::restored(&defused(text.to_owned())), text);
        }
        assert_eq!(defused("'=1".to_owned()), "''=1");
        assert_eq!(defused("'quoted'".to_owned()), "'quoted'");
    }

    #[test]
    fn cells_that_would_run_as_a_formula_are_defused() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(defused(text.to_owned()), format!("'{text}"));
        }
        assert_eq!(defused("a=1".to_owned()), "a=1");
    }
}
