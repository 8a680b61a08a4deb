//! Detects where in a document the entries are.

use std::io::{BufRead, BufReader, Read};

use super::scanner::Scanner;
use crate::import::FileError;
use crate::import::fields::ids::{is_digits, linked};
use crate::import::fields::titles::{ColumnRole, role};

/// How much is read to detect the kind of a file, in bytes.
const FIRST: u64 = 1 << 12;

/// The maximum number of members of an object to check.
const MEMBERS: usize = 64;

/// Known names of lists of bans.
const LISTS: [&str; 15] = [
    "list",
    "userRestrictions",
    "Records",
    "Banned",
    "TimeBans",
    "bans",
    "Bans",
    "banned",
    "banList",
    "BanList",
    "bannedUsers",
    "bannedPlayers",
    "BannedPlayers",
    "users",
    "data",
];

/// Whether a member of a document may be its list of bans.
pub fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// Where the entries of a document are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentLayout {
    /// The document is a list of entries.
    List,
    /// A member with this name is a list or an object of entries.
    Member(String),
    /// The document is an object of entries by user id.
    Object,
    /// The document is a list with an object of entries by user id as its first element.
    FirstOfList,
    /// JSON lines.
    Lines,
    Lua,
    /// Text with ids and links.
    Plain,
    /// A table with column titles.
    Table,
}

/// Detects the kind of a file from its start. Fails if it is not UTF-8.
pub fn kind(file: impl Read) -> Result<DocumentLayout, FileError> {
    let mut first = Vec::new();
    let unreadable = |error| FileError::new(1, format!("could not read the file: {error}"));
    file.take(FIRST)
        .read_to_end(&mut first)
        .map_err(unreadable)?;
    let is_wide = first.starts_with(&[0xFF, 0xFE]) || first.starts_with(&[0xFE, 0xFF]);
    if is_wide || first.contains(&0) {
        let what = "this is not UTF-8 (it may be UTF-16, or not text): save the file as UTF-8";
        return Err(FileError::new(1, what));
    }
    let text = String::from_utf8_lossy(&first);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let second = text.get(1..).map(str::trim_start).unwrap_or_default();
    Ok(match text.chars().next() {
        None => return Err(FileError::new(1, "the file is empty")),
        Some('[') => DocumentLayout::List,
        Some('{') if second.starts_with(['"', '}']) && !is_lua_list(second) => {
            DocumentLayout::Object
        }
        Some('{') => DocumentLayout::Lua,
        _ if is_lua(text) => DocumentLayout::Lua,
        _ if is_plain(text) => DocumentLayout::Plain,
        _ => DocumentLayout::Table,
    })
}

/// Whether the text after a brace is a Lua list: a string without a colon after it.
fn is_lua_list(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('"') else {
        return false;
    };
    let end = rest
        .find('"')
        .and_then(|end| rest.get(end.saturating_add(1)..));
    end.is_some_and(|rest| rest.trim_start().starts_with([',', ';', '}']))
}

fn is_lua(text: &str) -> bool {
    let text = text.split_once("--[[").map_or(text, |(before, _)| before);
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("--"));
    let Some(line) = line else {
        return true;
    };
    let assigns = line.split_once('=').is_some_and(|(name, value)| {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ' ');
        !name.trim().is_empty() && name.chars().all(is_name) && value.trim_start().starts_with('{')
    });
    let returns = line.strip_prefix("return").map(str::trim_start);
    returns.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
        || line.starts_with("local ")
        || assigns
}

/// Whether the first line with content consists of ids and links.
fn is_plain(text: &str) -> bool {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !super::plain::is_comment(line));
    line.is_some_and(|line| {
        let mut tokens = super::plain::tokens(line).peekable();
        tokens.peek().is_some()
            && tokens.all(|token| is_digits(token) || matches!(linked(token), Some(Ok(_))))
    })
}

/// Detects the layout of a JSON document.
pub fn of_json(file: impl Read) -> Result<DocumentLayout, FileError> {
    let mut scanner = Scanner::new(BufReader::new(file));
    match scanner.peek()? {
        Some(b'[') => of_list(&mut scanner),
        _ => of_object(&mut scanner),
    }
}

fn of_list<R: BufRead>(scanner: &mut Scanner<R>) -> Result<DocumentLayout, FileError> {
    let mut elements = scanner.enter()?;
    if scanner.next(&mut elements)? && scanner.peek()? == Some(b'{') {
        let mut members = scanner.enter()?;
        if scanner.next(&mut members)? && is_digits(&scanner.name()?) {
            return Ok(DocumentLayout::FirstOfList);
        }
    }
    Ok(DocumentLayout::List)
}

fn of_object<R: BufRead>(scanner: &mut Scanner<R>) -> Result<DocumentLayout, FileError> {
    let mut members = scanner.enter()?;
    let mut names: Vec<String> = Vec::new();
    loop {
        if !scanner.next(&mut members)? {
            break;
        }
        let name = scanner.name()?;
        if is_digits(&name) {
            return Ok(DocumentLayout::Object);
        }
        let is_nested = matches!(scanner.peek()?, Some(b'[' | b'{'));
        if is_nested && is_list(&name) {
            // Do not read on: the list may be of any size.
            return Ok(DocumentLayout::Member(name));
        }
        names.push(name);
        scanner.value()?;
        if names.len() >= MEMBERS {
            break;
        }
    }
    let is_record = names
        .iter()
        .any(|name| role(name) == Some(ColumnRole::User) || name == "gameJoinRestriction");
    if is_record || scanner.peek()? == Some(b'{') {
        return Ok(DocumentLayout::Lines);
    }
    let known = names.iter().find(|name| is_list(name));
    let what = match known {
        Some(name) => format!("{name} is neither a list nor an object"),
        None if names.is_empty() => "the document is empty".to_owned(),
        None => format!(
            "no list of bans found: the document has the members {}, but none of the known ones ({})",
            names.join(", "),
            LISTS.join(", ")
        ),
    };
    Err(scanner.unexpected(&what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<DocumentLayout, FileError> {
        match kind(text.as_bytes())? {
            DocumentLayout::List | DocumentLayout::Object => of_json(text.as_bytes()),
            other => Ok(other),
        }
    }

    #[test]
    fn layouts_are_detected_from_the_start_of_a_file() {
        let member = |name: &str| DocumentLayout::Member(name.to_owned());
        for (text, layout) in [
            ("[1]", DocumentLayout::List),
            ("[]", DocumentLayout::List),
            ("[{\"a\":1}]", DocumentLayout::List),
            ("[{\"7\":[]}]", DocumentLayout::FirstOfList),
            ("\u{feff} {\"list\":[]}", member("list")),
            ("{\"DataKey\":1,\"Records\":{}}", member("Records")),
            (
                "{\"nextPageToken\":\"\",\"userRestrictions\":[]}",
                member("userRestrictions"),
            ),
            ("{\"7\":true}", DocumentLayout::Object),
            ("{\"userId\":7}", DocumentLayout::Lines),
            ("{\"a\":7}\n{\"a\":8}", DocumentLayout::Lines),
            ("return {\n1,\n}", DocumentLayout::Lua),
            ("-- bans\nlocal Banned = {1}", DocumentLayout::Lua),
            ("settings.Banned = { \"a:1\" }", DocumentLayout::Lua),
            ("{1, 2}", DocumentLayout::Lua),
            ("{\"a:1\", 2}", DocumentLayout::Lua),
            ("{[7] = true}", DocumentLayout::Lua),
            ("5600001\n5600002\n", DocumentLayout::Plain),
            (
                "roblox.com/users/7,roblox.com/users/8",
                DocumentLayout::Plain,
            ),
            ("# ids\n7\n", DocumentLayout::Plain),
            ("userId,reason\n", DocumentLayout::Table),
            ("sep=;\nuserId;reason\n", DocumentLayout::Table),
            ("7,spam\n", DocumentLayout::Table),
        ] {
            assert_eq!(of(text), Ok(layout), "{text}");
        }
    }

    #[test]
    fn unsupported_files_are_refused_with_a_reason() {
        let wide: Vec<u8> = "\u{feff}userId\n7\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (bytes, says) in [
            (wide.as_slice(), "UTF-16"),
            (b"userId\0".as_slice(), "UTF-16"),
            (b"", "the file is empty"),
            (b" \r\n ", "the file is empty"),
        ] {
            assert!(kind(bytes).unwrap_err().message.contains(says), "{bytes:?}");
        }
        let wrong = of("{\"a\": 1, \"mine\": [1]}").unwrap_err();
        assert!(wrong.message.contains("the members a, mine"), "{wrong:?}");
        assert!(
            of("{}")
                .unwrap_err()
                .message
                .contains("the document is empty")
        );
        assert!(of("{\"a\": 1").is_err());
    }
}
