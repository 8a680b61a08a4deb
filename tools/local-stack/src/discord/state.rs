//! The state of the fake.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;

use super::application::Registered;
use super::bans::FakeAuditEntry;
use super::files::FakeFile;
use super::routes::Answer;
use super::webhooks::FakeWebhook;
use crate::exchange::Exchanges;
use crate::faults::Rules;

#[derive(Debug, Default)]
pub struct State {
    /// The addresses that the application has registered.
    pub redirects: Vec<String>,
    pub users: BTreeMap<u64, User>,
    pub guilds: BTreeMap<u64, FakeGuild>,
    /// The codes that nobody has used yet.
    pub codes: HashMap<String, Code>,
    /// The users of access tokens.
    pub tokens: HashMap<String, u64>,
    pub webhooks: BTreeMap<u64, FakeWebhook>,
    /// Whether messages are printed.
    pub prints: bool,
    /// The edited answers of interactions, by their tokens.
    pub originals: HashMap<String, Value>,
    /// The files of messages, by their ids.
    pub files: BTreeMap<u64, FakeFile>,
    pub registered: Registered,
    /// The reasons of changes of roles, oldest first.
    pub audit: Vec<String>,
    pub faults: Rules<DiscordFault>,
    pub exchanges: Exchanges,
}

#[derive(Clone, Debug)]
pub struct User {
    pub username: String,
    pub global_name: Option<String>,
}

/// What a code was given for.
#[derive(Clone, Debug)]
pub struct Code {
    pub user: u64,
    pub redirect: String,
}

#[derive(Clone, Debug)]
pub struct FakeGuild {
    pub owner: u64,
    /// Names and permission bits, by id. The later ones are above the earlier ones.
    pub roles: BTreeMap<u64, (String, u64)>,
    /// The roles that belong to an integration.
    pub managed: Vec<u64>,
    /// The roles of the bot.
    pub bot_roles: Vec<u64>,
    pub members: BTreeMap<u64, FakeMember>,
    /// Whether the application's bot is in the guild.
    pub has_bot: bool,
    /// What the bot may do there.
    pub bot_permissions: u64,
    /// The position of the bot's highest role.
    pub bot_position: usize,
    /// The banned users, with the reasons.
    pub bans: BTreeMap<u64, Option<String>>,
    pub audit_log: Vec<FakeAuditEntry>,
}

#[derive(Clone, Debug, Default)]
pub struct FakeMember {
    pub roles: Vec<u64>,
    /// Until when they are in a timeout, by RFC 3339.
    pub timed_out_until: Option<String>,
}

impl FakeGuild {
    /// A guild with the bot, which may do everything, and without roles and members.
    pub const fn new(owner: u64) -> Self {
        Self {
            owner,
            roles: BTreeMap::new(),
            managed: Vec::new(),
            bot_roles: Vec::new(),
            members: BTreeMap::new(),
            has_bot: true,
            bot_permissions: u64::MAX,
            bot_position: usize::MAX,
            bans: BTreeMap::new(),
            audit_log: Vec::new(),
        }
    }

    /// The position of the highest of these roles; everyone's is 0.
    pub(super) fn position(&self, roles: &[u64]) -> usize {
        let positions = self.roles.keys().zip(1..);
        let held = positions.filter(|(role, _)| roles.contains(role));
        held.map(|(_, position)| position).max().unwrap_or_default()
    }

    #[must_use]
    pub fn role(mut self, id: u64, name: &str, permissions: u64) -> Self {
        self.roles.insert(id, (name.to_owned(), permissions));
        self
    }

    /// The same with a role of the bot.
    #[must_use]
    pub fn bot_role(mut self, id: u64, name: &str, permissions: u64) -> Self {
        self.bot_roles.push(id);
        self.managed.push(id);
        self.role(id, name, permissions)
    }

    #[must_use]
    pub fn member(mut self, user: u64, roles: &[u64]) -> Self {
        let member = FakeMember {
            roles: roles.to_vec(),
            timed_out_until: None,
        };
        self.members.insert(user, member);
        self
    }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DiscordFault {
    /// The call fails with this status and an HTML page, as of a proxy.
    Html(u16),
    /// The call fails with 429 and this pause in seconds.
    TooMany(f64),
    /// The call fails with this status and this code of Discord's.
    Error(u16, u64),
    /// Discord does not know the answer of an interaction yet.
    UnknownWebhook,
    /// The answer comes this much later.
    Delay(Duration),
}

impl DiscordFault {
    /// The answer of a fault that prevents the call.
    pub(super) fn instead(self) -> Option<Answer> {
        match self {
            Self::Html(status) => Some(Answer::html(status, "<html><body>error</body></html>")),
            Self::TooMany(seconds) => Some(Answer::too_many(seconds)),
            Self::Error(status, code) => Some(Answer::error(status, code, "an error")),
            Self::UnknownWebhook => Some(Answer::error(404, 10_015, "Unknown Webhook")),
            Self::Delay(_) => None,
        }
    }
}
