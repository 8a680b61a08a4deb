//! `portcullis webhook add` and `set`.

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::domain::clock::UnixMillis;
use shared::domain::event::EventName;
use shared::domain::webhooks::{
    AddressPolicy, Endpoint, EndpointUrl, EventFilter, InvalidEndpointUrl, ReceiverKind, Target,
};
use shared::integrations::http_client::may_be_public;
use shared::store::Store;

use super::lifecycle::change;
use super::summary::{WebhookSummary, WebhookWithSecret};
use super::{NamedWebhook, find};
use crate::arguments::{UsageError, WorkspaceArg, name};
use crate::commands::workspace;
use crate::output::Output;
use crate::terminal;

/// Stands for a URL that is read from standard input.
const STANDARD_INPUT: &str = "-";

const ADD_DISCORD: &str =
    "use `portcullis webhook add --discord`, which sends readable messages to the channel";

const OTHER_KIND: &str =
    "this webhook sends signed events. Add one with `portcullis webhook add --discord`";

#[derive(Debug, Args)]
pub struct WebhookAddArgs {
    #[command(flatten)]
    place: WorkspaceArg,

    /// The https URL of the endpoint, at a public address. `-`, or nothing with --discord: it is read
    /// from standard input, and is not kept in the history of the shell.
    #[arg(value_name = "URL", required_unless_present = "discord")]
    url: Option<String>,

    /// The URL is that of a webhook in Discord: send readable messages to its channel. Anyone who has it
    /// can write there.
    #[arg(long)]
    discord: bool,

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

    /// The new https URL, at a public address; for a webhook of Discord, another one. `-`: it is read from
    /// standard input.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

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
    let kind = if args.discord {
        ReceiverKind::Discord
    } else {
        ReceiverKind::Signed
    };
    let typed = args.url.as_deref().unwrap_or(STANDARD_INPUT);
    let url = url_of(typed, kind, is_local, ADD_DISCORD)?;
    let workspace = workspace::find(store, args.place).await?;
    let events = EventFilter::of(args.events).unwrap_or_else(EventFilter::all);
    let now = UnixMillis::now().seconds();
    let mut endpoint = Endpoint::of(workspace.guid, url.into(), events, now);
    endpoint.name = args.name;
    // If the random id exists, the answer to the first attempt was lost.
    store.create_endpoint(&endpoint).await?;
    let Some(secrets) = endpoint.secrets() else {
        output.one(&WebhookSummary::of(&endpoint))?;
        note!(
            "Events from now on appear in the channel. `portcullis webhook test {}` sends a message there.",
            endpoint.id
        );
        return Ok(());
    };
    let shown = output.one(&WebhookWithSecret::of(&endpoint, secrets));
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
    let before = find(store, args.named).await?;
    let kind = before.receiver.kind();
    let url = args.url.as_deref();
    let url = url.map(|typed| url_of(typed, kind, is_local, OTHER_KIND));
    let url = url.transpose()?;
    let after = change(args.named, store, |mut endpoint| {
        if let Some(url) = &url {
            endpoint.receiver = endpoint.receiver.moved(url);
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

/// Parses the URL of an endpoint of this kind. Errors do not repeat it, since it may contain a secret;
/// `hint` follows that of a URL of Discord for signed events.
fn url_of(typed: &str, kind: ReceiverKind, is_local: bool, hint: &str) -> Result<EndpointUrl> {
    let read = match (typed, kind) {
        (STANDARD_INPUT, ReceiverKind::Signed) => Some(terminal::read_line("URL: ")?),
        (STANDARD_INPUT, ReceiverKind::Discord) => Some(terminal::read_line("Discord URL: ")?),
        _ => None,
    };
    let text = read.as_deref().unwrap_or(typed);
    let url = EndpointUrl::parse(text, kind).map_err(|error| {
        let said = match error {
            InvalidEndpointUrl::OfDiscord => format!("{error}: {hint}"),
            _ => error.to_string(),
        };
        UsageError(said)
    })?;
    match &url {
        EndpointUrl::Signed(target) => require_reachable(target, is_local)?,
        EndpointUrl::Discord(_) => {}
    }
    Ok(url)
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

fn event(text: &str) -> Result<EventName, String> {
    let named = |event: &EventName| event.as_str().eq_ignore_ascii_case(text);
    let found = EventName::ALL.into_iter().find(named);
    found.ok_or_else(|| {
        let all = EventName::ALL.map(EventName::as_str).join(", ");
        format!("expected one of {all}")
    })
}
