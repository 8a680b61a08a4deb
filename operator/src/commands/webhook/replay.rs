//! Delivering events again.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::clock::Moment;
use shared::store::Store;
use shared::webhooks::EndpointId;

use super::{Named, find_active};
use crate::arguments::moment_past;
use crate::output::{Output, Record};
use crate::progress::Progress;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    named: Named,

    /// From when on: an instant (RFC 3339), a Unix time, or how long ago (2h, 1d12h).
    #[arg(long, value_name = "WHEN", value_parser = moment_past)]
    since: Moment,

    /// Also what has arrived; its receiver knows it by its id.
    #[arg(long)]
    all: bool,

    /// Only count, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What replaying came to, or would.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    endpoint: EndpointId,
    /// Events since then.
    events: u64,
    /// Those of them that are delivered again.
    replayed: u64,
    dry_run: bool,
}

impl Record for Shown {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let what = if self.dry_run {
            "would be delivered"
        } else {
            "are delivered"
        };
        vec![
            ("endpoint", self.endpoint.to_string()),
            ("events since then", self.events.to_string()),
            (what, self.replayed.to_string()),
        ]
    }
}

pub async fn run(args: &ReplayArgs, store: &Store, output: Output) -> Result<()> {
    let endpoint = find_active(store, args.named).await?;
    let tag = endpoint.workspace.tag();
    let mut shown = Shown {
        endpoint: endpoint.id,
        events: 0,
        replayed: 0,
        dry_run: args.dry_run,
    };
    let mut progress = Progress::begin("events looked at", None);
    let mut next = Some(store.position_since(tag, args.since).await?);
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
