//! `portcullis webhook add` and `set`.

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::domain::clock::UnixMillis;
use shared::domain::event::EventName;
use shared::domain::webhooks::{AddressPolicy, Endpoint, EventFilter, Target};
use shared::integrations::http_client::may_be_public;
use shared::store::Store;

use super::lifecycle::change;
use super::summary::{WebhookSummary, WebhookWithSecret};
use super::{NamedWebhook, find};
use crate::arguments::{WorkspaceArg, name};
use crate::commands::workspace;
use crate::output::Output;

#[derive(Debug, Args)]
pub struct WebhookAddArgs {
    #[command(flatten)]
    place: WorkspaceArg,

    /// The https URL of the endpoint, at a public address.
    #[arg(value_name = "URL", value_parser = target)]
    url: Target,

    /// The events to send, separated by commas [default: all].
    #[arg(long, value_name = "EVENT", value_delimiter = ',', value_parser = event)]
    events: Vec<EventName>,

    /// A display name.
    #[arg(long, value_parser = name, allow_hyphen_values = true)]
    name: Option<String>,
}

#[derive(Debug, Args)]
#[group(id = "settings", required = true, multiple = true, args = ["url", "events", "all_events",
    "name"])]
pub struct WebhookSetArgs {
    #[command(flatten)]
    named: NamedWebhook,

    /// The new https URL, at a public address.
    #[arg(long, value_name = "URL", value_parser = target)]
    url: Option<Target>,

    /// The new list of events to send, separated by commas.
    #[arg(long, value_name = "EVENT", value_delimiter = ',', value_parser = event)]
    events: Vec<EventName>,

    /// Send all events.
    #[arg(long, conflicts_with = "events")]
    all_events: bool,

    /// The new display name.
    #[arg(long, value_parser = name, allow_hyphen_values = true)]
    name: Option<String>,
}

pub async fn add(
    args: WebhookAddArgs,
    is_local: bool,
    store: &Store,
    output: Output,
) -> Result<()> {
    require_reachable(&args.url, is_local)?;
    let workspace = workspace::find(store, args.place).await?;
    let events = EventFilter::of(args.events).unwrap_or_else(EventFilter::all);
    let mut endpoint = Endpoint::new(
        workspace.guid,
        args.url,
        events,
        UnixMillis::now().seconds(),
    );
    endpoint.name = args.name;
    // If the random id exists, the answer to the first attempt was lost.
    store.create_endpoint(&endpoint).await?;
    let shown = output.one(&WebhookWithSecret::of(&endpoint));
    shown.with_context(|| {
        let id = endpoint.id;
        format!("secret created but could not be printed: `portcullis webhook rotate {id}`")
    })?;
    note!(
        "This secret cannot be shown again. Store it in a secret manager now; the endpoint needs it to \
         verify events."
    );
    Ok(())
}

/// Changes the given settings.
pub async fn set(
    args: WebhookSetArgs,
    is_local: bool,
    store: &Store,
    output: Output,
) -> Result<()> {
    if let Some(url) = &args.url {
        require_reachable(url, is_local)?;
    }
    let before = find(store, args.named).await?;
    let after = change(args.named, store, |mut endpoint| {
        if let Some(url) = &args.url {
            endpoint.url = url.clone();
            // Failures of the old URL do not count for the new one.
            endpoint.failing_since = None;
        }
        if args.all_events {
            endpoint.events = EventFilter::all();
        } else if let Some(events) = EventFilter::of(args.events.iter().copied()) {
            endpoint.events = events;
        }
        if let Some(name) = &args.name {
            endpoint.name = Some(name.clone());
        }
        endpoint
    })
    .await?;
    output.one(&WebhookSummary::of(&after))?;
    if !before.is_active() {
        note!(
            "The webhook is still paused. Resume it with `portcullis webhook resume {}`.",
            before.id
        );
    }
    Ok(())
}

/// Fails if the installation cannot reach the address. Warns about chat services, which do not accept
/// events.
fn require_reachable(url: &Target, is_local: bool) -> Result<()> {
    let reach = if is_local {
        AddressPolicy::PublicAndLoopback
    } else {
        AddressPolicy::Public
    };
    let is_reached = may_be_public(url, reach);
    if !is_reached {
        bail!("{url} is not a public address, so a deployed stack cannot reach it");
    }
    if let Some(service) = url.chat_service() {
        warning!(
            "{service} does not understand these events and will answer 400 to each; use a service \
             that translates them"
        );
    }
    Ok(())
}

fn target(text: &str) -> Result<Target, String> {
    Target::of_endpoint(text).map_err(|error| error.to_string())
}

fn event(text: &str) -> Result<EventName, String> {
    let named = |event: &EventName| event.as_str().eq_ignore_ascii_case(text);
    let found = EventName::ALL.into_iter().find(named);
    found.ok_or_else(|| {
        let all = EventName::ALL.map(EventName::as_str).join(", ");
        format!("expected one of {all}")
    })
}
