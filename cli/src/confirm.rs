//! Confirmation prompts.

use anyhow::{Result, bail};

use crate::terminal;

const NO_ANSWER: &str = "Cancelled: no answer. Use --yes to skip this prompt.";

/// Asks a yes/no question unless `yes`. Any other answer is an error, so that scripts stop.
pub fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("Cancelled."),
    }
}

/// Asks the user to type a name. Any other answer is an error.
pub fn confirm_name(question: &str, name: &str) -> Result<()> {
    let answer = ask(&format!("{question}\nType {name:?} to confirm: "))?;
    if answer == name || answer == format!("{name:?}") {
        Ok(())
    } else {
        bail!("Cancelled: that is not the name.")
    }
}

fn ask(question: &str) -> Result<String> {
    match terminal::ask(question)? {
        Some(answer) => Ok(answer.trim().to_owned()),
        None => bail!(NO_ANSWER),
    }
}
