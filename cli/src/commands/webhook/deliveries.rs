//! `portcullis webhook deliveries`.

use anyhow::Result;
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::Value;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::UserId;
use shared::domain::webhooks::Failure;
use shared::domain::webhooks::discord::{ChannelMessage, EventEmbed, KnownNames};
use shared::domain::webhooks::{Delivery, DeliveryKey, DeliveryState, Endpoint, Message};
use shared::store::Store;

use super::{NamedWebhook, find};
use crate::arguments::one_of;
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable, word};
use crate::times::{Time, or_dash};

#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    #[command(flatten)]
    named: NamedWebhook,

    /// Only deliveries in this state. `due`: waiting; `failed`: given up; `gone`: the event is no longer
    /// in the event log.
    #[arg(long, value_name = "STATE")]
    #[arg(value_parser = one_of::<DeliveryState>(["due", "delivered", "failed", "gone"]))]
    state: Option<DeliveryState>,

    /// The maximum number of deliveries to list.
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,

    /// Also show the body. --json always contains it.
    #[arg(long)]
    body: bool,
}

/// How many events are read at once.
const CONCURRENCY: usize = 8;

/// A delivery and its last response.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySummary {
    /// The position in the event log; `None` for a test.
    position: Option<u64>,
    id: String,
    event: String,
    /// The user of the event; `None` for a test, and for an event that has left the event log.
    user_id: Option<UserId>,
    name: Option<String>,
    pub state: DeliveryState,
    attempts: u32,
    created: Time,
    /// The time of the next attempt.
    due: Option<Time>,
    /// The time of the last attempt.
    tried: Option<Time>,
    /// The HTTP status of the last response.
    status: Option<u16>,
    /// Why there was no response.
    failure: Option<&'static str>,
    milliseconds: Option<u64>,
    /// The start of the response body.
    answer: Option<String>,
    /// The request body; `None` for an event that has left the event log.
    body: Option<Value>,
    #[serde(skip)]
    shows_body: bool,
}

/// The content of a delivery.
#[derive(Debug, Default)]
struct SentEvent {
    user: Option<UserId>,
    body: Option<Value>,
}

impl SentEvent {
    /// Reads the event from the event log, since a delivery does not contain it.
    async fn of(delivery: &Delivery, endpoint: &Endpoint, store: &Store) -> Result<Self> {
        let workspace = endpoint.workspace;
        let (user, body) = match delivery.key {
            DeliveryKey::Test(_) => {
                let created = delivery.created.seconds();
                let body = match endpoint.discord() {
                    Some(_) => shown_in_channel(EventEmbed::test(created))?,
                    None => signed(&Message::test(workspace, &delivery.event_id, created)?)?,
                };
                (None, body)
            }
            DeliveryKey::Event(position) => {
                let Some(event) = store.event_at(workspace.prefix(), position).await? else {
                    return Ok(Self::default());
                };
                let body = match endpoint.discord() {
                    Some(_) => shown_in_channel(EventEmbed::of(&event, &KnownNames::default()))?,
                    None => signed(&Message::of(workspace, &event)?)?,
                };
                (event.entry.user(), body)
            }
        };
        Ok(Self {
            user,
            body: Some(body),
        })
    }
}

/// The message of an event in a channel of Discord; it is sent together with others, and with names that
/// are known.
fn shown_in_channel(embed: EventEmbed) -> Result<Value> {
    let messages = ChannelMessage::pack(vec![embed]);
    Ok(serde_json::to_value(messages.first())?)
}

fn signed(message: &Message) -> Result<Value> {
    Ok(serde_json::from_slice(&message.body)?)
}

impl DeliverySummary {
    pub async fn of(
        delivery: Delivery,
        endpoint: &Endpoint,
        store: &Store,
        shows_body: bool,
    ) -> Result<Self> {
        let sent = SentEvent::of(&delivery, endpoint, store).await?;
        let last = delivery.last.as_ref();
        Ok(Self {
            position: match delivery.key {
                DeliveryKey::Event(position) => Some(position),
                DeliveryKey::Test(_) => None,
            },
            id: delivery.event_id,
            event: delivery.event,
            user_id: sent.user,
            name: None,
            state: delivery.state,
            attempts: delivery.attempts,
            created: Time(delivery.created.seconds()),
            // Tests have a due time before all events.
            due: delivery
                .due_at
                .map(|at| Time(at.max(delivery.created).seconds())),
            tried: last.map(|last| Time(UnixMillis::from_millis(last.at).seconds())),
            status: last.and_then(|last| last.status),
            failure: last.and_then(|last| last.failure.map(Failure::reason)),
            milliseconds: last.map(|last| last.took),
            answer: last.map(|last| last.answer.clone()),
            body: sent.body,
            shows_body,
        })
    }
}

impl Printable for DeliverySummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let status = self.status.map(|status| status.to_string());
        let result = status.or(self.failure.map(str::to_owned));
        let took = self.milliseconds.map(|took| format!("{took} ms"));
        let dash = || "-".to_owned();
        let user = self.user_id.map(|id| {
            let name = self.name.clone();
            NamedUser { id, name }.cell()
        });
        let mut fields = vec![
            ("event", self.event.clone()),
            ("user", user.unwrap_or_else(dash)),
            ("id", self.id.clone()),
            ("state", word(self.state)),
            ("attempts", self.attempts.to_string()),
            ("last", or_dash(self.tried)),
            ("result", result.unwrap_or_else(dash)),
            ("took", took.unwrap_or_else(dash)),
            ("next", or_dash(self.due)),
            ("answer", self.answer.clone().unwrap_or_default()),
        ];
        if self.shows_body {
            let body = self.body.as_ref().map(Value::to_string);
            fields.push(("body", body.unwrap_or_else(dash)));
        }
        fields
    }
}

pub async fn run(
    args: &DeliveriesArgs,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let endpoint = find(store, args.named).await?;
    let prefix = endpoint.workspace.prefix();
    let limit = usize::from(args.limit);
    let found = store
        .deliveries(prefix, endpoint.id, args.state, limit)
        .await?;
    let shown = found
        .into_iter()
        .map(|delivery| DeliverySummary::of(delivery, &endpoint, store, args.body));
    let mut shown: Vec<_> = stream::iter(shown)
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let users = shown.iter().filter_map(|row: &DeliverySummary| row.user_id);
    let known = names.shown(store, prefix, users).await;
    for row in &mut shown {
        let name = row.user_id.and_then(|user| known.get(&user));
        row.name = name.map(|name| name.name().to_owned());
    }
    output.list(&shown, "no deliveries")
}
