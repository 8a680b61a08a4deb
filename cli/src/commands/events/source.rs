//! Where events are read: in the tables or through the API.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::history::LogPosition;
use shared::domain::ids::WorkspaceId;
use shared::store::Store;

use super::EventEntry;
use crate::actors::MemberNames;
use crate::api::{ApiClient, ApiFailure, Query};
use crate::arguments::UsageError;
use crate::names::UserNames;

/// How many events a page has.
const PAGE: usize = 200;

#[derive(Clone, Debug)]
pub enum EventSource {
    Tables(Store, WorkspaceId),
    Api(Arc<ApiClient>),
}

/// A place in the log.
#[derive(Clone, Debug)]
pub struct EventPosition {
    source: EventSource,
    at: Start,
}

/// A page of events.
#[derive(Debug)]
pub struct EventsRead {
    pub entries: Vec<EventEntry>,
    /// Whether the log ends here for now.
    pub is_end: bool,
    /// The position after the page.
    pub next: EventPosition,
}

#[derive(Clone, Debug)]
enum Start {
    /// After the event that this names.
    Cursor(String),
    Time(UnixMillis),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventPage {
    list: Vec<Value>,
    next_cursor: String,
}

impl EventSource {
    pub fn begin(self, cursor: Option<String>, from: UnixMillis) -> EventPosition {
        let at = cursor.map_or(Start::Time(from), Start::Cursor);
        EventPosition { source: self, at }
    }
}

impl EventPosition {
    /// The cursor, once a page has been read.
    pub fn cursor(&self) -> Option<String> {
        match &self.at {
            Start::Cursor(cursor) => Some(cursor.clone()),
            Start::Time(_) => None,
        }
    }

    /// A page of the events from here on.
    pub async fn read(&self, names: &UserNames) -> Result<EventsRead> {
        let mut page = match &self.source {
            EventSource::Tables(store, workspace) => self.stored(store, *workspace).await?,
            EventSource::Api(api) => self.received(api).await?,
        };
        let users: Vec<_> = page.entries.iter().filter_map(EventEntry::user).collect();
        let names = match &self.source {
            EventSource::Tables(store, workspace) => {
                names.shown(store, workspace.prefix(), users).await
            }
            EventSource::Api(_) => names.shown_remote(users).await,
        };
        for entry in &mut page.entries {
            entry.name_user(&names);
        }
        Ok(page)
    }

    fn followed_by(&self, cursor: String) -> Self {
        Self {
            source: self.source.clone(),
            at: Start::Cursor(cursor),
        }
    }

    async fn stored(&self, store: &Store, workspace: WorkspaceId) -> Result<EventsRead> {
        let prefix = workspace.prefix();
        let now = UnixMillis::now();
        let (head, after) = match &self.at {
            Start::Cursor(cursor) => {
                let cursor = parse(cursor)?;
                let Some(head) = store.log_head_from(prefix, cursor).await? else {
                    bail!("the cursor is beyond the end of the event log: start with --from");
                };
                (head, cursor.position)
            }
            Start::Time(from) => {
                let head = store.log_head(prefix, true).await?;
                (head, store.position_since(prefix, *from).await?)
            }
        };
        let page = store.events_after(prefix, after, PAGE, now).await?;
        let events = page.events.iter();
        let mut entries: Vec<_> = events
            .map(|event| EventEntry::stored(event, workspace))
            .collect();
        let actors = entries.iter().filter_map(EventEntry::actor);
        let members = MemberNames::read(store, prefix, actors).await?;
        for entry in &mut entries {
            entry.name_actor(&members);
        }
        Ok(EventsRead {
            entries,
            // Erased events leave gaps, so an empty page need not be the end.
            is_end: page.reached == after,
            next: self.followed_by(format!("{}.{}", head.epoch, page.reached)),
        })
    }

    /// Reads in a thread of its own, so that Ctrl-C does not have to wait for the answer.
    async fn received(&self, api: &Arc<ApiClient>) -> Result<EventsRead> {
        let mut query: Query<'static> = vec![("limit", PAGE.to_string())];
        query.push(match &self.at {
            Start::Cursor(cursor) => ("cursor", cursor.clone()),
            Start::Time(from) => ("since", from.seconds().0.to_string()),
        });
        let (answer, answered) = futures::channel::oneshot::channel();
        let api = Arc::clone(api);
        std::thread::spawn(move || {
            // Nobody waits for the answer after Ctrl-C.
            let _ = answer.send(api.get::<EventPage>("events", &query));
        });
        let page = answered
            .await
            .context("the call ended without an answer")??;
        Ok(EventsRead {
            is_end: page.list.is_empty(),
            entries: page.list.into_iter().map(EventEntry::received).collect(),
            next: self.followed_by(page.next_cursor),
        })
    }
}

/// Whether reading the same position may succeed later.
pub fn may_recover(error: &anyhow::Error) -> bool {
    if let Some(failure) = error.downcast_ref::<ApiFailure>() {
        return failure.is_transient();
    }
    matches!(
        error.downcast_ref::<ApiError>(),
        Some(ApiError::Unavailable(_) | ApiError::ServiceUnavailable { .. })
    )
}

/// Parses a cursor of the tables: epoch and position.
fn parse(cursor: &str) -> Result<LogPosition, UsageError> {
    let numbers = cursor.split_once('.').and_then(|(epoch, position)| {
        Some(LogPosition {
            epoch: epoch.parse().ok()?,
            position: position.parse().ok()?,
        })
    });
    let wrong = || UsageError("--cursor is not from a run that read the tables".to_owned());
    numbers.ok_or_else(wrong)
}
