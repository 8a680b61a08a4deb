//! Parses Lua tables, such as lists of ids in scripts.
//!
//! Only tables that are returned or have a name such as `Banned` are read: others may list admins.

mod ban_tables;

use std::io::{BufRead, Read};

use serde_json::{Map, Value};

use crate::import::FileError;
use ban_tables::ban_entries;

/// The maximum size of a script, in bytes. Roblox allows scripts of 200,000 characters.
const MAX_SIZE: u64 = 1 << 24;

/// The maximum nesting depth of tables.
const MAX_DEPTH: u32 = 32;

/// An entry of a table: its line, its key if it has one, and its value.
pub type LuaEntry = (u64, Option<String>, Value);

/// The entries of all tables of bans, and the names of other tables, which are not read.
#[derive(Debug)]
pub struct LuaTables {
    pub entries: Vec<LuaEntry>,
    pub skipped: Vec<String>,
}

/// Reads a script.
pub fn tables(input: &mut impl BufRead) -> Result<LuaTables, FileError> {
    let mut bytes = Vec::new();
    let read = input.take(MAX_SIZE).read_to_end(&mut bytes);
    read.map_err(|error| FileError::new(1, format!("could not read the file: {error}")))?;
    if bytes.len() as u64 >= MAX_SIZE {
        return Err(FileError::new(1, "the script is larger than 16 MiB"));
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
    fn file(&mut self) -> Result<LuaTables, FileError> {
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
                return Err(self.wrong("expected a table"));
            }
            let name = self.assigned()?;
            let Some(name) = name else { continue };
            let table = self.table(0)?;
            if let Some(taken) = ban_entries(name, table, &mut others, &mut unnamed) {
                let entries: &mut Table = found.get_or_insert_default();
                entries.extend(taken);
            }
        }
        // An unnamed table counts only if there is no named one: a function may return it.
        let Some(found) = found.or(unnamed) else {
            let what = if others.is_empty() {
                "no table of bans found".to_owned()
            } else {
                format!(
                    "no table of bans found: the tables are named {}, but only names such as Banned are \
                     read",
                    others.join(", ")
                )
            };
            return Err(FileError::new(1, what));
        };
        Ok(LuaTables {
            entries: found,
            skipped: others,
        })
    }

    /// Skips to the next table and returns its name, empty if it has none; `None` if no table follows.
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
        if depth >= MAX_DEPTH {
            return Err(self.wrong("tables are nested too deeply"));
        }
        self.expect('{')?;
        let mut entries = Vec::new();
        loop {
            self.skip()?;
            let line = self.line;
            match self.rest.chars().next() {
                None => return Err(self.wrong("unexpected end of file in a table")),
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
            _ => Err(self.wrong("expected a value")),
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
                "{word} cannot be read: only numbers, strings and tables are supported"
            ))),
        }
    }

    fn expect(&mut self, c: char) -> Result<(), FileError> {
        self.skip()?;
        if !self.rest.starts_with(c) {
            return Err(self.wrong(&format!("expected {c:?}")));
        }
        self.bump(c);
        Ok(())
    }

    /// Skips white space and comments.
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
        FileError::new(self.line, format!("invalid Lua: {what}"))
    }
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Converts a nested table to JSON.
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
        tables(&mut text.as_bytes()).map(|tables| tables.entries)
    }

    #[test]
    fn skipped_tables_are_reported() {
        let text = "local Admins = {1}\nreturn { Banned = {2}, Mods = {3} }";
        let found = tables(&mut text.as_bytes()).unwrap();
        assert_eq!(found.skipped, ["Admins", "Mods"]);
        assert_eq!(found.entries.len(), 1);
    }

    #[test]
    fn lists_of_ids_are_parsed() {
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
    fn other_tables_and_invalid_ones_are_errors() {
        for (text, says) in [
            ("local Admins = {1, 2}", "the tables are named Admins"),
            ("local CanBan = {1, 2}", "the tables are named CanBan"),
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
                "the tables are named CanBan",
            ),
            ("return { Admins = {1}, Mods = {2} }", "Admins, Mods"),
            ("return {1, 2", "unexpected end of file in a table"),
            ("return {\"a, 2}\n", "a string begins here"),
            ("return {print(1)}", "print cannot be read"),
            ("--[[ x", "never closed"),
            ("return 7", "no table of bans found"),
            ("return {7..8}", "not a number"),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.message.contains(says), "{text}: {wrong:?}");
        }
        let deep = "{".repeat(100_000);
        assert!(read(&deep).is_err());
    }
}
