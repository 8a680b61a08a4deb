//! `portcullis`, the command that operates an installation.
//!
//! [`run`] is the program. [`import`] is public so that the fuzz tests can read files with it, and
//! [`costs`] so that the benchmark can compare it with its measurements.

#[macro_use]
mod terminal;

mod actors;
mod api;
mod arguments;
mod ban_summary;
mod cli;
mod commands;
mod confirm;
mod connection;
mod contexts;
pub mod costs;
pub mod import;
mod names;
mod output;
mod permissions;
mod progress;
pub mod thousands;
mod through_api;
mod times;

use std::process::ExitCode;

use cli::{Cli, Command};
use commands::{
    ban, bans, check, discord, events, group, history, link, pending, permission, unban, undo,
};
use names::UserNames;

/// Runs the command that the arguments name.
pub async fn run() -> ExitCode {
    let mut cli = Cli::read();
    let origins = std::mem::take(&mut cli.origins);
    terminal::set_verbosity(cli.verbosity());
    let names = cli.names();
    let done = execute(cli, &names).await;
    names.finish().await;
    match done {
        Ok(code) => code,
        Err(error) => {
            let mut explained = connection::explain(&error);
            if let Some(origin) = wrong_option(&error).and_then(|option| origins.get(option)) {
                explained = format!("{explained} (the value is {origin})");
            }
            detail!("cause: {error:?}");
            terminal::error(&explained);
            if error.is::<arguments::UsageError>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The id of the option whose value is wrong, if the error is about one.
fn wrong_option(error: &anyhow::Error) -> Option<&'static str> {
    let unreachable = || {
        let failure = error.downcast_ref::<api::ApiFailure>()?;
        failure.is_unreachable().then_some("api")
    };
    let wrong = error.downcast_ref::<arguments::WrongValue>();
    wrong.map(|wrong| wrong.option).or_else(unreachable)
}

async fn execute(cli: Cli, names: &UserNames) -> anyhow::Result<ExitCode> {
    let output = cli.output();
    if let Some(api) = cli.api()? {
        return Box::pin(through_api::run(cli.command, api, names, output)).await;
    }
    let open = async || connection::open(&cli.connection).await;
    // Commands that change what a restore compares are refused while one is running.
    let open_unless_restoring = async || {
        let store = open().await?;
        commands::restore::require_no_restore(&store).await?;
        anyhow::Ok(store)
    };
    let open_to = async |change: bool| {
        if change {
            open_unless_restoring().await
        } else {
            open().await
        }
    };
    let session = async || {
        let session = connection::open_session(&cli.connection).await?;
        commands::restore::require_no_restore(&session.store).await?;
        anyhow::Ok(session)
    };
    match cli.command {
        Command::Workspace { command } => {
            let store = open_to(command.must_wait_for_restore()).await?;
            commands::workspace::run(command, &store, output).await?;
        }
        Command::Experience { command } => {
            commands::experience::run(command, &cli.connection, output).await?;
        }
        Command::Key { command } => commands::key::run(command, &open().await?, output).await?,
        Command::Group { command } => group::run(command, &cli.connection, output).await?,
        Command::Discord { command } => discord::run(command, &cli.connection, output).await?,
        Command::Link { command } => link::run(command, &session().await?, names, output).await?,
        Command::Protected { command } => {
            let store = open_unless_restoring().await?;
            commands::protected::run(command, &store, names, output).await?;
        }
        Command::Member { command } => {
            let connection = connection::connect(&cli.connection).await?;
            commands::member::run(command, &connection, names, output).await?;
        }
        Command::Permission { command } => {
            permission::run(command, &open().await?, names, output).await?;
        }
        Command::Bans { command } => bans::run(command, &open().await?, names, output).await?,
        Command::Events(args) => {
            let store = open().await?;
            let workspace = commands::workspace::find(&store, args.place).await?.guid;
            let source = events::EventSource::Tables(store, workspace);
            return events::run(args, source, names, output).await;
        }
        Command::Ban(args) => ban::run(args, &session().await?, names, output).await?,
        Command::Unban(args) => unban::run(args, &session().await?, names, output).await?,
        Command::Check(args) => check::run(args, &open().await?, names, output).await?,
        Command::History(args) => history::run(args, &open().await?, names, output).await?,
        Command::Pending(args) => pending::run(args, &open().await?, names, output).await?,
        Command::Undo(args) => undo::run(args, &session().await?, names, output).await?,
        Command::Erase(args) => {
            let store = open_unless_restoring().await?;
            commands::erase::run(args, &store, names, output).await?;
        }
        Command::Erasure { command } => {
            let connection = connection::connect(&cli.connection).await?;
            let (store, api) = (connection.store(), connection.api_url());
            commands::restore::require_no_restore(&store).await?;
            commands::erasure::run(command, &store, api, names, output).await?;
        }
        Command::Evidence { command } => {
            let connection = connection::connect(&cli.connection).await?;
            commands::evidence::run(command, &connection, names, output).await?;
        }
        Command::Webhook { command } => {
            let is_local = cli.connection.is_local();
            let store = open_to(command.changes()).await?;
            commands::webhook::run(command, is_local, &store, names, output).await?;
        }
        Command::Mirror { command } => {
            commands::mirror::run(command, &cli.connection, names, output).await?;
        }
        Command::Import(args) => commands::import::run(*args, &session().await?, output).await?,
        Command::Export(args) => commands::export::run(args, &open().await?).await?,
        Command::Restore(args) => {
            commands::restore::run(&args, &cli.connection, names, output).await?;
        }
        Command::Deploy(args) => commands::deploy::run(&args, &cli.connection, output).await?,
        Command::Doctor(args) => {
            return commands::doctor::run(&args, &cli.connection, output).await;
        }
        Command::Context { command } => commands::context::run(command, output)?,
        Command::Costs(args) => commands::costs::run(&args, output)?,
        Command::IamPolicy(args) => commands::reference::iam_policy(args, &cli.connection)?,
        Command::Completions(args) => commands::reference::completions(&args)?,
        Command::Man(args) => commands::reference::man(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}
