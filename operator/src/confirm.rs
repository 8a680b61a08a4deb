//! The question before something is destroyed.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Result, bail};

/// Asks, unless `yes` was given beforehand; anything but a yes is an error, so that a script stops.
pub fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let mut terminal = io::stderr().lock();
    write!(terminal, "{question} [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    let length = io::stdin().lock().read_line(&mut answer)?;
    if !io::stdin().is_terminal() {
        // Nobody has pressed Enter.
        writeln!(terminal)?;
    }
    if length == 0 {
        bail!("nothing was changed, for nobody answered: give --yes to do it without asking");
    }
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was changed, for the answer was not yes"),
    }
}
