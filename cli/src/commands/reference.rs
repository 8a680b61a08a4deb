//! `portcullis completions`, `man` and `iam-policy`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::connection::ConnectionArgs;
use crate::{permissions, terminal};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis completions bash > ~/.local/share/bash-completion/completions/portcullis
  portcullis completions zsh > ~/.zfunc/_portcullis")]
pub struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis man | man --local-file -
  portcullis man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// A directory to write the page of each command to [default: print the program's own page].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn completions(args: &CompletionsArgs) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "portcullis", &mut text);
    terminal::generated(&text)
}

pub fn man(args: &ManArgs) -> Result<()> {
    if let Some(dir) = &args.dir {
        let failed = || format!("could not write the pages to {}", dir.display());
        std::fs::create_dir_all(dir).with_context(failed)?;
        return clap_mangen::generate_to(Cli::command(), dir).with_context(failed);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    terminal::generated(&page)
}

#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "\
Examples:
  portcullis iam-policy --stack portcullis > operator.json
  portcullis iam-policy --stack portcullis --deployer > deployer.json")]
pub struct IamPolicyArgs {
    /// The policy for `portcullis deploy` and `sam deploy`, instead of the operator's.
    #[arg(long)]
    deployer: bool,
}

/// Prints a policy for the given stack, or else for a stack named `portcullis`.
pub fn iam_policy(args: IamPolicyArgs, connection: &ConnectionArgs) -> Result<()> {
    let stack = connection.stack_name().unwrap_or("portcullis");
    let policy = if args.deployer {
        permissions::deployer
    } else {
        permissions::operator
    };
    terminal::json(&policy(stack))
}
