//! What reaches the terminal. Results go to standard output; notes, warnings, questions and errors to
//! standard error.
//!
//! No other module writes there, so nothing that comes from a file, the store, AWS or Roblox can steer
//! the terminal: [`printable`] writes its control characters out.

use std::fmt::Arguments;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result, bail};
use shared::domain::text::{printable_json, printable_lines};

/// How much is said beside the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Warnings, questions and errors only.
    Quiet,
    /// Notes and progress too.
    Normal,
    /// Also where the program connects, and the causes of an error.
    Verbose,
}

/// The verbosity of this process, which is set once, before anything is said.
static VERBOSITY: AtomicU8 = AtomicU8::new(Verbosity::Normal as u8);

/// Sets how much is said.
pub fn set_verbosity(verbosity: Verbosity) {
    VERBOSITY.store(verbosity as u8, Ordering::Relaxed);
}

fn says(least: Verbosity) -> bool {
    VERBOSITY.load(Ordering::Relaxed) >= least as u8
}

/// Whether notes and progress are wanted.
pub fn is_talkative() -> bool {
    says(Verbosity::Normal)
}

/// Prints a note, unless `--quiet` is given. Takes what `format!` takes.
macro_rules! note {
    ($($what:tt)*) => { $crate::terminal::note(::std::format_args!($($what)*)) };
}

/// Prints a warning. Takes what `format!` takes.
macro_rules! warning {
    ($($what:tt)*) => { $crate::terminal::warning(::std::format_args!($($what)*)) };
}

/// Prints a detail if `--verbose` is given. Takes what `format!` takes.
macro_rules! detail {
    ($($what:tt)*) => { $crate::terminal::detail(::std::format_args!($($what)*)) };
}

pub fn note(what: Arguments<'_>) {
    if is_talkative() {
        say(&what.to_string());
    }
}

pub fn warning(what: Arguments<'_>) {
    say(&format!("warning: {what}"));
}

pub fn detail(what: Arguments<'_>) {
    if says(Verbosity::Verbose) {
        say(&what.to_string());
    }
}

/// Prints why the program fails.
pub fn error(what: &str) {
    say(&format!("error: {what}"));
}

/// A line on standard error. That nobody can read it is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable_lines(text));
}

/// Prints a question and reads the line that answers it; `None` at the end of the input.
pub fn ask(question: &str) -> Result<Option<String>> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{}", printable_lines(question))?;
    terminal.flush()?;
    let mut answer = String::new();
    let length = io::stdin().lock().read_line(&mut answer)?;
    if !io::stdin().is_terminal() {
        // No Enter has ended the line of the question.
        writeln!(terminal)?;
    }
    Ok((length > 0).then_some(answer))
}

/// Reads a line, after `prompt` if a person types it.
pub fn read_line(prompt: &str) -> Result<String> {
    if io::stdin().is_terminal() {
        let mut terminal = io::stderr().lock();
        write!(terminal, "{prompt}")?;
        terminal.flush()?;
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

/// Prints lines of a result. `is_coloured`: `text` is a table that has printable cells and colours of
/// its own.
pub fn lines(text: &str, is_coloured: bool) -> Result<()> {
    if is_coloured {
        return out(text.as_bytes());
    }
    out(printable_lines(text).as_bytes())
}

/// Prints a result in JSON, or a part of it.
pub fn json(text: &str) -> Result<()> {
    out(printable_json(text).as_bytes())
}

/// Prints what the program says of itself, such as its manual page.
pub fn own_words(text: &[u8]) -> Result<()> {
    out(text)
}

fn out(bytes: &[u8]) -> Result<()> {
    match io::stdout().lock().write_all(bytes) {
        // The reader has seen enough, such as `head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the result could not be written"),
    }
}

/// A file on standard output, byte for byte, for another program.
#[derive(Debug)]
pub struct Pipe(io::Stdout);

impl Pipe {
    /// Refuses a terminal: what a file holds could steer it.
    pub fn open() -> Result<Self> {
        if is_read_by_a_person() {
            bail!("an export is not written to a terminal: name a file, or pipe it to a program");
        }
        Ok(Self(io::stdout()))
    }

    /// Adds to it.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// It is complete.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whether standard output is a terminal.
pub fn is_read_by_a_person() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn shows_progress() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Each source below a folder that does what only this module may do.
    fn offenders(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                offenders(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let writes = [
                "print!(",
                "println!(",
                "io::stdout()",
                "io::stderr()",
                "dbg!(",
            ];
            if writes.iter().any(|what| code.contains(what)) {
                found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }

    #[test]
    fn only_this_module_writes_to_the_terminal() {
        let mut found = Vec::new();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        offenders(&sources, &mut found);
        assert_eq!(found, ["terminal.rs"]);
    }
}
