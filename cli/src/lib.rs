//! `portcullis`: what an operator does, from a terminal or a script.
//!
//! The program is [`run`]; what it reads from files can be used, and tested, apart from it.

#[macro_use]
mod terminal;

mod arguments;
mod ban_record;
mod cli;
mod commands;
mod confirm;
mod connection;
pub mod import;
mod output;
mod permissions;
mod progress;
mod times;

use std::process::ExitCode;

use cli::{Cli, Command};

/// Does what the command line says.
pub async fn run() -> ExitCode {
    let cli = Cli::read();
    terminal::set_verbosity(cli.verbosity());
    match carry_out(cli).await {
        Ok(code) => code,
        Err(error) => {
            let explained = connection::explain(&error);
            detail!("cause: {error:?}");
            terminal::error(&explained);
            if error.is::<arguments::WrongArguments>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn carry_out(cli: Cli) -> anyhow::Result<ExitCode> {
    let output = cli.output();
    let open = async || connection::open(&cli.connection).await;
    // Those that change bans do not get between a restore and its end.
    let alone = async || {
        let store = open().await?;
        commands::restore::demand_none(&store).await?;
        anyhow::Ok(store)
    };
    let session = async || {
        let session = connection::open_session(&cli.connection).await?;
        commands::restore::demand_none(&session.store).await?;
        anyhow::Ok(session)
    };
    match cli.command {
        Command::Workspace { command } => {
            commands::workspace::run(command, &open().await?, output).await?;
        }
        Command::Experience { command } => {
            commands::experience::run(command, &alone().await?, output).await?;
        }
        Command::Key { command } => commands::key::run(command, &open().await?, output).await?,
        Command::Protected { command } => {
            commands::protected::run(command, &alone().await?, output).await?;
        }
        Command::Ban(args) => commands::ban::run(args, &session().await?, output).await?,
        Command::Unban(args) => commands::unban::run(args, &session().await?, output).await?,
        Command::Check(args) => commands::check::run(args, &open().await?, output).await?,
        Command::History(args) => commands::history::run(args, &open().await?, output).await?,
        Command::Pending(args) => commands::pending::run(args, &open().await?, output).await?,
        Command::Undo(args) => commands::undo::run(args, &session().await?, output).await?,
        Command::Forget(args) => commands::forget::run(args, &alone().await?, output).await?,
        Command::Erasure { command } => {
            let connection = connection::connect(&cli.connection).await?;
            let (store, api) = (connection.store(), connection.api_url());
            commands::restore::demand_none(&store).await?;
            commands::erasure::run(command, &store, api, output).await?;
        }
        Command::Webhook { command } => {
            let is_local = cli.connection.is_local();
            commands::webhook::run(command, is_local, &open().await?, output).await?;
        }
        Command::Enforcement { command } => {
            commands::enforcement::run(command, &cli.connection, output).await?;
        }
        Command::Import(args) => commands::import::run(*args, &session().await?, output).await?,
        Command::Export(args) if args.is_remote() => commands::export::run_remote(&args)?,
        Command::Export(args) => commands::export::run(args, &open().await?).await?,
        Command::Restore(args) => {
            commands::restore::run(&args, &cli.connection, output).await?;
        }
        Command::Doctor(args) => {
            return commands::doctor::run(&args, &cli.connection, output).await;
        }
        Command::IamPolicy => commands::documents::iam_policy(&cli.connection)?,
        Command::Completions(args) => commands::documents::completions(&args)?,
        Command::Man(args) => commands::documents::man(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}
