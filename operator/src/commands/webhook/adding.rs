//! New endpoints.

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::clock::Moment;
use shared::event::EventName;
use shared::outbound::{Target, is_public};
use shared::store::Store;
use shared::webhooks::{Endpoint, EventFilter};

use super::shown::WithSecret;
use crate::arguments::{InWorkspace, name};
use crate::commands::workspace;
use crate::output::Output;

#[derive(Debug, Args)]
pub struct AddArgs {
    #[command(flatten)]
    place: InWorkspace,

    /// Where events are sent: https, a public address.
    #[arg(value_name = "URL", value_parser = target)]
    url: Target,

    /// Which events; several by commas [default: all].
    #[arg(long, value_name = "EVENT", value_delimiter = ',', value_parser = event)]
    events: Vec<EventName>,

    /// What you call it.
    #[arg(long, value_parser = name)]
    name: Option<String>,
}

pub async fn add(args: AddArgs, is_local: bool, store: &Store, output: Output) -> Result<()> {
    let is_reached = if args.url.is_local() {
        is_local
    } else {
        args.url.address().is_none_or(is_public)
    };
    if !is_reached {
        bail!(
            "{} is no public address: a deployed stack does not reach it",
            args.url
        );
    }
    let workspace = workspace::find(store, args.place.workspace).await?;
    let events = EventFilter::of(args.events).unwrap_or_else(EventFilter::all);
    let mut endpoint = Endpoint::new(workspace.guid, args.url, events, Moment::now().seconds());
    endpoint.name = args.name;
    // That a random id exists already only means that the answer to the first try was lost.
    store.create_endpoint(&endpoint).await?;
    let shown = output.one(&WithSecret::of(&endpoint));
    shown.with_context(|| format!("the secret is made but lost: rotate {}", endpoint.id))?;
    eprintln!(
        "This secret cannot be shown again: keep it where you keep secrets. Whoever receives the \
         events verifies them with it."
    );
    Ok(())
}

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text).map_err(|error| error.to_string())
}

fn event(text: &str) -> Result<EventName, String> {
    let named = |event: &EventName| event.as_str().eq_ignore_ascii_case(text);
    let found = EventName::ALL.into_iter().find(named);
    found.ok_or_else(|| "expected GAME_BANNED, GAME_BAN_UPDATED or GAME_UNBANNED".to_owned())
}
