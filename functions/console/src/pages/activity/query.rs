//! Which activity a person wants to see: all of it is in the address.

use shared::domain::actor::{Channel, DecidedBy};
use shared::domain::clock::UnixSeconds;
use shared::domain::history::{LogEvent, LoggedEvent};
use shared::domain::keys::KeyRecord;
use shared::domain::members::Member;
use shared::domain::rules::DecisionKind;
use url::form_urlencoded::Serializer;

use crate::form::Submitted;
use crate::look::Choice;
use crate::times;

/// A day in seconds.
const DAY: u64 = 86_400;

/// The filters of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityQuery {
    /// The id of the member or the key, or the name of the operator.
    pub by: Option<String>,
    pub verb: Option<ActivityVerb>,
    pub channel: Option<Channel>,
    /// The first day, as in `2026-11-29`.
    pub from: Option<String>,
    /// The last day.
    pub to: Option<String>,
    pub cursor: Option<String>,
}

/// What happened, in the word of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityVerb {
    Banned,
    Edited,
    Lifted,
    Appealed,
    Expired,
    Imported,
    Evidence,
    Roles,
    Links,
    Keys,
    Discord,
}

impl ActivityVerb {
    const ALL: [(Self, &'static str, &'static str); 11] = [
        (Self::Banned, "banned", "Banned"),
        (Self::Edited, "edited", "Edited"),
        (Self::Lifted, "lifted", "Lifted"),
        (Self::Appealed, "appealed", "Appeal accepted"),
        (Self::Expired, "expired", "Expired"),
        (Self::Imported, "imported", "Imported"),
        (Self::Evidence, "evidence", "Evidence"),
        (Self::Roles, "roles", "Group roles"),
        (Self::Links, "links", "Linked accounts"),
        (Self::Keys, "keys", "Open Cloud keys"),
        (Self::Discord, "discord", "Bans on Discord"),
    ];

    const fn of(event: &LogEvent) -> Self {
        use shared::domain::activity::ActivityDetails;
        match event {
            LogEvent::Decision(decision) => match decision.kind {
                DecisionKind::Made | DecisionKind::Restored => Self::Banned,
                DecisionKind::Changed => Self::Edited,
                DecisionKind::Lifted => Self::Lifted,
                DecisionKind::Appealed => Self::Appealed,
                DecisionKind::Expired => Self::Expired,
                DecisionKind::Imported => Self::Imported,
            },
            LogEvent::Activity(activity) => match activity.details {
                ActivityDetails::GroupRoleChanged(_) => Self::Roles,
                ActivityDetails::EvidenceAdded(_) | ActivityDetails::EvidenceRemoved(_) => {
                    Self::Evidence
                }
                ActivityDetails::LinkAdded(_) | ActivityDetails::LinkRemoved(_) => Self::Links,
                ActivityDetails::KeyBound(_) => Self::Keys,
                ActivityDetails::DiscordBanned(_) | ActivityDetails::DiscordUnbanned(_) => {
                    Self::Discord
                }
            },
        }
    }

    fn as_str(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(verb, ..)| *verb == self)
            .map_or("", |(_, name, _)| name)
    }
}

/// Who made an entry of the log.
pub fn actor(event: &LogEvent) -> DecidedBy {
    match event {
        LogEvent::Decision(decision) => DecidedBy::new(&decision.key_id, decision.channel),
        LogEvent::Activity(activity) => DecidedBy::new(&activity.key_id, activity.channel),
    }
}

/// On whose behalf, for a run of a command or an undo.
pub fn principal(event: &LogEvent) -> Option<&str> {
    match event {
        LogEvent::Decision(decision) => decision.principal.as_deref(),
        LogEvent::Activity(activity) => activity.principal.as_deref(),
    }
}

impl ActivityQuery {
    /// What is not understood counts as no filter. Only moderators filter by who it was.
    pub fn parse(query: &Submitted, moderates: bool) -> Self {
        let text = |name| Some(query.text(name).to_owned()).filter(|text| !text.is_empty());
        let day = |name| text(name).filter(|day| times::day_begins(day).is_some());
        let verb = query.text("verb");
        let channel = query.text("channel");
        let mut verbs = ActivityVerb::ALL.into_iter();
        let mut channels = Channel::ALL.into_iter();
        Self {
            by: text("by").filter(|_| moderates),
            verb: verbs.find(|(_, name, _)| *name == verb).map(|(it, ..)| it),
            channel: channels.find(|it| it.as_str() == channel),
            from: day("from"),
            to: day("to"),
            cursor: text("cursor"),
        }
    }

    /// Whether anything but the default is chosen.
    pub fn is_filtered(&self) -> bool {
        self.parts().next().is_some()
    }

    /// The first second of the period.
    pub fn since(&self) -> Option<UnixSeconds> {
        times::day_begins(self.from.as_deref()?)
    }

    /// The first second after it.
    pub fn until(&self) -> Option<UnixSeconds> {
        Some(times::day_begins(self.to.as_deref()?)?.plus(DAY))
    }

    /// Whether an entry fits.
    pub fn fits(&self, event: &LoggedEvent) -> bool {
        let (entry, at) = (&event.entry, event.entry.at());
        let actor = actor(entry);
        let is_by = |by: &str| actor.id == by || principal(entry) == Some(by);
        self.by.as_deref().is_none_or(is_by)
            && self.verb.is_none_or(|verb| ActivityVerb::of(entry) == verb)
            && (self.channel.is_none() || self.channel == actor.channel())
            && self.since().is_none_or(|since| at >= since)
            && self.until().is_none_or(|until| at < until)
    }

    /// Each filter by its parameter.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, String)> {
        let verb = self.verb.map(|verb| verb.as_str().to_owned());
        let channel = self.channel.map(|channel| channel.as_str().to_owned());
        let parts = [
            ("by", self.by.clone()),
            ("verb", verb),
            ("channel", channel),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
        ];
        let parts = parts.into_iter();
        parts.filter_map(|(name, value)| Some((name, value?)))
    }

    /// The address of the list, from a cursor on.
    pub fn address(&self, cursor: &str) -> String {
        let parts = self.parts().chain([("cursor", cursor.to_owned())]);
        let query = Serializer::new(String::new()).extend_pairs(parts).finish();
        format!("/console/activity?{query}")
    }

    pub fn verbs(&self) -> Vec<Choice> {
        let any = Choice::new("", "Anything", self.verb.is_none());
        let all = ActivityVerb::ALL.into_iter();
        let all = all.map(|(it, name, title)| Choice::new(name, title, self.verb == Some(it)));
        std::iter::once(any).chain(all).collect()
    }

    pub fn channels(&self) -> Vec<Choice> {
        let any = Choice::new("", "Any channel", self.channel.is_none());
        let all = Channel::ALL.into_iter().map(|it| {
            let is_chosen = self.channel == Some(it);
            Choice::new(it.as_str(), channel_name(it), is_chosen)
        });
        std::iter::once(any).chain(all).collect()
    }

    pub fn actors(&self, members: &[Member], keys: &[KeyRecord]) -> Vec<Choice> {
        let any = (String::new(), "Anybody".to_owned());
        std::iter::once(any)
            .chain(all_actors(members, keys))
            .map(|(id, title)| {
                let is_chosen = self.by.as_deref().unwrap_or_default() == id;
                Choice::new(id, title, is_chosen)
            })
            .collect()
    }
}

/// The actors of a workspace, with their ids: members, then keys, then the operator.
pub fn all_actors(members: &[Member], keys: &[KeyRecord]) -> Vec<(String, String)> {
    let members = members.iter();
    let members = members.map(|member| (member.id.to_string(), member.name.to_string()));
    let keys = keys
        .iter()
        .map(|key| (key.key_id.clone(), format!("Key {}", key.name)));
    let operator = ("operator".to_owned(), "Operator".to_owned());
    members.chain(keys).chain([operator]).collect()
}

pub const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Api => "API",
        Channel::Console => "Console",
        Channel::Discord => "Discord",
        Channel::Cli => "Command",
        Channel::Game => "Game server",
        Channel::Mirror => "Mirror",
    }
}

#[cfg(test)]
pub mod tests {
    use shared::domain::clock::UnixMillis;
    use shared::domain::rules::EndingKind;

    use super::*;
    use crate::ban_view::tests::{NOW, ban};
    use crate::pages::player::decision_for_tests;

    fn query(pairs: &[(&str, &str)], moderates: bool) -> ActivityQuery {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let form = Submitted::new(pairs.iter().map(owned).collect());
        ActivityQuery::parse(&form, moderates)
    }

    /// A lift by the operator, at 15 Jan 2027, 07:00 UTC.
    pub fn lifted(reason: &str) -> LoggedEvent {
        let ended = ban(reason).ended(EndingKind::Lifted, NOW);
        let mut decision = decision_for_tests(DecisionKind::Lifted, ended);
        decision.reason = Some(reason.to_owned());
        LoggedEvent {
            position: 7,
            logged: UnixMillis::from_millis(NOW.0 * 1000),
            repeated: false,
            entry: LogEvent::Decision(Box::new(decision)),
        }
    }

    #[test]
    fn filters_survive_their_address() {
        let pairs = [
            ("by", "mem_1"),
            ("verb", "lifted"),
            ("channel", "cli"),
            ("from", "2027-01-01"),
            ("to", "2027-01-31"),
        ];
        let parsed = query(&pairs, true);
        let address = parsed.address("c");
        let (_, sent) = address.split_once('?').unwrap();
        let sent = url::form_urlencoded::parse(sent.as_bytes()).into_owned();
        let again = ActivityQuery::parse(&Submitted::new(sent.collect()), true);
        assert_eq!(again.cursor.as_deref(), Some("c"));
        let cursor = None;
        assert_eq!(ActivityQuery { cursor, ..again }, parsed);
        assert!(parsed.is_filtered());
    }

    #[test]
    fn what_is_not_understood_is_no_filter() {
        let pairs = [("verb", "x"), ("channel", "<b>"), ("from", "2027-02-30")];
        assert!(!query(&pairs, true).is_filtered());
        assert_eq!(query(&[("by", "mem_1")], false).by, None);
    }

    #[test]
    fn every_filter_counts() {
        for (name, value, fits) in [
            ("by", "operator", true),
            ("by", "mem_1", false),
            ("verb", "lifted", true),
            ("verb", "banned", false),
            ("channel", "cli", true),
            ("channel", "api", false),
            ("from", "2027-01-15", true),
            ("from", "2027-01-16", false),
            ("to", "2027-01-15", true),
            ("to", "2027-01-14", false),
        ] {
            let query = query(&[(name, value)], true);
            assert_eq!(query.fits(&lifted("x")), fits, "{name} {value}");
        }
    }

    #[test]
    fn undo_counts_as_the_one_who_ran_it() {
        let mut event = lifted("x");
        if let LogEvent::Decision(decision) = &mut event.entry {
            decision.key_id = "undo-1f2e3d4c".to_owned();
            decision.principal = Some("mem_1".to_owned());
        }
        assert!(query(&[("by", "mem_1")], true).fits(&event));
    }
}
