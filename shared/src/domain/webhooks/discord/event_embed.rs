//! An event as an embed: the box with a coloured edge in a message of Discord.
//!
//! It shows the public reason only. Private reasons, and reasons to lift a ban or for an activity, are for
//! moderators, and who reads the channel is unknown here.

use serde::Serialize;

use super::colour::EmbedColour;
use super::markdown::EscapedMarkdown;
use super::parts::{self, KnownNames};
use crate::domain::account_links::LinkProof;
use crate::domain::activity::{
    Activity, ActivityDetails, DiscordBanSummary, EvidenceSummary, GroupRoleChange, KeyBinding,
    LinkSummary,
};
use crate::domain::actor::DecidedBy;
use crate::domain::clock::UnixSeconds;
use crate::domain::discord::limits::{FIELD_VALUE, units};
use crate::domain::history::{LogEvent, LoggedEvent, PastDecision};
use crate::domain::ids::UserId;
use crate::domain::members::MemberId;
use crate::domain::rules::DecisionKind;

/// A box of a message. Each constructor keeps to Discord's limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventEmbed {
    title: &'static str,
    color: EmbedColour,
    /// By RFC 3339.
    timestamp: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<EmbedRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    footer: Option<EmbedFooter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct EmbedRow {
    name: &'static str,
    value: EscapedMarkdown,
    /// Beside the row before it, where there is room.
    inline: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct EmbedFooter {
    /// Discord shows no Markdown here.
    text: String,
}

/// The users whom the embed of an event names.
pub fn users_shown(event: &LoggedEvent) -> impl Iterator<Item = UserId> {
    let moderator = match &event.entry {
        LogEvent::Decision(decision) => decision.moderator,
        LogEvent::Activity(activity) => activity.moderator,
    };
    let moderator = moderator.and_then(parts::user_of);
    event.entry.user().into_iter().chain(moderator)
}

/// The member whom the embed of an event names.
#[must_use]
pub fn member_shown(event: &LoggedEvent) -> Option<MemberId> {
    let key_id = match &event.entry {
        LogEvent::Decision(decision) => &decision.key_id,
        LogEvent::Activity(activity) => &activity.key_id,
    };
    key_id.parse().ok()
}

impl EventEmbed {
    /// An event, with the names that are known.
    #[must_use]
    pub fn of(event: &LoggedEvent, names: &KnownNames) -> Self {
        match &event.entry {
            LogEvent::Decision(decision) => Self::decision(decision, event.repeated, names),
            LogEvent::Activity(activity) => Self::activity(activity, event.repeated, names),
        }
    }

    /// A test that was requested at this time.
    #[must_use]
    pub fn test(created: UnixSeconds) -> Self {
        let shown = EscapedMarkdown::plain("Bans and other events appear in this channel.");
        Self::new("Test", EmbedColour::BLURPLE, created).row("It works", shown)
    }

    fn decision(decision: &PastDecision, repeated: bool, names: &KnownNames) -> Self {
        let (title, color, is_ban) = match decision.kind {
            DecisionKind::Made => ("Banned", EmbedColour::RED, true),
            DecisionKind::Imported => ("Ban imported", EmbedColour::RED, true),
            DecisionKind::Restored => ("Ban restored", EmbedColour::RED, true),
            DecisionKind::Changed => ("Ban changed", EmbedColour::YELLOW, true),
            DecisionKind::Lifted => ("Unbanned", EmbedColour::GREEN, false),
            DecisionKind::Appealed => ("Unbanned after an appeal", EmbedColour::GREEN, false),
            DecisionKind::Expired => ("Ban expired", EmbedColour::GREY, false),
        };
        let ban = &decision.ban;
        let mut embed = Self::new(title, color, decision.at)
            .beside("Player", parts::user(ban.user, names))
            .beside("Where", parts::place(ban));
        if is_ban {
            embed = embed.beside("Until", parts::end(ban.terms.expires));
        }
        let by = DecidedBy::new(&decision.key_id, decision.channel);
        embed
            .row(
                if is_ban { "Reason" } else { "Banned for" },
                EscapedMarkdown::of(&ban.terms.public_reason, FIELD_VALUE),
            )
            .row("By", parts::actor(&by, decision.moderator, names))
            .footer(format!("Ban {}", ban.guid), repeated)
    }

    fn activity(activity: &Activity, repeated: bool, names: &KnownNames) -> Self {
        let at = activity.moment.seconds();
        let by = DecidedBy::new(&activity.key_id, activity.channel);
        let by = parts::actor(&by, activity.moderator, names);
        let start = |title, color| {
            let embed = Self::new(title, color, at);
            match activity.user {
                Some(user) => embed.beside("Player", parts::user(user, names)),
                None => embed,
            }
        };
        match &activity.details {
            ActivityDetails::GroupRoleChanged(change) => {
                start("Group role changed", EmbedColour::BLURPLE).role_change(change, by, repeated)
            }
            ActivityDetails::EvidenceAdded(evidence) => {
                start("Evidence added", EmbedColour::BLUE).evidence(evidence, by, repeated)
            }
            ActivityDetails::EvidenceRemoved(evidence) => {
                start("Evidence removed", EmbedColour::ORANGE).evidence(evidence, by, repeated)
            }
            ActivityDetails::LinkAdded(link) => {
                start("Account linked", EmbedColour::BLURPLE).link(link, by, repeated)
            }
            ActivityDetails::LinkRemoved(link) => {
                start("Account unlinked", EmbedColour::BLURPLE).link(link, by, repeated)
            }
            ActivityDetails::KeyBound(binding) => {
                start("Open Cloud key bound", EmbedColour::BLURPLE).binding(binding, by, repeated)
            }
            ActivityDetails::DiscordBanned(ban) => {
                start("Banned on Discord", EmbedColour::RED).guild_ban(ban, by, repeated)
            }
            ActivityDetails::DiscordUnbanned(ban) => {
                start("Unbanned on Discord", EmbedColour::GREEN).guild_ban(ban, by, repeated)
            }
        }
    }

    fn role_change(self, change: &GroupRoleChange, by: EscapedMarkdown, repeated: bool) -> Self {
        self.beside("Requested", parts::role(&change.role))
            .row("Before", parts::roles(&change.previous))
            .row("Now", parts::roles(&change.roles))
            .row("By", by)
            .footer(format!("Group {}", change.group_id), repeated)
    }

    fn evidence(self, evidence: &EvidenceSummary, by: EscapedMarkdown, repeated: bool) -> Self {
        self.beside("Evidence", parts::evidence(evidence))
            .row("By", by)
            .footer(format!("Ban {}", evidence.case_id), repeated)
    }

    /// Without the Discord account: who sees the channel need not know it.
    fn link(self, link: &LinkSummary, by: EscapedMarkdown, repeated: bool) -> Self {
        let how = match link.method {
            LinkProof::Code => "Linked with a code",
            LinkProof::Import => "Imported",
        };
        self.row("By", by).footer(how.to_owned(), repeated)
    }

    fn binding(self, binding: &KeyBinding, by: EscapedMarkdown, repeated: bool) -> Self {
        let experience = binding.experience_id.map(|id| id.to_string());
        let of = experience.as_deref().unwrap_or("The whole workspace");
        self.beside("Experience", EscapedMarkdown::plain(of))
            .row("By", by)
            .footer(format!("Secret {}", binding.secret), repeated)
    }

    fn guild_ban(self, ban: &DiscordBanSummary, by: EscapedMarkdown, repeated: bool) -> Self {
        let by = match ban.by_discord_id {
            Some(user) => parts::discord_user(user),
            None => by,
        };
        self.beside("Discord user", parts::discord_user(ban.discord_id))
            .row("By", by)
            .footer(format!("Server {}", ban.guild_id), repeated)
    }

    fn new(title: &'static str, color: EmbedColour, at: UnixSeconds) -> Self {
        Self {
            title,
            color,
            timestamp: at.rfc3339(),
            fields: Vec::new(),
            footer: None,
        }
    }

    fn row(self, name: &'static str, value: EscapedMarkdown) -> Self {
        self.with(name, value, false)
    }

    fn beside(self, name: &'static str, value: EscapedMarkdown) -> Self {
        self.with(name, value, true)
    }

    /// Discord refuses a row without a visible value.
    fn with(mut self, name: &'static str, value: EscapedMarkdown, inline: bool) -> Self {
        if !value.is_blank() {
            self.fields.push(EmbedRow {
                name,
                value,
                inline,
            });
        }
        self
    }

    fn footer(mut self, mut text: String, repeated: bool) -> Self {
        if repeated {
            text.push_str(" \u{b7} logged again after a restore");
        }
        self.footer = Some(EmbedFooter { text });
        self
    }

    /// How many characters of a message it takes.
    #[must_use]
    pub fn length(&self) -> usize {
        let rows = self.fields.iter();
        let rows: usize = rows
            .map(|row| units(row.name).saturating_add(row.value.length()))
            .sum();
        let footer = self.footer.as_ref().map_or(0, |footer| units(&footer.text));
        rows.saturating_add(units(self.title))
            .saturating_add(footer)
    }
}

#[cfg(test)]
pub(super) mod tests;
