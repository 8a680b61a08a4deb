//! Where in a document its entries are.

use std::io::{BufRead, BufReader, Read};

use super::scanner::Scanner;
use crate::import::FileError;
use crate::import::fields::ids::{is_digits, linked};
use crate::import::fields::titles::{ColumnRole, role};

/// How much is read to tell kinds of files apart, in bytes.
const FIRST: u64 = 1 << 12;

/// How many members of an object are looked at.
const MEMBERS: usize = 64;

/// The names under which lists of bans are kept, in the order in which they are looked for.
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

/// Where the entries are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentLayout {
    /// The document is a list of them.
    List,
    /// It has a list or an object of them, by this name.
    Member(String),
    /// It is an object of them, by user.
    Object,
    /// It is a list, and its first element an object of them, by user.
    FirstOfList,
    /// They follow each other: one JSON value a line.
    Lines,
    /// It is Lua.
    Lua,
    /// It is text: ids and links.
    Plain,
    /// It is a table, with titles.
    Table,
}

/// How a file begins. An error says that its encoding is not read.
pub fn kind(file: impl Read) -> Result<DocumentLayout, FileError> {
    let mut first = Vec::new();
    let unreadable = |error| FileError::new(1, format!("the file cannot be read: {error}"));
    file.take(FIRST)
        .read_to_end(&mut first)
        .map_err(unreadable)?;
    let is_wide = first.starts_with(&[0xFF, 0xFE]) || first.starts_with(&[0xFE, 0xFF]);
    if is_wide || first.contains(&0) {
        let what = "this is not UTF-8 (it seems to be UTF-16, or no text at all): save the file as \
                    UTF-8";
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

/// Whether text behind a brace is a list of Lua: a string that no colon follows.
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

/// Whether the first line that says something has nothing but ids and links.
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

/// The layout of a JSON document.
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
            // Not to be looked through: it may be of any size.
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
            "no list of bans is found: the document has the members {}, and none of those that are \
             known ({})",
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
    fn layouts_are_told_apart_by_their_beginning() {
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
    fn what_is_not_read_is_named() {
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
