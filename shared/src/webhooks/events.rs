//! Which events an endpoint gets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The events there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventName {
    /// A ban was made.
    GameBanned,
    /// A ban was changed.
    GameBanUpdated,
    /// A ban ended.
    GameUnbanned,
}

/// A set of events; those that an endpoint gets. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<EventName>", try_from = "Vec<EventName>")]
pub struct EventFilter(BTreeSet<EventName>);

/// A filter that lets nothing pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at least one event is needed")]
pub struct NoEvents;

impl EventFilter {
    /// All events.
    #[must_use]
    pub fn all() -> Self {
        Self(BTreeSet::from([
            EventName::GameBanned,
            EventName::GameBanUpdated,
            EventName::GameUnbanned,
        ]))
    }

    /// These events, if there is one.
    #[must_use]
    pub fn of(events: impl IntoIterator<Item = EventName>) -> Option<Self> {
        let events: BTreeSet<_> = events.into_iter().collect();
        (!events.is_empty()).then_some(Self(events))
    }

    /// Whether an event passes.
    #[must_use]
    pub fn admits(&self, event: EventName) -> bool {
        self.0.contains(&event)
    }

    /// The events that pass.
    pub fn events(&self) -> impl Iterator<Item = EventName> {
        self.0.iter().copied()
    }
}

impl TryFrom<Vec<EventName>> for EventFilter {
    type Error = NoEvents;

    fn try_from(events: Vec<EventName>) -> Result<Self, NoEvents> {
        Self::of(events).ok_or(NoEvents)
    }
}

impl From<EventFilter> for Vec<EventName> {
    fn from(filter: EventFilter) -> Self {
        filter.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_admits_what_it_names_and_is_stored_by_the_names() {
        let filter = EventFilter::of([EventName::GameUnbanned, EventName::GameBanned]).unwrap();
        assert!(filter.admits(EventName::GameBanned));
        assert!(!filter.admits(EventName::GameBanUpdated));
        let json = serde_json::to_string(&filter).unwrap();
        assert_eq!(json, r#"["GAME_BANNED","GAME_UNBANNED"]"#);
        assert_eq!(serde_json::from_str::<EventFilter>(&json).unwrap(), filter);
        assert!(serde_json::from_str::<EventFilter>("[]").is_err());
        assert_eq!(EventFilter::of([]), None);
        assert_eq!(EventFilter::all().events().count(), 3);
    }
}
