//! The events that an endpoint receives.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::event::EventName;

/// A non-empty set of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct EventFilter(BTreeSet<EventName>);

/// The texts are not a set of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one or more of the events in docs/operators.md, such as GAME_BANNED")]
pub struct NoEvents;

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

fn named(name: &str) -> Option<EventName> {
    EventName::ALL
        .into_iter()
        .find(|event| event.as_str() == name)
}

impl TryFrom<Vec<String>> for EventFilter {
    type Error = NoEvents;

    fn try_from(names: Vec<String>) -> Result<Self, NoEvents> {
        let events: Option<BTreeSet<_>> = names.iter().map(|name| named(name)).collect();
        events.and_then(Self::of).ok_or(NoEvents)
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
        for wrong in ["[]", r#"["GAME_OVER"]"#] {
            assert!(serde_json::from_str::<EventFilter>(wrong).is_err());
        }
        assert_eq!(EventFilter::of([]), None);
        assert_eq!(EventFilter::all().events().count(), 6);
    }
}
