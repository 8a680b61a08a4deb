//! The commands that work through the API, for those who have a key and no access to the tables.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::api::ApiClient;
use crate::cli::Command;
use crate::commands::events::EventSource;
use crate::commands::{ban, bans, check, events, evidence, export, history, pending, unban};
use crate::names::UserNames;
use crate::output::Output;

pub async fn run(
    command: Command,
    api: ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<ExitCode> {
    match command {
        Command::Bans { command } => bans::run_remote(command, &api, names, output).await?,
        Command::Events(args) => {
            return events::run(args, EventSource::Api(Arc::new(api)), names, output).await;
        }
        Command::Ban(args) => ban::run_remote(&args, &api, names, output).await?,
        Command::Unban(args) => unban::run_remote(&args, &api, names, output).await?,
        Command::Check(args) => check::run_remote(&args, &api, names, output).await?,
        Command::History(args) => history::run_remote(&args, &api, names, output).await?,
        Command::Pending(args) => pending::run_remote(&args, &api, names, output).await?,
        Command::Export(args) => export::run_remote(&args, &api)?,
        Command::Evidence { command } => evidence::run_remote(command, &api, names, output).await?,
        _ => bail!("this command needs the tables"),
    }
    Ok(ExitCode::SUCCESS)
}
