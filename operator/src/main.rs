//! `portcullis`: what an operator does to workspaces and keys, from a terminal or a script.

mod cli;
mod commands;
mod confirm;
mod connection;
mod import;
mod output;
mod progress;

use std::process::ExitCode;

use cli::{Cli, Command};
use output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::read()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", connection::explain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Command::Export(args) = &cli.command
        && args.is_remote()
    {
        return commands::export::run_remote(args);
    }
    let store = connection::open(&cli.connection).await?;
    let output = Output::new(cli.output);
    match cli.command {
        Command::Workspace { command } => commands::workspace::run(command, &store, output).await,
        Command::Key { command } => commands::key::run(command, &store, output).await,
        Command::Import(args) => commands::import::run(*args, &store, output).await,
        Command::Export(args) => commands::export::run(args, &store).await,
    }
}
