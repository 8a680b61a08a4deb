//! Plain lists of ids or profile links, one per line or separated by commas.

use std::collections::VecDeque;
use std::io::{BufRead, Read};

use serde_json::Value;

use super::entries::UnreadableEntry;
use crate::import::FileError;
use crate::import::fields::ids::is_digits;

/// The maximum length of a line, in bytes.
const LONGEST: u64 = 1 << 20;

/// Whether a line is blank or a comment.
pub fn is_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with('#') || line.starts_with("--") || line.starts_with("//")
}

/// The tokens of a line.
pub fn tokens(line: &str) -> impl Iterator<Item = &str> {
    let tokens = line
        .split([',', ';'])
        .map(|token| token.trim().trim_matches('"').trim());
    tokens.filter(|token| !token.is_empty())
}

/// An id or a link, or an invalid entry, with its line.
pub type Token = (u64, Result<Value, UnreadableEntry>);

/// Iterates over the tokens of a file.
pub struct Tokens<R> {
    input: R,
    line: u64,
    /// The next line with content.
    next: Option<(u64, String)>,
    has_begun: bool,
    is_first: bool,
    /// Whether the previous line ended with a comma.
    went_on: bool,
    ready: VecDeque<Token>,
}

impl<R: BufRead> Tokens<R> {
    pub const fn new(input: R) -> Self {
        Self {
            input,
            line: 0,
            next: None,
            has_begun: false,
            is_first: true,
            went_on: false,
            ready: VecDeque::new(),
        }
    }

    pub fn advance(&mut self) -> Result<Option<Token>, FileError> {
        if !self.has_begun {
            self.has_begun = true;
            self.next = self.line()?;
        }
        while self.ready.is_empty() {
            let Some((line, text)) = self.next.take() else {
                return Ok(None);
            };
            self.next = self.line()?;
            self.read(line, &text);
        }
        Ok(self.ready.pop_front())
    }

    /// Refuses a line with several numbers, since not all may be user ids, unless it ends with a comma
    /// or is the only line.
    fn read(&mut self, line: u64, text: &str) {
        let found: Vec<_> = tokens(text).collect();
        let is_only = self.is_first && self.next.is_none();
        self.is_first = false;
        let goes_on = text.ends_with([',', ';']);
        let numbers = found.iter().filter(|token| is_digits(token)).count();
        if numbers > 1 && !goes_on && !is_only && !self.went_on {
            let what = "this line contains several numbers, and it is unclear which one is the user: \
                        write one id per line, or a table with column titles";
            let unreadable = UnreadableEntry {
                message: what.to_owned(),
                text: text.to_owned(),
            };
            self.ready.push_back((line, Err(unreadable)));
            return;
        }
        self.went_on = goes_on;
        let values = found
            .into_iter()
            .map(|token| (line, Ok(Value::from(token))));
        self.ready.extend(values);
    }

    fn line(&mut self) -> Result<Option<(u64, String)>, FileError> {
        loop {
            let mut bytes = Vec::new();
            self.line = self.line.saturating_add(1);
            let read = (&mut self.input)
                .take(LONGEST)
                .read_until(b'\n', &mut bytes);
            let taken = read.map_err(|error| {
                FileError::new(self.line, format!("could not read the file: {error}"))
            })?;
            if taken == 0 {
                return Ok(None);
            }
            if bytes.len() as u64 >= LONGEST {
                return Err(FileError::new(self.line, "the line is longer than 1 MiB"));
            }
            let text = String::from_utf8(bytes);
            let text = text.map_err(|_| FileError::new(self.line, "this is not UTF-8"))?;
            let text = text.trim_start_matches('\u{feff}').trim();
            if !is_comment(text) {
                return Ok(Some((self.line, text.to_owned())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Option<String>)> {
        let mut tokens = Tokens::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some((line, value)) = tokens.advance().unwrap() {
            found.push((
                line,
                value
                    .ok()
                    .and_then(|value| value.as_str().map(str::to_owned)),
            ));
        }
        found
    }

    #[test]
    fn ids_have_their_line() {
        let id = |line, text: &str| (line, Some(text.to_owned()));
        assert_eq!(
            read("\u{feff}7\r\n\r\n# x\r\n8\r\n"),
            [id(1, "7"), id(4, "8")]
        );
        assert_eq!(read("7, 8,9"), [id(1, "7"), id(1, "8"), id(1, "9")]);
        assert_eq!(read("7, 8\n"), [id(1, "7"), id(1, "8")]);
        assert_eq!(
            read("7, 8,\n9, 10\n"),
            [id(1, "7"), id(1, "8"), id(2, "9"), id(2, "10")]
        );
        assert_eq!(read("\"7\"\n8 spam\n"), [id(1, "7"), id(2, "8 spam")]);
        assert_eq!(read(""), []);
    }

    #[test]
    fn table_without_titles_is_invalid() {
        assert_eq!(read("5600001,7\n5600002,30\n"), [(1, None), (2, None)]);
    }
}
