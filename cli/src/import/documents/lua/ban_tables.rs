//! Finds the tables of a script that contain bans, by their names.

use serde_json::Value;

use super::{LuaEntry, Table};
use crate::import::fields::ids::is_digits;

/// The maximum length of a name to check, in bytes.
const MAX_NAME: usize = 40;

/// Words for a list of bans.
const BANS: [&str; 7] = [
    "bans",
    "banned",
    "ban",
    "blacklisted",
    "blacklist",
    "blocklist",
    "blocked",
];

/// Other words that its name may contain.
const OTHER_WORDS: [&str; 23] = [
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

/// Whether a name such as `BannedUserIds` means that a table contains bans. A name with any other word
/// does not: `CanBan`, `Unbanned` and `BanExempt` contain users who are not banned.
fn means_bans(name: &str) -> bool {
    fn is_made_of_words(rest: &str, says: bool) -> bool {
        let after = |words: &[&str], says| {
            let mut rests = words.iter().filter_map(|word| rest.strip_prefix(word));
            rests.any(|rest| is_made_of_words(rest, says))
        };
        (rest.is_empty() && says) || after(&BANS, true) || after(&OTHER_WORDS, says)
    }
    let name = name.rsplit('.').next().unwrap_or(name);
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    let name: String = letters.flat_map(char::to_lowercase).collect();
    name.len() <= MAX_NAME && is_made_of_words(&name, false)
}

/// The bans in a table, or in the named tables inside it. `others` collects the names of other tables,
/// and `unnamed` the entries of tables without a name.
pub fn ban_entries(
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
            if !means_bans(&key) {
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
    if means_bans(name) {
        return Some(table);
    }
    if name.is_empty() {
        unnamed.get_or_insert_default().extend(table);
        return None;
    }
    others.push(name.to_owned());
    None
}
