//! `portcullis webhook pause`, `resume`, `rotate` and `remove`.

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::{DEFAULT_OVERLAP, Endpoint, EventReceiver};
use shared::store::Store;

use super::summary::{WebhookSummary, WebhookWithSecret};
use super::{NamedWebhook, find, unknown};
use crate::arguments::{SafetyArgs, seconds};
use crate::confirm::confirm;
use crate::output::{Output, Printable};
use crate::times::in_utc;

#[derive(Debug, Args)]
pub struct WebhookRotateArgs {
    #[command(flatten)]
    named: NamedWebhook,

    /// How long the old secret also signs: 24h, 7d, or 0 [default: 24h].
    #[arg(long, value_name = "LENGTH", value_parser = seconds)]
    overlap: Option<u64>,
}

const NO_SECRET: &str = "a webhook of Discord has no signing secret. If others know its URL, delete it in Discord, make a \
    new one there, and give its URL to `portcullis webhook set --url -`";

/// A webhook that was or would be removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RemovedWebhook {
    #[serde(flatten)]
    shown: WebhookSummary,
    dry_run: bool,
}

impl Printable for RemovedWebhook {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let what = if self.dry_run {
            "would be removed"
        } else {
            "removed"
        };
        vec![("webhook", format!("{} {what}", self.shown.id))]
    }
}

pub async fn pause(named: NamedWebhook, store: &Store, output: Output) -> Result<()> {
    let endpoint = change(named, store, Endpoint::paused).await?;
    output.one(&WebhookSummary::of(&endpoint))
}

pub async fn resume(named: NamedWebhook, store: &Store, output: Output) -> Result<()> {
    let endpoint = change(named, store, Endpoint::resumed).await?;
    output.one(&WebhookSummary::of(&endpoint))?;
    note!(
        "Waiting deliveries are sent within a minute. To send the events since it was paused: \
         `portcullis webhook replay {} --since WHEN`.",
        named.id
    );
    Ok(())
}

pub async fn rotate(args: &WebhookRotateArgs, store: &Store, output: Output) -> Result<()> {
    let overlap = args.overlap.unwrap_or(DEFAULT_OVERLAP);
    let now = UnixMillis::now().seconds();
    // Created outside the closure, so that a retry after a write conflict writes the same secret.
    let found = find(store, args.named).await?;
    let secrets = found.secrets().context(NO_SECRET)?.rotated(now, overlap);
    let rotated = |mut endpoint: Endpoint| {
        if let EventReceiver::Signed { secrets: held, .. } = &mut endpoint.receiver {
            held.clone_from(&secrets);
        }
        endpoint
    };
    let endpoint = change(args.named, store, rotated).await?;
    let shown = output.one(&WebhookWithSecret::of(&endpoint, &secrets));
    shown.with_context(|| {
        let id = endpoint.id;
        format!("secret created but could not be printed: `portcullis webhook rotate {id}`")
    })?;
    note!(
        "This secret cannot be shown again. The old one {}.",
        match overlap {
            0 => "no longer signs".to_owned(),
            overlap => format!("also signs until {}", in_utc(now.plus(overlap))),
        }
    );
    Ok(())
}

pub async fn remove(
    named: NamedWebhook,
    safety: SafetyArgs,
    store: &Store,
    output: Output,
) -> Result<()> {
    let endpoint = find(store, named).await?;
    if !safety.dry_run {
        let question = format!(
            "Remove webhook {} ({}) and its list of deliveries?",
            endpoint.id, endpoint.receiver
        );
        confirm(&question, safety.yes)?;
        store
            .remove_endpoint(endpoint.workspace.prefix(), endpoint.id)
            .await?;
    }
    output.one(&RemovedWebhook {
        shown: WebhookSummary::of(&endpoint),
        dry_run: safety.dry_run,
    })
}

pub async fn change(
    named: NamedWebhook,
    store: &Store,
    change: impl Fn(Endpoint) -> Endpoint,
) -> Result<Endpoint> {
    let endpoint = find(store, named).await?;
    let prefix = endpoint.workspace.prefix();
    let changed = store.change_endpoint(prefix, endpoint.id, change).await?;
    Ok(changed.with_context(|| unknown(named))?.after)
}
