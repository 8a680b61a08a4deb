//! What the stand-in holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::faults::Faults;
use super::limits::Windows;

/// The scopes that a key can have here.
pub const SCOPES: [&str; 3] = [
    "universe.user-restriction:read",
    "universe.user-restriction:write",
    "universe-messaging-service:publish",
];

/// A key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Whether it is accepted.
    pub alive: bool,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// Where; empty = everywhere.
    pub universes: BTreeSet<u64>,
    /// The user it belongs to.
    pub owner: u64,
}

impl Key {
    /// A key with every scope.
    #[must_use]
    pub fn new(universes: &[u64]) -> Self {
        Self {
            alive: true,
            scopes: SCOPES.map(str::to_owned).into(),
            universes: universes.iter().copied().collect(),
            owner: 1,
        }
    }

    /// The same without one scope.
    #[must_use]
    pub fn without(mut self, scope: &str) -> Self {
        self.scopes.remove(scope);
        self
    }

    /// Whether it reaches a universe.
    pub(super) fn reaches(&self, universe: u64) -> bool {
        self.universes.is_empty() || self.universes.contains(&universe)
    }
}

/// A restriction of one user at one level, as it was set there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restriction {
    /// Whether it keeps the user out.
    pub active: bool,
    /// Since when.
    pub start: Option<jiff::Timestamp>,
    /// For how many seconds; none = for good.
    pub seconds: Option<u64>,
    /// For moderators.
    pub private_reason: String,
    /// For the user.
    pub display_reason: String,
    /// Whether other accounts of the user are spared.
    pub exclude_alts: bool,
    /// When it was last set.
    pub updated: Option<jiff::Timestamp>,
}

impl Restriction {
    /// Whether it keeps the user out at a time.
    #[must_use]
    pub fn holds(&self, now: jiff::Timestamp) -> bool {
        self.active && self.ends().is_none_or(|end| end > now)
    }

    /// When it ends by itself.
    #[must_use]
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

/// A change that was made through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Where.
    pub universe: u64,
    /// The place, if only there.
    pub place: Option<u64>,
    /// Whom.
    pub user: u64,
    /// Who: the owner of the key.
    pub moderator: u64,
    /// When.
    pub at: jiff::Timestamp,
    /// What was set.
    pub restriction: Restriction,
}

/// A message that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub universe: u64,
    /// On which topic.
    pub topic: String,
    /// What.
    pub message: String,
}

/// Everything.
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
    pub limits: Windows,
    pub faults: Faults,
    pub delay: Duration,
    pub calls: u64,
    /// Whether it says aloud what is changed.
    pub prints: bool,
}

impl State {
    /// Takes note of a change of a restriction.
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
                (true, None) => "restricted for good".to_owned(),
                (true, Some(seconds)) => format!("restricted for {seconds} s"),
            };
            println!("roblox: user {user} is {what} in universe {universe}{level}");
        }
        self.logs.push(change);
    }

    /// Takes note of a message.
    pub fn publish(&mut self, message: Message) {
        if self.prints {
            let Message {
                universe,
                topic,
                message,
            } = &message;
            println!("roblox: to all servers of universe {universe} on {topic}: {message}");
        }
        self.messages.push(message);
    }
}
