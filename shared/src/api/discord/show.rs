//! Bans, players and times as people read them on Discord.

use std::collections::HashMap;
use std::fmt;

use crate::domain::actor::{ActorKind, DecidedBy};
use crate::domain::clock::UnixSeconds;
use crate::domain::discord::DiscordEmbed;
use crate::domain::history::PastDecision;
use crate::domain::ids::UserId;
use crate::domain::members::Member;
use crate::domain::rules::{Ban, DecisionKind, Expiry, Scope};
use crate::domain::user_name::RobloxName;
use crate::domain::webhooks::discord::is_markup;

/// The fields from which a button reads the reasons again.
pub const PUBLIC_REASON: &str = "Reason";
pub const PRIVATE_REASON: &str = "Private reason";

/// A Roblox user, with the name if it is known.
#[derive(Clone, Debug)]
pub struct Player {
    pub id: UserId,
    pub name: Option<RobloxName>,
}

impl fmt::Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id;
        let link = format!("https://www.roblox.com/users/{id}/profile");
        match &self.name {
            Some(name) => write!(f, "[{}](<{link}>) ({id})", escaped(name.name())),
            None => write!(f, "[{id}](<{link}>)"),
        }
    }
}

impl Player {
    /// The player without a link, for a choice or a title.
    pub fn plain(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({})", name.name(), self.id),
            None => self.id.to_string(),
        }
    }
}

/// The members of a workspace by their ids, removed ones too.
#[derive(Clone, Debug, Default)]
pub struct MemberLabels(HashMap<String, String>);

impl MemberLabels {
    pub fn new(members: &[Member]) -> Self {
        let named = |member: &Member| (member.id.to_string(), member.name.to_string());
        Self(members.iter().map(named).collect())
    }

    pub fn of(&self, by: &DecidedBy) -> String {
        match by.kind() {
            ActorKind::Member => match self.0.get(&by.id) {
                Some(name) => escaped(name),
                None => "a member".to_owned(),
            },
            ActorKind::Key => format!("API key `{}`", by.id),
            ActorKind::Game => "a game server".to_owned(),
            ActorKind::DiscordUser => format!("<@{}>", by.id),
            ActorKind::Operator => "the operator".to_owned(),
            ActorKind::System => "Portcullis".to_owned(),
        }
    }
}

/// A text in which nothing is Discord's markup.
pub fn escaped(text: &str) -> String {
    let escape = |c| is_markup(c).then_some('\\').into_iter().chain([c]);
    text.chars().flat_map(escape).collect()
}

/// A time, relative, in each reader's own zone.
pub fn relative(at: UnixSeconds) -> String {
    format!("<t:{at}:R>")
}

/// The end of a ban in a sentence.
pub fn until(expires: Expiry) -> String {
    match expires {
        Expiry::Never => "permanently".to_owned(),
        Expiry::At(at) => format!("until <t:{at}:f> ({})", relative(at)),
    }
}

/// The end of a ban by itself.
fn end(expires: Expiry) -> String {
    match expires {
        Expiry::Never => "Never".to_owned(),
        Expiry::At(at) => format!("<t:{at}:f> ({})", relative(at)),
    }
}

/// Where a ban applies, in a sentence.
pub fn place(ban: &Ban) -> String {
    match ban.scope {
        Scope::Global => "everywhere".to_owned(),
        Scope::Experience => format!("in experience {}", ban.made_in),
    }
}

/// A ban as a field of a list: its title, and what it says.
pub fn line(ban: &Ban, now: UnixSeconds) -> String {
    let state = match (ban.ending, ban.terms.expires) {
        (Some(ending), _) => format!("ended {}", relative(ending.at)),
        (None, Expiry::At(at)) if at <= now => format!("expired {}", relative(at)),
        (None, expires) => until(expires),
    };
    let reason = escaped(&ban.terms.public_reason);
    format!(
        "{}, {state}, made {}\n{reason}",
        place(ban),
        relative(ban.created)
    )
}

/// The terms of a ban.
pub fn terms(embed: DiscordEmbed, ban: &Ban, shows_private: bool) -> DiscordEmbed {
    let embed = embed
        .inline("Where", place(ban))
        .inline("Ends", end(ban.terms.expires))
        .inline("Made", relative(ban.created))
        .field(PUBLIC_REASON, escaped(&ban.terms.public_reason));
    if shows_private && ban.terms.private_reason != ban.terms.public_reason {
        embed.field(PRIVATE_REASON, escaped(&ban.terms.private_reason))
    } else {
        embed
    }
}

/// A decision of the history: the verb first.
pub fn decision(decision: &PastDecision, members: &MemberLabels, shows_private: bool) -> String {
    let ban = &decision.ban;
    let what = match decision.kind {
        DecisionKind::Made => "Banned",
        DecisionKind::Imported => "Imported the ban",
        DecisionKind::Changed => "Changed the ban",
        DecisionKind::Lifted => "Lifted the ban",
        DecisionKind::Appealed => "Accepted an appeal",
        DecisionKind::Restored => "Banned again",
        DecisionKind::Expired => "The ban expired",
    };
    let is_end = matches!(
        decision.kind,
        DecisionKind::Lifted | DecisionKind::Appealed | DecisionKind::Expired
    );
    let by = DecidedBy::new(&decision.key_id, decision.channel);
    let mut text = format!("{what} {}", place(ban));
    if !is_end {
        text = format!("{text} {}", until(ban.terms.expires));
    }
    text = format!("{text}, by {}, {}", members.of(&by), relative(decision.at));
    let reason = if is_end {
        decision.reason.as_deref().filter(|_| shows_private)
    } else {
        Some(ban.terms.public_reason.as_str())
    };
    match reason {
        Some(reason) => format!("{text}\n> {}", escaped(reason).replace('\n', "\n> ")),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_people_has_no_effect() {
        let hostile = "@everyone <@1> [x](y) **b** `c` ||d|| :e: # f";
        let escaped = escaped(hostile);
        let mut before = ' ';
        for c in escaped.chars() {
            if "@<>[]()*`|:#".contains(c) {
                assert_eq!(before, '\\', "{escaped}");
            }
            before = c;
        }
        assert_eq!(escaped.replace('\\', ""), hostile);
    }

    #[test]
    fn times_are_for_each_reader() {
        let at = UnixSeconds(1_800_000_000);
        assert_eq!(relative(at), "<t:1800000000:R>");
        assert_eq!(
            until(Expiry::At(at)),
            "until <t:1800000000:f> (<t:1800000000:R>)"
        );
        assert_eq!(until(Expiry::Never), "permanently");
    }
}
