//! The start of a table: its separator and its column titles.

use std::io::{BufReader, Chain, Cursor, Read};

use super::records::{CsvRecord, CsvRecords};
use crate::import::FileError;
use crate::import::fields::titles::{OURS, normal};

/// How much is read to detect the separator, in bytes.
const FIRST: u64 = 1 << 16;

/// The possible separators, most common first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A table after its titles.
pub struct CsvTable<R> {
    pub titles: Vec<String>,
    /// The line of the titles.
    pub line: u64,
    /// Whether it is an errors file, with cells that are escaped for spreadsheets.
    pub is_of_errors: bool,
    pub records: CsvRecords<BufReader<Chain<Cursor<Vec<u8>>, R>>>,
}

impl<R: Read> CsvTable<R> {
    /// Reads the titles. Uses the first separator that yields a column of users.
    pub fn open(mut input: R, is_user: impl Fn(&str) -> bool) -> Result<Self, FileError> {
        let mut first = Vec::new();
        let unreadable = |error| FileError::new(1, format!("could not read the file: {error}"));
        let taken = input.by_ref().take(FIRST).read_to_end(&mut first);
        taken.map_err(unreadable)?;
        if first.starts_with(b"\xEF\xBB\xBF") {
            first.drain(..3);
        }
        let said = said_separator(&first);
        let separator = said.unwrap_or_else(|| likely(&first, is_user));
        let rest = Cursor::new(first).chain(input);
        let mut records = CsvRecords::new(BufReader::new(rest), separator);
        if said.is_some() {
            records.next().transpose()?;
        }
        let Some(CsvRecord { line, cells, .. }) = records.next().transpose()? else {
            return Err(FileError::new(1, "the file is empty"));
        };
        let is_ours = |title: &String| normal(title) == normal(OURS[1]);
        Ok(Self {
            is_of_errors: cells.iter().any(is_ours),
            titles: cells.iter().map(|title| title.trim().to_owned()).collect(),
            line,
            records,
        })
    }
}

/// The separator in a first line such as `sep=;`, which Excel reads and writes.
fn said_separator(first: &[u8]) -> Option<u8> {
    let first = first.strip_prefix(b"\"").unwrap_or(first);
    let named = first.get(..4)?.eq_ignore_ascii_case(b"sep=");
    let separator = *first.get(4)?;
    (named && !matches!(separator, b'\r' | b'\n' | b'"')).then_some(separator)
}

fn likely(first: &[u8], is_user: impl Fn(&str) -> bool) -> u8 {
    let titles = SEPARATORS.map(|separator| {
        let record = CsvRecords::new(first, separator).next();
        let cells = record.and_then(Result::ok).map(|record| record.cells);
        (separator, cells.unwrap_or_default())
    });
    let with_user = titles
        .iter()
        .find(|(_, cells)| cells.iter().any(|cell| is_user(cell)));
    let most = titles.iter().rev().max_by_key(|(_, cells)| cells.len());
    with_user.or(most).map_or(b',', |(separator, _)| *separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separator_is_the_one_that_yields_a_column_of_users() {
        for text in [
            "userId,reason\n1,a;b\n",
            "userId;reason\n1;a,b\n",
            "\u{feff}userId\treason\n1\ta\n",
            "userId|reason\n1|a\n",
            "sep=;\r\nuserId;reason\r\n1;a\r\n",
            "\"sep=,\"\r\nuserId,reason\r\n1,a\r\n",
            "a; b,userId|reason\n",
        ] {
            let mut table =
                CsvTable::open(text.as_bytes(), |title| title.ends_with("userId")).unwrap();
            assert_eq!(table.titles.last().unwrap(), "reason", "{text}");
            let row = table.records.next();
            assert!(
                row.is_none_or(|row| row.unwrap().cells.len() == 2),
                "{text}"
            );
        }
        assert!(CsvTable::open(b"\n\r\n".as_slice(), |_| true).is_err());
    }
}
