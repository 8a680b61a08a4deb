//! `portcullis webhook`.

mod deliveries;
mod lifecycle;
mod replay;
mod settings;
mod summary;
mod test;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use shared::domain::webhooks::{Endpoint, EndpointId};
use shared::store::Store;

use super::workspace;
use crate::arguments::{SafetyArgs, WorkspaceArg};
use crate::names::UserNames;
use crate::output::Output;
use deliveries::DeliveriesArgs;
use lifecycle::WebhookRotateArgs;
use replay::ReplayArgs;
use settings::{WebhookAddArgs, WebhookSetArgs};
use summary::WebhookSummary;
use test::WebhookTestArgs;

const EXAMPLES: &str = "\
Examples:
  portcullis webhook add https://example.com/bans --name \"staff panel\"
  portcullis webhook add https://example.com/unbans --events GAME_UNBANNED
  portcullis webhook add --discord --events GAME_BANNED,GAME_UNBANNED
  portcullis webhook list
  portcullis webhook set we_0123456789ab --url https://example.com/new
  portcullis webhook test we_0123456789ab
  portcullis webhook deliveries we_0123456789ab --state failed
  portcullis webhook replay we_0123456789ab --since 2h
  portcullis webhook rotate we_0123456789ab --overlap 2d";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum WebhookCommand {
    /// Add a webhook that sends future events to a URL, signed, or to a channel of Discord, as readable
    /// messages. A signing secret is shown once.
    Add(WebhookAddArgs),
    /// List webhooks and their health.
    List(WorkspaceArg),
    /// Show a webhook, without its secret or token.
    Show(NamedWebhook),
    /// Change a webhook's URL, events or name. Secret and deliveries are kept.
    Set(WebhookSetArgs),
    /// Pause a webhook. Events in the meantime are not sent, but can be replayed.
    Pause(NamedWebhook),
    /// Resume a webhook that was paused by you or because it failed.
    Resume(NamedWebhook),
    /// Remove a webhook and its list of deliveries.
    Remove {
        #[command(flatten)]
        named: NamedWebhook,
        #[command(flatten)]
        safety: SafetyArgs,
    },
    /// Replace the signing secret with a new one, shown once. The old one also signs for a while.
    Rotate(WebhookRotateArgs),
    /// Send a test event and show the response.
    Test(WebhookTestArgs),
    /// List deliveries with their responses, newest first.
    Deliveries(DeliveriesArgs),
    /// Send past events again: those that did not arrive, or all.
    Replay(ReplayArgs),
}

impl WebhookCommand {
    pub const fn changes(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Show(_) | Self::Deliveries(_))
    }
}

/// A webhook of a workspace.
#[derive(Clone, Copy, Debug, Args)]
pub struct NamedWebhook {
    /// The webhook's id, from `webhook list`.
    #[arg(value_name = "WEBHOOK", value_parser = endpoint)]
    id: EndpointId,
    #[command(flatten)]
    place: WorkspaceArg,
}

/// `is_local` means that the installation runs on this machine, so its functions reach local addresses.
pub async fn run(
    command: WebhookCommand,
    is_local: bool,
    store: &Store,
    user_names: &UserNames,
    output: Output,
) -> Result<()> {
    match command {
        WebhookCommand::Add(args) => settings::add(args, is_local, store, output).await,
        WebhookCommand::Set(args) => settings::set(args, is_local, store, output).await,
        WebhookCommand::List(place) => list(place, store, output).await,
        WebhookCommand::Show(named) => {
            output.one(&WebhookSummary::whole(&find(store, named).await?))
        }
        WebhookCommand::Pause(named) => lifecycle::pause(named, store, output).await,
        WebhookCommand::Resume(named) => lifecycle::resume(named, store, output).await,
        WebhookCommand::Remove { named, safety } => {
            lifecycle::remove(named, safety, store, output).await
        }
        WebhookCommand::Rotate(args) => lifecycle::rotate(&args, store, output).await,
        WebhookCommand::Test(args) => test::run(&args, store, output).await,
        WebhookCommand::Deliveries(args) => deliveries::run(&args, store, user_names, output).await,
        WebhookCommand::Replay(args) => replay::run(&args, store, output).await,
    }
}

async fn list(place: WorkspaceArg, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, place).await?;
    let mut endpoints = store.endpoints(workspace.guid.prefix()).await?;
    endpoints.sort_by_key(|endpoint| (endpoint.created, endpoint.id));
    let shown: Vec<_> = endpoints.iter().map(WebhookSummary::of).collect();
    let none = "no webhooks yet: add one with `portcullis webhook add URL`";
    output.list(&shown, none)
}

/// Finds a webhook by its id. The error says how to list webhooks.
async fn find(store: &Store, named: NamedWebhook) -> Result<Endpoint> {
    let workspace = workspace::find(store, named.place).await?;
    let found = store.endpoint(workspace.guid.prefix(), named.id).await?;
    found.with_context(|| unknown(named))
}

/// Finds a webhook that is not paused.
async fn find_active(store: &Store, named: NamedWebhook) -> Result<Endpoint> {
    let endpoint = find(store, named).await?;
    if !endpoint.is_active() {
        bail!(
            "the webhook is paused; resume it with `portcullis webhook resume {}`",
            endpoint.id
        );
    }
    Ok(endpoint)
}

fn unknown(named: NamedWebhook) -> String {
    format!(
        "the workspace has no webhook {}: `portcullis webhook list -w {}` shows all",
        named.id, named.place
    )
}

fn endpoint(text: &str) -> Result<EndpointId, String> {
    let wrong =
        |_| "expected a webhook's id, such as we_0123456789ab, from `webhook list`".to_owned();
    text.parse().map_err(wrong)
}
