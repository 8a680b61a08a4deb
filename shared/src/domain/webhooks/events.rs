//! The events that an endpoint receives.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::event::EventName;

/// A set of events. As stored it may name events that only a later version knows, which this one
/// ignores: a version that was rolled back delivers the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", from = "Vec<String>")]
pub struct EventFilter(BTreeSet<EventName>);

impl EventFilter {
    #[must_use]
    pub fn all() -> Self {
        Self(BTreeSet::from(EventName::ALL))
    }

    /// These events, if there is at least one.
    #[must_use]
    pub fn of(events: impl IntoIterator<Item = EventName>) -> Option<Self> {
        let events: BTreeSet<_> = events.into_iter().collect();
        (!events.is_empty()).then_some(Self(events))
    }

    #[must_use]
    pub fn admits(&self, event: EventName) -> bool {
        self.0.contains(&event)
    }

    pub fn events(&self) -> impl Iterator<Item = EventName> {
        self.0.iter().copied()
    }
}

impl From<Vec<String>> for EventFilter {
    fn from(names: Vec<String>) -> Self {
        Self(
            names
                .iter()
                .filter_map(|name| EventName::named(name))
                .collect(),
        )
    }
}

impl From<EventFilter> for Vec<String> {
    fn from(filter: EventFilter) -> Self {
        filter
            .events()
            .map(|event| event.as_str().to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_admits_and_stores_the_events_it_names() {
        let filter = EventFilter::of([EventName::Unbanned, EventName::Banned]).unwrap();
        assert!(filter.admits(EventName::Banned));
        assert!(!filter.admits(EventName::BanUpdated));
        let json = serde_json::to_string(&filter).unwrap();
        assert_eq!(json, r#"["GAME_BANNED","GAME_UNBANNED"]"#);
        assert_eq!(serde_json::from_str::<EventFilter>(&json).unwrap(), filter);
        assert_eq!(EventFilter::of([]), None);
        assert_eq!(EventFilter::all().events().count(), EventName::ALL.len());
    }

    #[test]
    fn events_of_a_later_version_are_ignored() {
        let read = |json| serde_json::from_str::<EventFilter>(json).unwrap();
        let filter = read(r#"["GAME_BANNED","GAME_OVER"]"#);
        assert_eq!(filter.events().collect::<Vec<_>>(), [EventName::Banned]);
        let unknown = read(r#"["GAME_OVER"]"#);
        assert!(
            !EventName::ALL
                .into_iter()
                .any(|event| unknown.admits(event))
        );
    }
}
