//! The users API: who exists, and what they are and were called.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::answer::Answer;
use super::routes::Call;

/// The most ids in a call, as Roblox publishes it.
const MOST_IDS: usize = 200;

/// The most names in a call, as callers report it.
const MOST_NAMES: usize = 100;

/// Users with known names. Any other is called `user_` and their id, unless there is no such user.
#[derive(Debug)]
pub struct Users {
    named: BTreeMap<u64, Named>,
    /// Who had a name before, in lower case.
    previous: HashMap<String, u64>,
    nobody: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
struct Named {
    name: String,
    display_name: String,
}

impl Default for Users {
    /// Users 1 and 156 have the names that they have at Roblox.
    fn default() -> Self {
        let mut users = Self {
            named: BTreeMap::new(),
            previous: HashMap::new(),
            nobody: BTreeSet::new(),
        };
        users.set(1, "Roblox", "Roblox");
        users.set(156, "builderman", "builderman");
        users
    }
}

impl Users {
    /// Names a user. Their name until now becomes a previous one.
    pub fn set(&mut self, user: u64, name: &str, display_name: &str) {
        if let Some(before) = self.of(user) {
            self.previous.insert(before.name.to_ascii_lowercase(), user);
        }
        self.nobody.remove(&user);
        let (name, display_name) = (name.to_owned(), display_name.to_owned());
        self.named.insert(user, Named { name, display_name });
    }

    /// Makes a user unknown.
    pub fn remove(&mut self, user: u64) {
        self.nobody.insert(user);
    }

    fn of(&self, user: u64) -> Option<Named> {
        if self.nobody.contains(&user) || user == 0 {
            return None;
        }
        let named = self.named.get(&user).cloned();
        Some(named.unwrap_or_else(|| Named {
            name: format!("user_{user}"),
            display_name: format!("User {user}"),
        }))
    }

    /// Who has a name, or else had it.
    fn by_name(&self, name: &str) -> Option<u64> {
        let name = name.to_ascii_lowercase();
        let named = self.named.iter();
        let mut named = named.filter(|(_, it)| it.name.eq_ignore_ascii_case(&name));
        let unnamed = || {
            let id = name.strip_prefix("user_")?.parse().ok()?;
            (!self.named.contains_key(&id)).then_some(id)
        };
        let present = named.next().map(|(user, _)| *user).or_else(unnamed);
        present.or_else(|| self.previous.get(&name).copied())
    }
}

/// `POST /v1/users`.
pub fn by_id(users: &Users, call: &Call) -> Answer {
    let body = call.json().unwrap_or_default();
    let Some(ids) = body.get("userIds").and_then(Value::as_array) else {
        return refused(0, "The userIds are missing.");
    };
    if ids.len() > MOST_IDS {
        return refused(1, "Too many ids.");
    }
    let ids: BTreeSet<_> = ids.iter().filter_map(Value::as_u64).collect();
    let found = ids
        .into_iter()
        .filter_map(|user| Some((user, users.of(user)?)));
    list(found.map(|(user, named)| {
        json!({
            "id": user,
            "name": named.name,
            "displayName": named.display_name,
            "hasVerifiedBadge": false,
        })
    }))
}

/// `POST /v1/usernames/users`.
pub fn by_name(users: &Users, call: &Call) -> Answer {
    let body = call.json().unwrap_or_default();
    let Some(names) = body.get("usernames").and_then(Value::as_array) else {
        return refused(0, "The usernames are missing.");
    };
    if names.len() > MOST_NAMES {
        return refused(2, "Too many usernames.");
    }
    let found = names.iter().filter_map(|requested| {
        let requested = requested.as_str()?;
        let user = users.by_name(requested)?;
        let found = users.of(user)?;
        Some(json!({
            "requestedUsername": requested,
            "id": user,
            "name": found.name,
            "displayName": found.display_name,
            "hasVerifiedBadge": false,
        }))
    });
    list(found)
}

fn list(found: impl Iterator<Item = Value>) -> Answer {
    let found: Vec<_> = found.collect();
    Answer::json(200, &json!({ "data": found }))
}

fn refused(code: u8, message: &str) -> Answer {
    let errors = json!({ "errors": [{ "code": code, "message": message }] });
    Answer::json(400, &errors)
}
