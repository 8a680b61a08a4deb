//! What was sent to a webhook.

use anyhow::Result;
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::Value;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::UserId;
use shared::domain::webhooks::Failure;
use shared::domain::webhooks::{Delivery, DeliveryKey, DeliveryState, Endpoint, Message};
use shared::store::Store;

use super::{NamedWebhook, find};
use crate::arguments::one_of;
use crate::output::{Output, Printable, word};
use crate::times::{Time, or_dash};

#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    #[command(flatten)]
    named: NamedWebhook,

    /// Only deliveries in this state: waiting (`due`), delivered, given up (`failed`), or with an
    /// event that is not in the log any more (`gone`).
    #[arg(long, value_name = "STATE")]
    #[arg(value_parser = one_of::<DeliveryState>(["due", "delivered", "failed", "gone"]))]
    state: Option<DeliveryState>,

    /// The most deliveries to list.
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,

    /// Also show what is sent. With --json it is always there.
    #[arg(long)]
    body: bool,
}

/// How many events are looked up at once.
const AT_ONCE: usize = 8;

/// A delivery as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySummary {
    /// Its place in the log; a test has none.
    position: Option<u64>,
    id: String,
    event: String,
    /// The user that the event is about; a test has none, and an event that has left the log.
    user_id: Option<UserId>,
    pub state: DeliveryState,
    attempts: u32,
    created: Time,
    /// When it is to be tried, while it is to be.
    due: Option<Time>,
    /// When it was last tried.
    tried: Option<Time>,
    /// What was answered then.
    status: Option<u16>,
    /// Why there was no answer.
    failure: Option<&'static str>,
    milliseconds: Option<u64>,
    /// The start of the answer's body.
    answer: Option<String>,
    /// What is sent; none of an event that has left the log.
    body: Option<Value>,
    #[serde(skip)]
    shows_body: bool,
}

/// What a delivery sends, and about whom.
#[derive(Debug, Default)]
struct SentEvent {
    user: Option<UserId>,
    body: Option<Value>,
}

impl SentEvent {
    /// A delivery holds nothing of its event, so the event is read from the log.
    async fn of(delivery: &Delivery, endpoint: &Endpoint, store: &Store) -> Result<Self> {
        let workspace = endpoint.workspace;
        let (user, message) = match delivery.key {
            DeliveryKey::Test(_) => {
                let created = delivery.created.seconds();
                let message = Message::test(workspace, &delivery.event_id, created)?;
                (None, message)
            }
            DeliveryKey::Event(position) => {
                let Some(event) = store.event_at(workspace.prefix(), position).await? else {
                    return Ok(Self::default());
                };
                let message = Message::of(workspace, &event)?;
                (Some(event.decision.ban.user), message)
            }
        };
        let body = serde_json::from_slice(&message.body)?;
        Ok(Self { user, body })
    }
}

impl DeliverySummary {
    /// A delivery with what it sends.
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
            state: delivery.state,
            attempts: delivery.attempts,
            created: Time(delivery.created.seconds()),
            // A test is due before everything else.
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
        let user = self.user_id.map(|user| user.to_string());
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

pub async fn run(args: &DeliveriesArgs, store: &Store, output: Output) -> Result<()> {
    let endpoint = find(store, args.named).await?;
    let prefix = endpoint.workspace.prefix();
    let limit = usize::from(args.limit);
    let found = store
        .deliveries(prefix, endpoint.id, args.state, limit)
        .await?;
    let shown = found
        .into_iter()
        .map(|delivery| DeliverySummary::of(delivery, &endpoint, store, args.body));
    let shown: Vec<_> = stream::iter(shown).buffered(AT_ONCE).try_collect().await?;
    output.list(&shown, "no deliveries")
}
