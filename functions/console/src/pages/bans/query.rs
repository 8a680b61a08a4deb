//! Which bans a person wants to see: all of it is in the address, so that a list can be shared.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, PlaceId};
use shared::domain::members::Member;
use shared::domain::rules::{Ban, Scope};
use shared::store::BanRecord;
use url::form_urlencoded::Serializer;

use crate::form::Submitted;
use crate::look::Choice;

/// The state that a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListedState {
    #[default]
    InForce,
    Ended,
    All,
}

/// The filters of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BansQuery {
    pub state: ListedState,
    pub scope: Option<Scope>,
    pub experience: Option<PlaceId>,
    /// The member who made the ban, by id.
    pub moderator: Option<String>,
    /// In a reason, in any case.
    pub words: String,
    pub cursor: Option<String>,
    searches_private: bool,
}

impl ListedState {
    /// The states, each with its title.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::InForce, "In force"),
        (Self::Ended, "Ended"),
        (Self::All, "All"),
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Ended => "ended",
            Self::All => "all",
        }
    }
}

const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Experience => "experience",
        Scope::Global => "global",
    }
}

impl BansQuery {
    /// What is not understood counts as no filter. `moderates`: the reader may search private reasons
    /// and by moderator.
    pub fn parse(query: &Submitted, moderates: bool) -> Self {
        let state = query.text("state");
        let mut states = ListedState::ALL.into_iter();
        let state = states.find(|(it, _)| it.as_str() == state);
        let scope = query.text("scope");
        let mut scopes = [Scope::Experience, Scope::Global].into_iter();
        let text = |name| Some(query.text(name).to_owned()).filter(|text| !text.is_empty());
        Self {
            state: state.map(|(state, _)| state).unwrap_or_default(),
            scope: scopes.find(|it| scope_name(*it) == scope),
            experience: query.parsed("experience"),
            moderator: text("moderator").filter(|_| moderates),
            words: query.text("q").chars().take(100).collect(),
            cursor: text("cursor"),
            searches_private: moderates,
        }
    }

    /// Whether anything but the default is chosen.
    pub fn is_filtered(&self) -> bool {
        self.parts().next().is_some()
    }

    /// Whether a ban fits. The experience is left to the index.
    pub fn fits(&self, record: &BanRecord, now: UnixSeconds) -> bool {
        let ban = &record.ban;
        let made_by = record.made_by.as_ref().map(|by| by.id.as_str());
        self.scope.is_none_or(|scope| ban.scope == scope)
            && self.has_state(ban, now)
            && (self.moderator.is_none() || self.moderator.as_deref() == made_by)
            && self.has_words(ban)
    }

    fn has_state(&self, ban: &Ban, now: UnixSeconds) -> bool {
        match self.state {
            ListedState::InForce => ban.holds(now),
            ListedState::Ended => !ban.holds(now),
            ListedState::All => true,
        }
    }

    fn has_words(&self, ban: &Ban) -> bool {
        let words = self.words.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&words);
        has(&ban.terms.public_reason) || (self.searches_private && has(&ban.terms.private_reason))
    }

    /// The same filters with another state.
    pub fn in_state(&self, state: ListedState) -> Self {
        Self {
            state,
            ..self.clone()
        }
    }

    /// Each filter by its parameter.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, String)> {
        let state = (self.state != ListedState::default()).then(|| self.state.as_str().to_owned());
        let scope = self.scope.map(|scope| scope_name(scope).to_owned());
        let words = Some(self.words.clone()).filter(|words| !words.is_empty());
        let parts = [
            ("state", state),
            ("scope", scope),
            ("experience", self.experience.map(|it| it.to_string())),
            ("moderator", self.moderator.clone()),
            ("q", words),
        ];
        parts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// The address of the list, from a cursor on.
    pub fn address(&self, cursor: Option<&str>) -> String {
        let cursor = cursor.map(|cursor| ("cursor", cursor.to_owned()));
        let parts = self.parts().chain(cursor);
        let query = Serializer::new(String::new()).extend_pairs(parts).finish();
        if query.is_empty() {
            "/console/bans".to_owned()
        } else {
            format!("/console/bans?{query}")
        }
    }

    pub fn scopes(&self) -> Vec<Choice> {
        let choice = |scope: Option<Scope>, title| {
            let value = scope.map(scope_name).unwrap_or_default();
            Choice::new(value, title, self.scope == scope)
        };
        vec![
            choice(None, "Any scope"),
            choice(Some(Scope::Experience), "Experience bans"),
            choice(Some(Scope::Global), "Global bans"),
        ]
    }

    pub fn experiences(&self, linked: &[ExperienceId]) -> Vec<Choice> {
        let any = Choice::new("", "Any experience", self.experience.is_none());
        let linked = linked.iter().map(|experience| {
            let place = PlaceId::from(*experience);
            let title = format!("Experience {place}");
            Choice::new(place.to_string(), title, self.experience == Some(place))
        });
        std::iter::once(any).chain(linked).collect()
    }

    pub fn moderators(&self, members: &[Member]) -> Vec<Choice> {
        let any = Choice::new("", "Any moderator", self.moderator.is_none());
        let members = members.iter().map(|member| {
            let id = member.id.to_string();
            let is_chosen = self.moderator.as_ref() == Some(&id);
            Choice::new(id, member.name.to_string(), is_chosen)
        });
        std::iter::once(any).chain(members).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::{NOW, ban, record};

    fn query(pairs: &[(&str, &str)], moderates: bool) -> BansQuery {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        BansQuery::parse(
            &Submitted::new(pairs.iter().map(owned).collect()),
            moderates,
        )
    }

    #[test]
    fn filters_survive_their_address() {
        let pairs = [
            ("state", "ended"),
            ("scope", "global"),
            ("experience", "1818"),
            ("moderator", "mem_1"),
            ("q", "two words & more"),
        ];
        let parsed = query(&pairs, true);
        let address = parsed.address(None);
        let (_, sent) = address.split_once('?').unwrap();
        let sent = url::form_urlencoded::parse(sent.as_bytes()).into_owned();
        assert_eq!(
            BansQuery::parse(&Submitted::new(sent.collect()), true),
            parsed
        );
        assert!(parsed.is_filtered());
    }

    #[test]
    fn what_is_not_understood_is_no_filter() {
        let pairs = [("state", "x"), ("scope", "<b>"), ("experience", "0")];
        let parsed = query(&pairs, true);
        assert_eq!(parsed.address(None), "/console/bans");
        assert!(!parsed.is_filtered());
    }

    #[test]
    fn private_reasons_are_searched_for_moderators_alone() {
        let mut record = record(ban("Spam"));
        record.ban.terms.private_reason = "Seen by Ada".to_owned();
        for (moderates, words, fits) in [
            (true, "ADA", true),
            (false, "ADA", false),
            (false, "spam", true),
            (true, "cheats", false),
        ] {
            let query = query(&[("q", words), ("moderator", "")], moderates);
            assert_eq!(query.fits(&record, NOW), fits, "{words} {moderates}");
        }
    }

    #[test]
    fn moderator_is_no_filter_for_others() {
        assert_eq!(query(&[("moderator", "mem_1")], false).moderator, None);
    }
}
