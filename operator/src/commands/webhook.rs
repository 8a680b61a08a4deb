//! `portcullis webhook`: where other systems hear of what is decided.

mod adding;
mod changing;
mod deliveries;
mod replay;
mod shown;
mod test;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use shared::store::Store;
use shared::webhooks::{Endpoint, EndpointId};

use super::workspace;
use crate::arguments::{Caution, InWorkspace};
use crate::output::Output;
use adding::AddArgs;
use changing::RotateArgs;
use deliveries::DeliveriesArgs;
use replay::ReplayArgs;
use shown::Shown;
use test::TestArgs;

const EXAMPLES: &str = "\
Examples:
  portcullis webhook add https://example.com/bans --name \"staff panel\"
  portcullis webhook add https://example.com/unbans --events GAME_UNBANNED
  portcullis webhook test we_0123456789ab
  portcullis webhook deliveries we_0123456789ab --state failed
  portcullis webhook replay we_0123456789ab --since 2h
  portcullis webhook rotate we_0123456789ab --overlap 2d";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum WebhookCommand {
    /// Send events to a URL from now on. The secret they are signed with is shown once.
    Add(AddArgs),
    /// List the endpoints of a workspace and how they fare.
    List(InWorkspace),
    /// Show an endpoint: everything but its secret.
    Show(Named),
    /// Send nothing for a while. Events until it goes on are not delivered, but can be replayed.
    Pause(Named),
    /// Send again, also to an endpoint that was paused since it failed.
    Resume(Named),
    /// Remove an endpoint with the list of its deliveries.
    Remove {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        caution: Caution,
    },
    /// Sign with a new secret, shown once, and for a while with the old one too.
    Rotate(RotateArgs),
    /// Send a test to an endpoint and show what it answers.
    Test(TestArgs),
    /// List what was sent to an endpoint, newest first, and what it answered.
    Deliveries(DeliveriesArgs),
    /// Deliver events again: those since a time that did not arrive, or all.
    Replay(ReplayArgs),
}

/// An endpoint of a workspace.
#[derive(Clone, Copy, Debug, Args)]
pub struct Named {
    /// The endpoint, by the id that `webhook list` shows.
    #[arg(value_name = "ENDPOINT", value_parser = endpoint)]
    id: EndpointId,
    #[command(flatten)]
    place: InWorkspace,
}

/// `is_local`: the installation is that of `make dev`, whose functions reach this machine.
pub async fn run(
    command: WebhookCommand,
    is_local: bool,
    store: &Store,
    output: Output,
) -> Result<()> {
    match command {
        WebhookCommand::Add(args) => adding::add(args, is_local, store, output).await,
        WebhookCommand::List(place) => list(place, store, output).await,
        WebhookCommand::Show(named) => output.one(&Shown::whole(&find(store, named).await?)),
        WebhookCommand::Pause(named) => changing::pause(named, store, output).await,
        WebhookCommand::Resume(named) => changing::resume(named, store, output).await,
        WebhookCommand::Remove { named, caution } => {
            changing::remove(named, caution, store, output).await
        }
        WebhookCommand::Rotate(args) => changing::rotate(&args, store, output).await,
        WebhookCommand::Test(args) => test::run(&args, store, output).await,
        WebhookCommand::Deliveries(args) => deliveries::run(&args, store, output).await,
        WebhookCommand::Replay(args) => replay::run(&args, store, output).await,
    }
}

async fn list(place: InWorkspace, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, place.workspace).await?;
    let mut endpoints = store.endpoints(workspace.guid.tag()).await?;
    endpoints.sort_by_key(|endpoint| (endpoint.created, endpoint.id));
    let shown: Vec<_> = endpoints.iter().map(Shown::of).collect();
    let none = "nothing is sent anywhere: `portcullis webhook add URL` changes that";
    output.list(&shown, none)
}

/// The endpoint with this id, or an error that says where to find the right one.
async fn find(store: &Store, named: Named) -> Result<Endpoint> {
    let workspace = workspace::find(store, named.place.workspace).await?;
    let found = store.endpoint(workspace.guid.tag(), named.id).await?;
    found.with_context(|| unknown(named))
}

/// The same, which must be going.
async fn find_active(store: &Store, named: Named) -> Result<Endpoint> {
    let endpoint = find(store, named).await?;
    if !endpoint.is_active() {
        bail!(
            "the endpoint is paused: set it going with `portcullis webhook resume {}`",
            endpoint.id
        );
    }
    Ok(endpoint)
}

fn unknown(named: Named) -> String {
    format!(
        "the workspace has no endpoint {}: `portcullis webhook list --workspace {}` shows all",
        named.id, named.place.workspace
    )
}

fn endpoint(text: &str) -> Result<EndpointId, String> {
    let wrong = |_| "expected an endpoint's id, as `webhook list` shows it".to_owned();
    text.parse().map_err(wrong)
}
