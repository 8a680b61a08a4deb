//! The elements of a list within a JSON document, one after the other.

use std::io::BufRead;

use super::RowError;
use super::scanner::{Piece, Scanner, Within};

/// The values of one list, which is the document itself or a member of it by one of these names.
#[derive(Debug)]
pub struct Elements<R> {
    scanner: Scanner<R>,
    names: &'static [&'static str],
    at: At,
}

#[derive(Debug)]
enum At {
    Start,
    List {
        list: Within,
        around: Option<Within>,
    },
    End,
}

impl<R: BufRead> Elements<R> {
    pub const fn new(input: R, names: &'static [&'static str]) -> Self {
        Self {
            scanner: Scanner::new(input),
            names,
            at: At::Start,
        }
    }

    fn advance(&mut self) -> Result<Option<Piece>, RowError> {
        if matches!(self.at, At::Start) {
            self.at = self.find_list()?;
        }
        let At::List { list, around } = &mut self.at else {
            return Ok(None);
        };
        if self.scanner.next(list)? {
            return self.scanner.value().map(Some);
        }
        if let Some(around) = around {
            while self.scanner.next(around)? {
                self.scanner.name()?;
                self.scanner.value()?;
            }
        }
        self.at = At::End;
        self.scanner.end()?;
        Ok(None)
    }

    fn find_list(&mut self) -> Result<At, RowError> {
        let is_list = self.scanner.peek()? == Some(b'[');
        let mut outer = self.scanner.enter()?;
        if is_list {
            return Ok(At::List {
                list: outer,
                around: None,
            });
        }
        while self.scanner.next(&mut outer)? {
            let name = self.scanner.name()?;
            if self.names.contains(&name.as_str()) {
                let list = self.scanner.enter()?;
                return Ok(At::List {
                    list,
                    around: Some(outer),
                });
            }
            self.scanner.value()?;
        }
        let wanted = self.names.join(" or ");
        Err(RowError::fatal(
            1,
            format!("there is no list called {wanted}"),
        ))
    }
}

impl<R: BufRead> Iterator for Elements<R> {
    type Item = Result<Piece, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance().transpose();
        if matches!(next, Some(Err(_))) {
            self.at = At::End;
        }
        next
    }
}

/// What a piece says, or where it does not say anything.
pub fn parsed(piece: &Piece) -> Result<serde_json::Value, RowError> {
    serde_json::from_slice(&piece.bytes).map_err(|error| {
        let within = u64::try_from(error.line()).unwrap_or(1).saturating_sub(1);
        let line = piece.line.saturating_add(within);
        RowError::new(line, "this is not sound JSON")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Result<(u64, String), RowError>> {
        Elements::new(text.as_bytes(), &["list"])
            .map(|piece| piece.map(|p| (p.line, String::from_utf8(p.bytes).unwrap())))
            .collect()
    }

    #[test]
    fn each_element_comes_with_the_line_it_begins_on() {
        let text = "\u{feff}{\"a\": [1,{}],\n\"list\":[\n{\"x\":\"]\\\"\n}\"},\n 17 ,\n\"s\"\n], \"b\": null}\n";
        let found: Vec<_> = pieces(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(
            found,
            [
                (3, "{\"x\":\"]\\\"\n}\"}".to_owned()),
                (5, "17".to_owned()),
                (6, "\"s\"".to_owned()),
            ]
        );
        assert_eq!(pieces("[]"), []);
        assert_eq!(pieces(" {\"list\" : [ ] } "), []);
    }

    #[test]
    fn a_document_that_breaks_off_or_is_none_ends_with_an_error() {
        for text in [
            "",
            "17",
            "{}",
            "{\"list\":17}",
            "{\"list\":[{}",
            "{\"list\":[{}]",
            "[{} {}]",
            "[{\"a\":\"",
            "[1,]",
            "[] x",
            "[",
        ] {
            let last = pieces(text).pop();
            assert!(
                matches!(last, Some(Err(RowError { fatal: true, .. }))),
                "{text}: {last:?}"
            );
        }
    }

    #[test]
    fn a_value_may_lie_across_the_pieces_in_which_a_file_is_read() {
        let text = "[{\"a\":\"b\\\\\"},12345,true,\"x\\\"y\"]";
        for size in 1..10 {
            let input = std::io::BufReader::with_capacity(size, text.as_bytes());
            let found: Vec<_> = Elements::new(input, &[])
                .map(|piece| String::from_utf8(piece.unwrap().bytes).unwrap())
                .collect();
            assert_eq!(found, ["{\"a\":\"b\\\\\"}", "12345", "true", "\"x\\\"y\""]);
        }
    }
}
