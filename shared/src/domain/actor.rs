//! Who decides, and how: the actor and the channel that histories, events, lists and exports name.

use serde::{Deserialize, Serialize};

use crate::domain::members::{DiscordId, MemberId};

/// How a decision reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Api,
    Console,
    Discord,
    Cli,
    /// A call by a Roblox game server.
    Game,
    Mirror,
}

impl Channel {
    pub const ALL: [Self; 6] = [
        Self::Api,
        Self::Console,
        Self::Discord,
        Self::Cli,
        Self::Game,
        Self::Mirror,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Console => "console",
            Self::Discord => "discord",
            Self::Cli => "cli",
            Self::Game => "game",
            Self::Mirror => "mirror",
        }
    }
}

/// How the names of actors begin that are rules of Discord guilds; the guild's id follows.
pub const DISCORD_RULE: &str = "discord-rule-";

/// What kind of actor decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    Member,
    Key,
    /// A game server, with its key.
    Game,
    /// A person on Discord who is no member.
    #[serde(rename = "discord")]
    DiscordUser,
    /// A run of the command.
    Operator,
    /// The service itself: an expiry, the mirror, a retention, what a Discord guild's audit log says, a rule.
    System,
}

impl ActorKind {
    /// The kind of the actor with this id: a key's public id is 12 hex digits, a member's begins
    /// with `mem_`, another person on Discord has their id there, and the operator's runs have names such as `undo-1f2e3d4c`.
    #[must_use]
    pub fn of(actor_id: &str, channel: Option<Channel>) -> Self {
        let is_key = actor_id.len() == 12 && actor_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (actor_id, channel) {
            (_, Some(Channel::Game)) => Self::Game,
            (_, Some(Channel::Api)) => Self::Key,
            _ if is_key => Self::Key,
            ("expiry" | "retention" | "mirror" | "discord", _) | (_, Some(Channel::Mirror)) => {
                Self::System
            }
            _ if actor_id.starts_with(DISCORD_RULE) => Self::System,
            _ if actor_id.starts_with(MemberId::PREFIX) => Self::Member,
            (_, Some(Channel::Discord)) if actor_id.parse::<DiscordId>().is_ok() => {
                Self::DiscordUser
            }
            _ => Self::Operator,
        }
    }

    /// The channel of a decision that was stored without one.
    #[must_use]
    pub const fn usual_channel(self) -> Option<Channel> {
        match self {
            Self::Key => Some(Channel::Api),
            Self::Game => Some(Channel::Game),
            Self::Operator => Some(Channel::Cli),
            Self::DiscordUser => Some(Channel::Discord),
            Self::Member | Self::System => None,
        }
    }
}

/// Who made a decision about a ban. A record stores it as `id channel`, because lists pay for each byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct DecidedBy {
    /// The public id of the key or the member, the Discord user, or a name such as `operator`.
    pub id: String,
    pub via: Option<Channel>,
}

impl From<DecidedBy> for String {
    fn from(by: DecidedBy) -> Self {
        match by.via {
            Some(channel) => format!("{} {}", by.id, channel.as_str()),
            None => by.id,
        }
    }
}

impl From<String> for DecidedBy {
    fn from(text: String) -> Self {
        let known = text.rsplit_once(' ').and_then(|(id, channel)| {
            let channel = Channel::ALL.into_iter().find(|it| it.as_str() == channel)?;
            Some(Self::new(id, Some(channel)))
        });
        known.unwrap_or(Self {
            id: text,
            via: None,
        })
    }
}

impl DecidedBy {
    #[must_use]
    pub fn new(id: &str, via: Option<Channel>) -> Self {
        let id = id.to_owned();
        Self { id, via }
    }

    #[must_use]
    pub fn kind(&self) -> ActorKind {
        ActorKind::of(&self.id, self.via)
    }

    /// The channel, also of a decision that was stored without one.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        self.via.or_else(|| self.kind().usual_channel())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_follows_from_the_id() {
        for (id, channel, kind) in [
            ("0123456789ab", None, ActorKind::Key),
            ("0123456789ab", Some(Channel::Api), ActorKind::Key),
            ("0123456789ab", Some(Channel::Game), ActorKind::Game),
            ("demo-1-secret", Some(Channel::Api), ActorKind::Key),
            (
                "mem_0123456789abcdef",
                Some(Channel::Console),
                ActorKind::Member,
            ),
            (
                "80351110224678912",
                Some(Channel::Discord),
                ActorKind::DiscordUser,
            ),
            ("operator", None, ActorKind::Operator),
            ("undo-1f2e3d4c", None, ActorKind::Operator),
            ("expiry", None, ActorKind::System),
            ("mirror", Some(Channel::Mirror), ActorKind::System),
            ("discord", Some(Channel::Discord), ActorKind::System),
        ] {
            assert_eq!(ActorKind::of(id, channel), kind, "{id}");
        }
    }

    #[test]
    fn record_says_who_in_one_text() {
        for (text, by) in [
            (
                "0123456789ab api",
                DecidedBy::new("0123456789ab", Some(Channel::Api)),
            ),
            (
                "undo-1f2e3d4c cli",
                DecidedBy::new("undo-1f2e3d4c", Some(Channel::Cli)),
            ),
            ("operator", DecidedBy::new("operator", None)),
            ("local user", DecidedBy::new("local user", None)),
        ] {
            assert_eq!(String::from(by.clone()), text);
            assert_eq!(DecidedBy::from(text.to_owned()), by);
        }
    }

    #[test]
    fn channels_are_stored_under_their_name() {
        for channel in Channel::ALL {
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
        }
    }
}
