//! `kohls-admin`: what Kohl's Admin keeps of its bans in its data store.
//!
//! An object from user id to `[name, reason, end, moderator]`, with `end` -1 for a ban that does not
//! end and nothing for one of a single server, which is not kept. Early versions had no `name` in
//! it and kept the object as the first part of `Main`, a list. Its predecessor, Kohl's Admin
//! Infinite, keeps `[admins, bans, settings]` under `KSave`, with `bans` a text of `id:end` pairs:
//! -1 for a ban that does not end, the negative of its end for one that does.

use std::collections::VecDeque;
use std::io::BufRead;

use serde_json::Value;

use super::defaults::{Defaults, Draft};
use super::elements::parsed;
use super::scanner::{Scanner, Within};
use super::{Row, RowError, times};

pub fn rows<R: BufRead>(input: R, defaults: Defaults) -> Bans<R> {
    Bans {
        scanner: Scanner::new(input),
        defaults,
        at: At::Start,
        pairs: VecDeque::new(),
    }
}

/// The bans of a dump.
pub struct Bans<R> {
    scanner: Scanner<R>,
    defaults: Defaults,
    at: At,
    /// What is left of a text of pairs, with its line.
    pairs: VecDeque<(u64, String)>,
}

enum At {
    Start,
    Bans {
        bans: Within,
        around: Option<Within>,
    },
    Pairs,
    End,
}

impl<R: BufRead> Bans<R> {
    fn advance(&mut self) -> Result<Option<Row>, RowError> {
        if matches!(self.at, At::Start) {
            self.begin()?;
        }
        while let Some((line, pair)) = self.pairs.pop_front() {
            if let Some(row) = pair_row(line, &pair, &self.defaults)? {
                return Ok(Some(row));
            }
        }
        let At::Bans { bans, around } = &mut self.at else {
            return Ok(None);
        };
        while self.scanner.next(bans)? {
            let user = self.scanner.name()?;
            let piece = self.scanner.value()?;
            if let Some(row) = ban_row(piece.line, user, parsed(&piece)?, &self.defaults)? {
                return Ok(Some(row));
            }
        }
        if let Some(around) = around {
            while self.scanner.next(around)? {
                self.scanner.value()?;
            }
        }
        self.at = At::End;
        self.scanner.end()?;
        Ok(None)
    }

    fn begin(&mut self) -> Result<(), RowError> {
        let is_list = self.scanner.peek()? == Some(b'[');
        let mut outer = self.scanner.enter()?;
        if !is_list {
            self.at = At::Bans {
                bans: outer,
                around: None,
            };
            return Ok(());
        }
        if !self.scanner.next(&mut outer)? {
            self.at = At::End;
            return self.scanner.end();
        }
        if self.scanner.peek()? == Some(b'{') {
            let bans = self.scanner.enter()?;
            self.at = At::Bans {
                bans,
                around: Some(outer),
            };
            return Ok(());
        }
        // The admins come first, and an empty object of Lua is written as a list.
        self.scanner.value()?;
        self.at = At::Pairs;
        if self.scanner.next(&mut outer)? {
            let piece = self.scanner.value()?;
            if let Value::String(pairs) = parsed(&piece)? {
                let pairs = pairs.split_whitespace();
                self.pairs = pairs.map(|pair| (piece.line, pair.to_owned())).collect();
            }
            while self.scanner.next(&mut outer)? {
                self.scanner.value()?;
            }
        }
        self.scanner.end()
    }
}

impl<R: BufRead> Iterator for Bans<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance().transpose();
        if matches!(&next, Some(Err(error)) if error.fatal) {
            self.at = At::End;
            self.pairs.clear();
        }
        next
    }
}

/// The ban of a user; nothing for one of a single server.
fn ban_row(
    line: u64,
    user: String,
    ban: Value,
    defaults: &Defaults,
) -> Result<Option<Row>, RowError> {
    let mut parts = match ban {
        Value::Array(parts) => parts,
        // A Lua table with holes is written with its indices as names.
        Value::Object(mut parts) => (1..=4)
            .map(|index| parts.remove(&index.to_string()).unwrap_or_default())
            .collect(),
        _ => return Err(RowError::new(line, "a ban is expected, a list")),
    };
    // Without a name: the reason, the end, the moderator.
    if parts.get(1).is_some_and(Value::is_number) {
        parts.insert(0, Value::Null);
    }
    let mut part = |at: usize| parts.get_mut(at).map(Value::take).unwrap_or_default();
    let (reason, end, moderator) = (part(1), part(2), part(3));
    if end.is_null() {
        return Ok(None);
    }
    let expires = times::end_of(&end)
        .ok_or_else(|| RowError::new(line, "the end must be Unix seconds or -1"))?;
    Draft::default()
        .with("robloxId", user)
        .with("publicReason", reason)
        .with("expires", expires)
        .with("moderatorId", moderator)
        .row(line, defaults, name)
        .map(Some)
}

fn pair_row(line: u64, pair: &str, defaults: &Defaults) -> Result<Option<Row>, RowError> {
    let (user, end) = pair
        .rsplit_once(':')
        .ok_or_else(|| RowError::new(line, "a pair id:end is expected"))?;
    let end = end
        .parse::<i64>()
        .map_err(|_| RowError::new(line, "the end must be an integer"))?;
    // What is not negative was for a single server.
    if end >= 0 {
        return Ok(None);
    }
    let expires = if end == -1 { 0 } else { end.unsigned_abs() };
    Draft::default()
        .with("robloxId", user)
        .with("expires", expires)
        .row(line, defaults, name)
        .map(Some)
}

fn name(field: &str) -> String {
    match field {
        "robloxId" => "the user's id",
        "moderatorId" => "the moderator",
        "publicReason" | "privateReason" => "the reason",
        "expires" => "the end",
        other => other,
    }
    .to_owned()
}
