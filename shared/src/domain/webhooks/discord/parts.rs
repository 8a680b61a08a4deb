//! What messages say of users, places, times and actors.

use std::collections::HashMap;

use super::markdown::EscapedMarkdown;
use crate::domain::activity::{EvidenceSummary, RoleSummary};
use crate::domain::actor::{ActorKind, Channel, DecidedBy};
use crate::domain::discord::limits::{FIELD_VALUE, units};
use crate::domain::ids::{ModeratorId, UserId};
use crate::domain::members::{DiscordId, MemberId, MemberName};
use crate::domain::rules::{Ban, Expiry, Scope};
use crate::domain::user_name::RobloxName;

/// The most characters of a name.
const NAME: usize = 200;

/// The most characters of an actor's id.
const ID: usize = 100;

/// Room for the number of roles that are left out.
const REST: usize = 32;

/// The names that are known without asking Roblox.
#[derive(Clone, Debug, Default)]
pub struct KnownNames {
    pub users: HashMap<UserId, RobloxName>,
    /// Of members, by their ids.
    pub members: HashMap<MemberId, MemberName>,
}

/// A user as a link to their profile.
pub fn user(user: UserId, names: &KnownNames) -> EscapedMarkdown {
    let address = format!("https://www.roblox.com/users/{user}/profile");
    match names.users.get(&user) {
        Some(name) => {
            let name = EscapedMarkdown::of(&name.to_string(), NAME);
            EscapedMarkdown::link(&name, &address).and(&format!(" ({user})"))
        }
        None => EscapedMarkdown::link(&EscapedMarkdown::plain(user.to_string()), &address),
    }
}

/// A user of Discord, whom Discord shows by name. In an embed it mentions nobody.
pub fn discord_user(user: DiscordId) -> EscapedMarkdown {
    EscapedMarkdown::plain(format!("<@{user}> ({user})"))
}

/// Where a ban applies.
pub fn place(ban: &Ban) -> EscapedMarkdown {
    match ban.scope {
        Scope::Global => EscapedMarkdown::plain("Every experience"),
        Scope::Experience => {
            let place = ban.made_in.to_string();
            let address = format!("https://www.roblox.com/games/{place}");
            EscapedMarkdown::link(&EscapedMarkdown::plain(place), &address)
        }
    }
}

/// Until when a ban lasts.
pub fn end(expires: Expiry) -> EscapedMarkdown {
    match expires {
        Expiry::Never => EscapedMarkdown::plain("Permanent"),
        Expiry::At(at) => EscapedMarkdown::time(at),
    }
}

/// Who acted, and how.
pub fn actor(
    by: &DecidedBy,
    moderator: Option<ModeratorId>,
    names: &KnownNames,
) -> EscapedMarkdown {
    let kind = by.kind();
    let who = match kind {
        ActorKind::Member => "a member",
        ActorKind::Key => "a key",
        ActorKind::Game => "a game server",
        ActorKind::DiscordUser => "the Discord user",
        ActorKind::Operator => "the operator",
        ActorKind::System => "the service itself",
    };
    let how = match by.channel() {
        None => "",
        Some(Channel::Api) => ", through the API",
        Some(Channel::Console) => ", in the console",
        Some(Channel::Discord) => ", in Discord",
        Some(Channel::Cli) => ", with the command",
        Some(Channel::Game) => ", in the game",
        Some(Channel::Mirror) => ", on Roblox's ban list",
    };
    let member = by.id.parse().ok().and_then(|id| names.members.get(&id));
    let acted = match (kind, member) {
        (ActorKind::Member, Some(name)) => {
            format!("{}{how}", EscapedMarkdown::of(name.as_str(), NAME))
        }
        (ActorKind::System, _) => format!("{who}{how}"),
        _ => format!("{who} {}{how}", EscapedMarkdown::of(&by.id, ID)),
    };
    match moderator.and_then(user_of) {
        Some(moderator) => user(moderator, names).and(&format!(", by {acted}")),
        None if member.is_some() => EscapedMarkdown::plain(acted),
        None => EscapedMarkdown::plain(capitalized(&acted)),
    }
}

/// The Roblox user of a moderator, if the call named one.
pub fn user_of(moderator: ModeratorId) -> Option<UserId> {
    let is_known = moderator != ModeratorId::NOBODY;
    is_known.then(|| UserId::new(moderator.get()))?
}

pub fn role(role: &RoleSummary) -> EscapedMarkdown {
    EscapedMarkdown::of(&role.name, NAME).and(&format!(" (rank {})", role.rank))
}

/// A member's roles, as many as fit into a field.
pub fn roles(roles: &[RoleSummary]) -> EscapedMarkdown {
    if roles.is_empty() {
        return EscapedMarkdown::plain("None");
    }
    let mut out = EscapedMarkdown::default();
    for (at, one) in roles.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        let next = format!("{separator}{}", role(one));
        let left = roles.len().saturating_sub(at);
        let longer = out.length().saturating_add(units(&next));
        if longer.saturating_add(REST) > FIELD_VALUE {
            return out.and(&format!("{separator}and {left} more"));
        }
        out = out.and(&next);
    }
    out
}

pub fn evidence(evidence: &EvidenceSummary) -> EscapedMarkdown {
    let kind = EscapedMarkdown::of(&evidence.evidence_type, ID);
    match &evidence.file_name {
        Some(name) => kind.and(&format!(", {}", EscapedMarkdown::of(name, NAME))),
        None => kind,
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
