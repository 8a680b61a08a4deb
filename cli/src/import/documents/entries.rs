//! Iterates over the entries of a document.

use std::collections::VecDeque;
use std::io::BufRead;

use serde_json::Value;

use super::layout::{DocumentLayout, is_list};
use super::scanner::{Container, Scanner, Span};
use super::unique_keys::UniqueKeys;
use super::{lua, plain};
use crate::import::FileError;
use crate::import::entries::Location;
use crate::import::errors_file::unwrapped;

/// An unparsed entry.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentEntry {
    pub at: Location,
    /// Its key, if it is a member of an object.
    pub name: Option<String>,
    pub value: Result<Value, UnreadableEntry>,
    /// The names of tables that are not read, in the first entry.
    pub unread: Vec<String>,
}

/// An entry that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEntry {
    pub message: String,
    pub text: String,
}

/// Iterates over the entries of a document.
pub struct DocumentEntries<R> {
    source: Source<R>,
    count: u64,
    unread: Vec<String>,
    is_over: bool,
}

enum Source<R> {
    Json {
        scanner: Scanner<R>,
        layout: DocumentLayout,
        state: State,
    },
    Lua(R),
    Listed(VecDeque<(u64, Option<String>, Value)>),
    Plain(plain::Tokens<R>),
}

#[derive(Default)]
struct State {
    has_begun: bool,
    /// The lists and objects around the entries, outermost first.
    around: Vec<(Container, bool)>,
    within: Option<(Container, bool)>,
}

impl<R: BufRead> DocumentEntries<R> {
    pub fn new(input: R, layout: DocumentLayout) -> Self {
        let source = match layout {
            DocumentLayout::Lua => Source::Lua(input),
            DocumentLayout::Plain => Source::Plain(plain::Tokens::new(input)),
            layout => Source::Json {
                scanner: Scanner::new(input),
                layout,
                state: State::default(),
            },
        };
        Self {
            source,
            count: 0,
            unread: Vec::new(),
            is_over: false,
        }
    }

    fn advance(&mut self) -> Result<Option<DocumentEntry>, FileError> {
        if let Source::Lua(input) = &mut self.source {
            let tables = lua::tables(input)?;
            self.unread = tables.skipped;
            self.source = Source::Listed(tables.entries.into());
        }
        let found = match &mut self.source {
            Source::Json {
                scanner,
                layout,
                state,
            } => state.advance(scanner, layout)?,
            Source::Listed(entries) => entries
                .pop_front()
                .map(|(line, name, value)| (line, name, Ok(value))),
            Source::Plain(tokens) => tokens.advance()?.map(|(line, value)| (line, None, value)),
            Source::Lua(_) => None,
        };
        let Some((line, name, value)) = found else {
            return Ok(None);
        };
        self.count = self.count.saturating_add(1);
        let is_plain = matches!(self.source, Source::Plain(_));
        let (name, value) = match value {
            Ok(value) => {
                let (name, value) = unwrapped(name, value);
                (name, Ok(value))
            }
            Err(unreadable) => (name, Err(unreadable)),
        };
        Ok(Some(DocumentEntry {
            at: Location {
                line,
                entry: (!is_plain).then_some(self.count),
            },
            name,
            value,
            unread: std::mem::take(&mut self.unread),
        }))
    }
}

type Found = (u64, Option<String>, Result<Value, UnreadableEntry>);

impl State {
    fn advance<R: BufRead>(
        &mut self,
        scanner: &mut Scanner<R>,
        layout: &DocumentLayout,
    ) -> Result<Option<Found>, FileError> {
        if *layout == DocumentLayout::Lines {
            if scanner.peek()?.is_none() {
                return Ok(None);
            }
            return Ok(Some(found(None, &scanner.value()?)));
        }
        if !self.has_begun {
            self.has_begun = true;
            self.begin(scanner, layout)?;
        }
        let Some((within, is_object)) = &mut self.within else {
            return Ok(None);
        };
        if scanner.next(within)? {
            let name = if *is_object {
                Some(scanner.name()?)
            } else {
                None
            };
            return Ok(Some(found(name, &scanner.value()?)));
        }
        self.within = None;
        while let Some((mut around, is_object)) = self.around.pop() {
            while scanner.next(&mut around)? {
                let name = if is_object {
                    scanner.name()?
                } else {
                    String::new()
                };
                let other = scanner.value()?;
                if is_list(&name) && holds_entries(&other.bytes) {
                    let what = format!(
                        "the document has a second list, {name}: import each list separately"
                    );
                    return Err(scanner.unexpected(&what));
                }
                require_last_page(scanner, &name, &other)?;
            }
        }
        scanner.end()?;
        Ok(None)
    }

    /// Moves to the entries.
    fn begin<R: BufRead>(
        &mut self,
        scanner: &mut Scanner<R>,
        layout: &DocumentLayout,
    ) -> Result<(), FileError> {
        let mut is_object = scanner.peek()? == Some(b'{');
        let mut within = scanner.enter()?;
        match layout {
            DocumentLayout::Member(wanted) => {
                loop {
                    if !is_object || !scanner.next(&mut within)? {
                        let what = format!("there is no list named {wanted}");
                        return Err(scanner.unexpected(&what));
                    }
                    let name = scanner.name()?;
                    if name == *wanted {
                        break;
                    }
                    let other = scanner.value()?;
                    require_last_page(scanner, &name, &other)?;
                }
                self.around.push((within, is_object));
                is_object = scanner.peek()? == Some(b'{');
                within = enter(scanner, wanted)?;
            }
            DocumentLayout::FirstOfList => {
                let has_any = !is_object && scanner.next(&mut within)?;
                if !has_any {
                    return Ok(());
                }
                self.around.push((within, false));
                is_object = scanner.peek()? == Some(b'{');
                within = enter(scanner, "the first part")?;
            }
            _ => {}
        }
        self.within = Some((within, is_object));
        Ok(())
    }
}

/// Refuses a page of a list with a cursor to the next page, since the rest would be missing.
fn require_last_page<R: BufRead>(
    scanner: &Scanner<R>,
    name: &str,
    value: &Span,
) -> Result<(), FileError> {
    let leads_on = matches!(name, "nextCursor" | "nextPageToken")
        && !matches!(value.bytes.as_slice(), b"\"\"" | b"null");
    if leads_on {
        return Err(scanner.unexpected(
            "this is one page of a list, and more follow: join all pages into one list",
        ));
    }
    Ok(())
}

/// Whether a value is a list or an object that is not empty.
fn holds_entries(value: &[u8]) -> bool {
    let mut bytes = value.iter().filter(|byte| !byte.is_ascii_whitespace());
    matches!(bytes.next(), Some(b'[' | b'{')) && !matches!(bytes.next(), Some(b']' | b'}'))
}

fn enter<R: BufRead>(scanner: &mut Scanner<R>, name: &str) -> Result<Container, FileError> {
    match scanner.peek()? {
        Some(b'[' | b'{') => scanner.enter(),
        _ => Err(scanner.unexpected(&format!("{name} is neither a list nor an object"))),
    }
}

fn found(name: Option<String>, span: &Span) -> Found {
    (span.line, name, parsed(&span.bytes))
}

fn parsed(bytes: &[u8]) -> Result<Value, UnreadableEntry> {
    let read = serde_json::from_slice::<UniqueKeys>(bytes).map(|UniqueKeys(value)| value);
    read.map_err(|error| {
        let said = error.to_string();
        let reason = said.split(" at line ").next().unwrap_or_default();
        UnreadableEntry {
            message: format!("invalid JSON: {reason}"),
            text: String::from_utf8_lossy(bytes).into_owned(),
        }
    })
}

impl<R: BufRead> Iterator for DocumentEntries<R> {
    type Item = Result<DocumentEntry, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.advance().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str, layout: DocumentLayout) -> Vec<Result<(u64, Value), FileError>> {
        DocumentEntries::new(text.as_bytes(), layout)
            .map(|piece| piece.map(|piece| (piece.at.line, piece.value.unwrap())))
            .collect()
    }

    #[test]
    fn documents_with_several_lists_or_pages_are_refused() {
        let wrong = |text: &str, list: &str| {
            let pieces = read(text, DocumentLayout::Member(list.to_owned()));
            let wrong = pieces.into_iter().find_map(Result::err);
            wrong.map(|wrong| wrong.message).unwrap_or_default()
        };
        let second = "the document has a second list, bans";
        assert!(wrong("{\"users\":[1],\"bans\":[2]}", "users").starts_with(second));
        assert!(wrong("{\"list\":[],\"bans\":{\"7\":true}}", "list").starts_with(second));
        let page = "this is one page of a list";
        assert!(wrong("{\"list\":[1],\"nextCursor\":\"a\"}", "list").starts_with(page));
        let first = "{\"nextPageToken\":\"t\",\"userRestrictions\":[]}";
        assert!(wrong(first, "userRestrictions").starts_with(page));
        for text in [
            "{\"nextPageToken\":\"\",\"list\":[1],\"users\":[]}",
            "{\"list\":[1],\"data\":7,\"nextCursor\":null}",
        ] {
            assert_eq!(wrong(text, "list"), "", "{text}");
        }
    }

    fn list() -> DocumentLayout {
        DocumentLayout::Member("list".to_owned())
    }

    #[test]
    fn entries_have_their_line_and_number() {
        let text = "\u{feff}{\"a\": [1,{}],\n\"list\":[\n{\"x\":\"]\\\"\\n}\"},\n 17 ,\n\"s\"\n], \"b\": null}\n";
        let found: Vec<_> = read(text, list()).into_iter().map(Result::unwrap).collect();
        let expected = [
            (3, json!({ "x": "]\"\n}" })),
            (4, json!(17)),
            (5, json!("s")),
        ];
        assert_eq!(found, expected);
        let text = "[1,2,{\"x\":3}]";
        let last = DocumentEntries::new(text.as_bytes(), DocumentLayout::List)
            .last()
            .unwrap()
            .unwrap();
        assert_eq!(last.at.to_string(), "line 1, entry 3");
        assert_eq!(read("[]", DocumentLayout::List), []);
        assert_eq!(read(" {\"list\" : [ ] } ", list()), []);
        let lines = read("{\"a\":1}\r\n\r\n{\"a\":2}\n", DocumentLayout::Lines);
        assert_eq!(lines[1].as_ref().unwrap(), &(3, json!({ "a": 2 })));
        let members =
            DocumentEntries::new(b"{\"7\":[1],\"8\":true}".as_slice(), DocumentLayout::Object);
        let keys: Vec<_> = members.map(|piece| piece.unwrap().name.unwrap()).collect();
        assert_eq!(keys, ["7", "8"]);
        let values = read("{\"list\":{\"1\":5,\"2\":6},\"x\":[]}", list());
        assert_eq!(values.len(), 2);
        let first = read("[{\"7\":[1]},{\"8\":[2]}]", DocumentLayout::FirstOfList);
        assert_eq!(first, [Ok((1, json!([1])))]);
    }

    #[test]
    fn truncated_or_unexpected_documents_end_with_an_error() {
        for (text, says) in [
            ("", "expected a list or an object"),
            ("17", "expected a list or an object"),
            ("{}", "there is no list named list"),
            ("{\"list\":17}", "list is neither a list nor an object"),
            ("{\"list\":[{}", "unexpected end of file"),
            ("{\"list\":[{}]", "unexpected end of file"),
            ("{\"list\":[1 2]}", "a comma is missing"),
            ("{\"list\":[{\"a\":\"", "unexpected end of file"),
            ("{\"list\":[1,]}", "a value is missing"),
            ("{\"list\":[]} x", "unexpected content"),
        ] {
            let last = read(text, list()).pop().unwrap().unwrap_err();
            assert!(last.message.contains(says), "{text}: {last:?}");
        }
    }

    #[test]
    fn values_may_span_read_buffers() {
        let text = "[{\"a\":\"b\\\\\"},12345,true,\"x\\\"y\"]";
        for size in 1..10 {
            let input = std::io::BufReader::with_capacity(size, text.as_bytes());
            let found: Vec<_> = DocumentEntries::new(input, DocumentLayout::List)
                .map(|piece| piece.unwrap().value.unwrap())
                .collect();
            assert_eq!(
                found,
                [
                    json!({ "a": "b\\" }),
                    json!(12345),
                    json!(true),
                    json!("x\"y")
                ]
            );
        }
    }

    #[test]
    fn number_out_of_range_makes_one_entry_invalid() {
        let text = "[1e+9999, 7]";
        let pieces = DocumentEntries::new(text.as_bytes(), DocumentLayout::List);
        let values: Vec<_> = pieces.map(|piece| piece.unwrap().value).collect();
        assert!(
            values[0]
                .as_ref()
                .unwrap_err()
                .message
                .contains("number out of range")
        );
        assert_eq!(values[1], Ok(json!(7)));
    }
}
