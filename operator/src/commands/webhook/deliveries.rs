//! What was sent to a webhook.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::clock::Moment;
use shared::outbound::Failure;
use shared::store::Store;
use shared::webhooks::{Delivery, DeliveryKey, DeliveryState};

use super::{Named, find};
use crate::arguments::one_of;
use crate::output::{Output, Record, word};
use crate::times::{Time, or_dash};

#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    #[command(flatten)]
    named: Named,

    /// Only deliveries in this state: waiting (`due`), delivered, given up (`failed`), or with an
    /// event that is not in the log any more (`gone`).
    #[arg(long, value_name = "STATE")]
    #[arg(value_parser = one_of::<DeliveryState>(["due", "delivered", "failed", "gone"]))]
    state: Option<DeliveryState>,

    /// The most deliveries to list.
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// A delivery as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Its place in the log; a test has none.
    position: Option<u64>,
    id: String,
    event: String,
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
}

impl Shown {
    pub fn of(delivery: Delivery) -> Self {
        let last = delivery.last.as_ref();
        Self {
            position: match delivery.key {
                DeliveryKey::Event(position) => Some(position),
                DeliveryKey::Test(_) => None,
            },
            id: delivery.event_id,
            event: delivery.event,
            state: delivery.state,
            attempts: delivery.attempts,
            created: Time(delivery.created.seconds()),
            // A test is due before everything else.
            due: delivery
                .due_at
                .map(|at| Time(at.max(delivery.created).seconds())),
            tried: last.map(|last| Time(Moment::from_millis(last.at).seconds())),
            status: last.and_then(|last| last.status),
            failure: last.and_then(|last| last.failure.map(Failure::reason)),
            milliseconds: last.map(|last| last.took),
            answer: last.map(|last| last.answer.clone()),
        }
    }
}

impl Record for Shown {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let status = self.status.map(|status| status.to_string());
        let result = status.or(self.failure.map(str::to_owned));
        let took = self.milliseconds.map(|took| format!("{took} ms"));
        let dash = || "-".to_owned();
        vec![
            ("event", self.event.clone()),
            ("id", self.id.clone()),
            ("state", word(self.state)),
            ("attempts", self.attempts.to_string()),
            ("last", or_dash(self.tried)),
            ("result", result.unwrap_or_else(dash)),
            ("took", took.unwrap_or_else(dash)),
            ("next", or_dash(self.due)),
            ("answer", self.answer.clone().unwrap_or_default()),
        ]
    }
}

pub async fn run(args: &DeliveriesArgs, store: &Store, output: Output) -> Result<()> {
    let endpoint = find(store, args.named).await?;
    let tag = endpoint.workspace.tag();
    let limit = usize::from(args.limit);
    let found = store
        .deliveries(tag, endpoint.id, args.state, limit)
        .await?;
    let shown: Vec<_> = found.into_iter().map(Shown::of).collect();
    output.list(&shown, "no deliveries")
}
