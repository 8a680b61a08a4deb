//! `portcullis webhook replay`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::EndpointId;
use shared::store::Store;

use super::{NamedWebhook, find_active};
use crate::arguments::past_moment;
use crate::output::{Output, Printable};
use crate::progress::Progress;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    named: NamedWebhook,

    /// The start of the period: how long ago (2h, 1d12h), a date (00:00 UTC), a time (RFC 3339) or a
    /// Unix time.
    #[arg(long, value_name = "WHEN", value_parser = past_moment)]
    since: UnixMillis,

    /// Include events that arrived. The endpoint recognises them by their id.
    #[arg(long)]
    all: bool,

    /// Count the events, without sending any.
    #[arg(long)]
    dry_run: bool,
}

/// What was or would be replayed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplaySummary {
    endpoint: EndpointId,
    /// The number of events checked.
    events: u64,
    /// The number of events queued to be sent immediately.
    replayed: u64,
    dry_run: bool,
}

impl Printable for ReplaySummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let what = if self.dry_run {
            "would be queued"
        } else {
            "queued"
        };
        vec![
            ("webhook", self.endpoint.to_string()),
            ("events checked", self.events.to_string()),
            (what, self.replayed.to_string()),
        ]
    }
}

pub async fn run(args: &ReplayArgs, store: &Store, output: Output) -> Result<()> {
    let endpoint = find_active(store, args.named).await?;
    let prefix = endpoint.workspace.prefix();
    let mut shown = ReplaySummary {
        endpoint: endpoint.id,
        events: 0,
        replayed: 0,
        dry_run: args.dry_run,
    };
    let mut progress = Progress::begin("events checked", None);
    let mut next = Some(store.position_since(prefix, args.since).await?);
    while let Some(after) = next {
        let page = store
            .replay(&endpoint, after, args.all, args.dry_run)
            .await?;
        shown.events = shown.events.saturating_add(page.replayed.events);
        shown.replayed = shown.replayed.saturating_add(page.replayed.due);
        progress.advance(page.replayed.events);
        next = page.next;
    }
    progress.finish();
    output.one(&shown)
}
