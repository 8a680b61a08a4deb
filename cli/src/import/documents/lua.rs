//! Tables of Lua: lists of ids as scripts have them.
//!
//! Only tables that are returned, or named as bans, are read: the list beside them may be that of
//! the admins.

use std::io::{BufRead, Read};

use serde_json::{Map, Value};

use crate::import::FileError;
use crate::import::fields::ids::is_digits;

/// The largest script, in bytes: Roblox allows scripts of 200,000 characters.
const LARGEST: u64 = 1 << 24;

/// How deep tables may lie in each other.
const DEEPEST: u32 = 32;

/// An entry of a table: its line, the key if it has one, and what it is.
pub type LuaEntry = (u64, Option<String>, Value);

/// The entries of all tables of bans.
pub fn entries(input: &mut impl BufRead) -> Result<Vec<LuaEntry>, FileError> {
    let mut bytes = Vec::new();
    let read = input.take(LARGEST).read_to_end(&mut bytes);
    read.map_err(|error| FileError::new(1, format!("the file cannot be read: {error}")))?;
    if bytes.len() as u64 >= LARGEST {
        return Err(FileError::new(1, "the script is over 16 MiB long"));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| FileError::new(1, "this is not UTF-8: save the file as UTF-8"))?;
    let mut parser = Parser {
        rest: text.trim_start_matches('\u{feff}'),
        line: 1,
    };
    parser.file()
}

struct Parser<'a> {
    rest: &'a str,
    line: u64,
}

/// A table: its entries in order.
type Table = Vec<LuaEntry>;

impl<'a> Parser<'a> {
    fn file(&mut self) -> Result<Vec<LuaEntry>, FileError> {
        let (mut found, mut others, mut unnamed) = (None, Vec::new(), None);
        loop {
            self.skip()?;
            let Some(c) = self.rest.chars().next() else {
                break;
            };
            if c != '{' && !is_name(c) {
                if matches!(c, ';' | '=' | ')' | '(' | ',') {
                    self.bump(c);
                    continue;
                }
                return Err(self.wrong("a table is expected"));
            }
            let name = self.assigned()?;
            let Some(name) = name else { continue };
            let table = self.table(0)?;
            if let Some(taken) = bans(name, table, &mut others, &mut unnamed) {
                let entries: &mut Table = found.get_or_insert_default();
                entries.extend(taken);
            }
        }
        // A table without a name, such as one that a function returns, counts only if it is all there is.
        let Some(found) = found.or(unnamed) else {
            let what = if others.is_empty() {
                "there is no table of bans".to_owned()
            } else {
                format!(
                    "there is no table of bans: the tables are called {}, and only those with a \
                     name such as Banned are read",
                    others.join(", ")
                )
            };
            return Err(FileError::new(1, what));
        };
        Ok(found)
    }

    /// The name to which the table that follows is assigned, empty if there is none; nothing if no
    /// table follows.
    fn assigned(&mut self) -> Result<Option<&'a str>, FileError> {
        let mut name = "";
        loop {
            self.skip()?;
            if self.rest.starts_with('{') {
                return Ok(Some(name));
            }
            let end = self.rest.find(|c: char| !is_name(c) && c != '.');
            let word = self
                .rest
                .get(..end.unwrap_or(self.rest.len()))
                .unwrap_or_default();
            if word.is_empty() {
                if self.rest.starts_with('=') {
                    self.bump('=');
                    continue;
                }
                if let Some(c) = self.rest.chars().next() {
                    self.bump(c);
                }
                return Ok(None);
            }
            self.rest = self.rest.get(word.len()..).unwrap_or_default();
            if !matches!(word, "local" | "return") {
                name = word.rsplit('.').next().unwrap_or_default();
            }
        }
    }

    fn table(&mut self, depth: u32) -> Result<Table, FileError> {
        if depth >= DEEPEST {
            return Err(self.wrong("tables lie too deep in each other"));
        }
        self.expect('{')?;
        let mut entries = Vec::new();
        loop {
            self.skip()?;
            let line = self.line;
            match self.rest.chars().next() {
                None => return Err(self.wrong("the file ends in the middle of a table")),
                Some('}') => {
                    self.bump('}');
                    return Ok(entries);
                }
                Some(c @ (',' | ';')) => self.bump(c),
                Some('[') => {
                    self.bump('[');
                    let key = self.value(depth)?;
                    self.expect(']')?;
                    self.expect('=')?;
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    entries.push((line, Some(key), self.value(depth)?));
                }
                Some(c) if c.is_alphabetic() || c == '_' => {
                    let word = self.word();
                    self.skip()?;
                    if self.rest.starts_with('=') {
                        self.bump('=');
                        entries.push((line, Some(word.to_owned()), self.value(depth)?));
                    } else {
                        entries.push((line, None, self.constant(word)?));
                    }
                }
                Some(_) => entries.push((line, None, self.value(depth)?)),
            }
        }
    }

    fn value(&mut self, depth: u32) -> Result<Value, FileError> {
        self.skip()?;
        match self.rest.chars().next() {
            Some('{') => Ok(object(self.table(depth.saturating_add(1))?)),
            Some(quote @ ('"' | '\'')) => self.string(quote).map(Value::from),
            Some(c) if c.is_ascii_digit() || c == '-' => self.number(),
            Some(c) if c.is_alphabetic() => {
                let word = self.word();
                self.constant(word)
            }
            _ => Err(self.wrong("a value is expected")),
        }
    }

    fn number(&mut self) -> Result<Value, FileError> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let text = self.rest.get(..end).unwrap_or_default();
        let plain = text.replace('_', "");
        let number = serde_json::from_str::<serde_json::Number>(&plain);
        let number = number.map_err(|_| self.wrong(&format!("{text} is not a number")))?;
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(number.into())
    }

    fn string(&mut self, quote: char) -> Result<String, FileError> {
        let opened = self.line;
        self.bump(quote);
        let mut text = String::new();
        loop {
            let Some(c) = self.rest.chars().next() else {
                return Err(FileError::new(
                    opened,
                    "a string begins here and is never closed",
                ));
            };
            self.bump(c);
            match c {
                _ if c == quote => return Ok(text),
                '\n' => {
                    return Err(FileError::new(
                        opened,
                        "a string begins here and is not closed",
                    ));
                }
                '\\' => {
                    let Some(escaped) = self.rest.chars().next() else {
                        continue;
                    };
                    self.bump(escaped);
                    text.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        other => other,
                    });
                }
                _ => text.push(c),
            }
        }
    }

    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| !is_name(c) && c != '.')
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        word
    }

    fn constant(&self, word: &str) -> Result<Value, FileError> {
        match word {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            "nil" => Ok(Value::Null),
            "math.huge" => Ok("math.huge".into()),
            _ => Err(self.wrong(&format!(
                "{word} cannot be read: only numbers, strings and tables"
            ))),
        }
    }

    fn expect(&mut self, c: char) -> Result<(), FileError> {
        self.skip()?;
        if !self.rest.starts_with(c) {
            return Err(self.wrong(&format!("{c:?} is expected")));
        }
        self.bump(c);
        Ok(())
    }

    /// Passes over blanks and comments.
    fn skip(&mut self) -> Result<(), FileError> {
        loop {
            if let Some(comment) = self.rest.strip_prefix("--[[") {
                let end = comment.find("]]");
                let end = end.ok_or_else(|| self.wrong("a comment is never closed"))?;
                self.pass(end.saturating_add(6));
            } else if self.rest.starts_with("--") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.pass(end);
            } else if let Some(c) = self.rest.chars().next().filter(|c| c.is_whitespace()) {
                self.bump(c);
            } else {
                return Ok(());
            }
        }
    }

    fn pass(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let lines = passed.matches('\n').count();
        self.line = self
            .line
            .saturating_add(u64::try_from(lines).unwrap_or_default());
        self.rest = rest;
    }

    fn bump(&mut self, c: char) {
        self.pass(c.len_utf8());
    }

    fn wrong(&self, what: &str) -> FileError {
        FileError::new(self.line, format!("this Lua cannot be read: {what}"))
    }
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// How many letters a name may have that is looked at.
const LONGEST_NAME: usize = 40;

/// What a list of bans is called.
const BANS: [&str; 7] = [
    "bans",
    "banned",
    "ban",
    "blacklisted",
    "blacklist",
    "blocklist",
    "blocked",
];

/// What else may stand in its name.
const BESIDE: [&str; 23] = [
    "accounts",
    "all",
    "data",
    "exploiters",
    "game",
    "global",
    "ids",
    "id",
    "lists",
    "list",
    "my",
    "our",
    "permanently",
    "permanent",
    "perma",
    "perm",
    "players",
    "player",
    "roblox",
    "server",
    "table",
    "users",
    "user",
];

/// Whether a name says that a table holds bans, as `BannedUserIds` does. One with any other word does
/// not: `CanBan`, `Unbanned` and `BanExempt` hold users who are not banned.
fn says_bans(name: &str) -> bool {
    fn is_made_of_words(rest: &str, says: bool) -> bool {
        let after = |words: &[&str], says| {
            let mut rests = words.iter().filter_map(|word| rest.strip_prefix(word));
            rests.any(|rest| is_made_of_words(rest, says))
        };
        (rest.is_empty() && says) || after(&BANS, true) || after(&BESIDE, says)
    }
    let name = name.rsplit('.').next().unwrap_or(name);
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    let name: String = letters.flat_map(char::to_lowercase).collect();
    name.len() <= LONGEST_NAME && is_made_of_words(&name, false)
}

/// The entries that are bans: those of the table, or of the tables in it with such a name.
fn bans(
    name: &str,
    table: Table,
    others: &mut Vec<String>,
    unnamed: &mut Option<Table>,
) -> Option<Table> {
    let is_named = |(_, key, value): &LuaEntry| {
        let key = key.as_deref().unwrap_or_default();
        !key.is_empty() && !is_digits(key) && (value.is_array() || value.is_object())
    };
    if !table.is_empty() && table.iter().all(is_named) {
        let mut found = None;
        for (line, key, value) in table {
            let key = key.unwrap_or_default();
            if !says_bans(&key) {
                others.push(key);
                continue;
            }
            let entries: &mut Vec<LuaEntry> = found.get_or_insert_default();
            match value {
                Value::Array(list) => entries.extend(list.into_iter().map(|own| (line, None, own))),
                Value::Object(by_key) => {
                    entries.extend(by_key.into_iter().map(|(key, own)| (line, Some(key), own)));
                }
                _ => {}
            }
        }
        return found;
    }
    if says_bans(name) {
        return Some(table);
    }
    if name.is_empty() {
        unnamed.get_or_insert_default().extend(table);
        return None;
    }
    others.push(name.to_owned());
    None
}

/// A table within a table, as JSON.
fn object(table: Table) -> Value {
    if table.iter().all(|(_, key, _)| key.is_none()) {
        return table.into_iter().map(|(_, _, value)| value).collect();
    }
    let named = table.into_iter().enumerate().map(|(at, (_, key, value))| {
        (
            key.unwrap_or_else(|| at.saturating_add(1).to_string()),
            value,
        )
    });
    Value::Object(named.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Vec<LuaEntry>, FileError> {
        entries(&mut text.as_bytes())
    }

    #[test]
    fn lists_of_ids_are_read() {
        let both = |entries: Vec<LuaEntry>| {
            let values = entries.into_iter().map(|(line, _, value)| (line, value));
            values.collect::<Vec<_>>()
        };
        for text in [
            "return {\n    5600001,\n    5600002,\n}\n",
            "--[[ bans\n]] local Banned = {5600001;\n5600002}\nreturn Banned\n",
            "local t = {}\nt.Banned = {\n5600001, -- Mallory\n5600002}",
            "{\n5_600_001, \n5600002\n}",
            "return { Admins = {7}, Banned = {\n 5600001, 5600002 } }",
            "local CanBan = {7}\nlocal bannedPlayerIds = {5600001,\n5600002}\nlocal Unbanned = {8}",
            "local GLOBAL_BAN_LIST = {5600001,\n5600002}\nlocal function ranks() return {254, 255} end",
        ] {
            let found = both(read(text).unwrap());
            let values: Vec<_> = found.iter().map(|(_, value)| value.clone()).collect();
            assert_eq!(values, [json!(5_600_001), json!(5_600_002)], "{text}");
        }
        let found =
            read("return {\n[7] = true, ['8'] = \"spam\",\n{UserId = 9, Reason = 'x\\'y'}}");
        let found = found.unwrap();
        assert_eq!(found[0], (2, Some("7".to_owned()), json!(true)));
        assert_eq!(found[1], (2, Some("8".to_owned()), json!("spam")));
        assert_eq!(found[2], (3, None, json!({ "UserId": 9, "Reason": "x'y" })));
    }

    #[test]
    fn other_tables_and_broken_ones_are_errors() {
        for (text, says) in [
            ("local Admins = {1, 2}", "the tables are called Admins"),
            ("local CanBan = {1, 2}", "the tables are called CanBan"),
            (
                "local Unbanned = {1}\nlocal NotBanned = {2}",
                "Unbanned, NotBanned",
            ),
            (
                "return { BanExempt = {1}, BanRanks = {254}, Bands = {3} }",
                "BanExempt, BanRanks, Bands",
            ),
            (
                "Settings.CanBan = {'Bob:71016'}",
                "the tables are called CanBan",
            ),
            ("return { Admins = {1}, Mods = {2} }", "Admins, Mods"),
            ("return {1, 2", "the file ends in the middle of a table"),
            ("return {\"a, 2}\n", "a string begins here"),
            ("return {print(1)}", "print cannot be read"),
            ("--[[ x", "never closed"),
            ("return 7", "there is no table of bans"),
            ("return {7..8}", "not a number"),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.message.contains(says), "{text}: {wrong:?}");
        }
        let deep = "{".repeat(100_000);
        assert!(read(&deep).is_err());
    }
}
