//! The state of the fake.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::faults::Fault;
use super::groups::{Group, OwnerCalls};
use super::limits::Windows;
use super::users::Users;
use crate::exchange::Exchanges;
use crate::faults::Rules;

/// The scopes that the fake knows.
pub const SCOPES: [&str; 5] = [
    "universe.user-restriction:read",
    "universe.user-restriction:write",
    "universe-messaging-service:publish",
    "group:read",
    "group:write",
];

#[derive(Clone, Debug)]
pub struct Key {
    pub alive: bool,
    pub scopes: BTreeSet<String>,
    /// The universes of the key; empty for all.
    pub universes: BTreeSet<u64>,
    /// The groups of the key; empty for all.
    pub groups: BTreeSet<u64>,
    /// The user who owns the key.
    pub owner: u64,
}

impl Key {
    pub fn new(universes: &[u64]) -> Self {
        Self {
            alive: true,
            scopes: SCOPES.map(str::to_owned).into(),
            universes: universes.iter().copied().collect(),
            groups: BTreeSet::new(),
            owner: 1,
        }
    }
    #[must_use]
    pub fn without(mut self, scope: &str) -> Self {
        self.scopes.remove(scope);
        self
    }

    /// Limits the key to some groups.
    #[must_use]
    pub fn only_groups(mut self, groups: &[u64]) -> Self {
        self.groups = groups.iter().copied().collect();
        self
    }

    pub(super) fn reaches(&self, universe: u64) -> bool {
        self.universes.is_empty() || self.universes.contains(&universe)
    }
}

/// The restriction of one user at one level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restriction {
    pub active: bool,
    pub start: Option<jiff::Timestamp>,
    /// The duration; `None` for a permanent restriction.
    pub seconds: Option<u64>,
    pub private_reason: String,
    pub display_reason: String,
    /// Whether the user's other accounts may join.
    pub exclude_alts: bool,
    pub updated: Option<jiff::Timestamp>,
}

impl Restriction {
    /// Whether the restriction is in force then.
    pub fn holds(&self, now: jiff::Timestamp) -> bool {
        self.active && self.ends().is_none_or(|end| end > now)
    }

    /// When the restriction expires, if it does.
    pub fn ends(&self) -> Option<jiff::Timestamp> {
        let seconds = i64::try_from(self.seconds?).ok()?;
        self.start?
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .ok()
    }

    pub(super) fn json(&self, inherited: bool, now: jiff::Timestamp) -> Value {
        let mut json = json!({
            "active": self.holds(now),
            "privateReason": self.private_reason,
            "displayReason": self.display_reason,
            "excludeAltAccounts": self.exclude_alts,
            "inherited": inherited,
        });
        if self.holds(now)
            && let Some(object) = json.as_object_mut()
        {
            if let Some(start) = self.start {
                object.insert("startTime".to_owned(), json!(start.to_string()));
            }
            if let Some(seconds) = self.seconds {
                object.insert("duration".to_owned(), json!(format!("{seconds}s")));
            }
        }
        json
    }
}

/// A change through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub universe: u64,
    /// The place, or `None` for the whole universe.
    pub place: Option<u64>,
    pub user: u64,
    /// The owner of the key.
    pub moderator: u64,
    pub at: jiff::Timestamp,
    pub restriction: Restriction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub universe: u64,
    pub topic: String,
    pub message: String,
}

#[derive(Debug, Default)]
pub struct State {
    pub keys: HashMap<String, Key>,
    pub places: BTreeMap<u64, u64>,
    /// By universe, place and user.
    pub restrictions: BTreeMap<(u64, Option<u64>, u64), Restriction>,
    /// The first answer to each idempotency key.
    pub answered: HashMap<(String, String), Bytes>,
    pub logs: Vec<LogEntry>,
    pub messages: Vec<Message>,
    pub groups: BTreeMap<u64, Group>,
    pub role_changes: Vec<String>,
    pub group_calls: OwnerCalls,
    pub exchanges: Exchanges,
    pub limits: Windows,
    pub users: Users,
    pub faults: Rules<Fault>,
    pub delay: Duration,
    pub calls: u64,
    /// Whether to print changes and messages.
    pub prints: bool,
}

impl State {
    pub fn note(&mut self, change: LogEntry) {
        if self.prints {
            let LogEntry {
                universe,
                place,
                user,
                restriction,
                ..
            } = &change;
            let level = place.map_or(String::new(), |place| format!(", place {place}"));
            let what = match (restriction.active, restriction.seconds) {
                (false, _) => "not restricted".to_owned(),
                (true, None) => "restricted permanently".to_owned(),
                (true, Some(seconds)) => format!("restricted for {seconds} s"),
            };
            println!("roblox: user {user} is {what} in universe {universe}{level}");
        }
        self.logs.push(change);
    }

    pub fn publish(&mut self, message: Message) {
        if self.prints {
            let Message {
                universe,
                topic,
                message,
            } = &message;
            println!("roblox: message to all servers of universe {universe} on {topic}: {message}");
        }
        self.messages.push(message);
    }
}
