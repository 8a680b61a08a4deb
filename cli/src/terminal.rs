//! Access to the terminal. Results go to standard output; notes, warnings, prompts and errors to standard
//! error.
//!
//! No other module writes there, so no text from a file, the store, AWS or Roblox can inject terminal
//! escapes: `printable` escapes control characters.

use std::fmt::Arguments;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, Result, bail};
use shared::domain::text::{printable_json, printable_lines};

/// How much is printed besides results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Warnings, prompts and errors only.
    Quiet,
    /// Notes and progress too.
    Normal,
    /// Also where the program connects, and the causes of an error.
    Verbose,
}

/// The verbosity of this process, set once at its start.
static VERBOSITY: AtomicU8 = AtomicU8::new(Verbosity::Normal as u8);

pub fn set_verbosity(verbosity: Verbosity) {
    VERBOSITY.store(verbosity as u8, Ordering::Relaxed);
}

fn is_at_least(least: Verbosity) -> bool {
    VERBOSITY.load(Ordering::Relaxed) >= least as u8
}

/// Whether notes and progress are printed.
pub fn shows_notes() -> bool {
    is_at_least(Verbosity::Normal)
}

/// Prints a note, unless `--quiet` is given. The arguments are those of `format!`.
macro_rules! note {
    ($($what:tt)*) => { $crate::terminal::note(::std::format_args!($($what)*)) };
}

/// Prints a warning. The arguments are those of `format!`.
macro_rules! warning {
    ($($what:tt)*) => { $crate::terminal::warning(::std::format_args!($($what)*)) };
}

/// Prints a detail if `--verbose` is given. The arguments are those of `format!`.
macro_rules! detail {
    ($($what:tt)*) => { $crate::terminal::detail(::std::format_args!($($what)*)) };
}

pub fn note(what: Arguments<'_>) {
    if shows_notes() {
        say(&what.to_string());
    }
}

pub fn warning(what: Arguments<'_>) {
    say(&format!("warning: {what}"));
}

pub fn detail(what: Arguments<'_>) {
    if is_at_least(Verbosity::Verbose) {
        say(&what.to_string());
    }
}

pub fn error(what: &str) {
    say(&format!("error: {what}"));
}

/// Prints a line to standard error. A closed standard error is not a failure.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable_lines(text));
}

/// Prints a question and reads a line; `None` at the end of the input.
pub fn ask(question: &str) -> Result<Option<String>> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{}", printable_lines(question))?;
    terminal.flush()?;
    let mut answer = String::new();
    let length = io::stdin().lock().read_line(&mut answer)?;
    if !io::stdin().is_terminal() {
        // Nobody pressed Enter to end the line of the question.
        writeln!(terminal)?;
    }
    Ok((length > 0).then_some(answer))
}

/// Reads a line, with `prompt` if standard input is a terminal.
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

/// Prints a result. `is_coloured` means that `text` contains colours and that its cells are already
/// escaped.
pub fn lines(text: &str, is_coloured: bool) -> Result<()> {
    if is_coloured {
        return out(text.as_bytes());
    }
    out(printable_lines(text).as_bytes())
}

/// Prints JSON, or a part of it.
pub fn json(text: &str) -> Result<()> {
    out(printable_json(text).as_bytes())
}

/// Prints text that the program generates about itself, such as its manual page.
pub fn generated(text: &[u8]) -> Result<()> {
    out(text)
}

/// Prints a line of a log whose cells are already escaped. Returns false if nobody reads it: the reader
/// closed the pipe, as `head` does.
pub fn log_line(text: &str) -> Result<bool> {
    written(format!("{text}\n").as_bytes())
}

/// The same for a JSON document in one line.
pub fn json_line(text: &str) -> Result<bool> {
    written(format!("{}\n", printable_json(text)).as_bytes())
}

fn out(bytes: &[u8]) -> Result<()> {
    written(bytes).map(|_| ())
}

fn written(bytes: &[u8]) -> Result<bool> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("could not write the result"),
    }
}

/// Standard output as a byte stream to another program.
#[derive(Debug)]
pub struct Pipe(io::Stdout);

impl Pipe {
    /// Fails on a terminal, since an export may contain terminal escapes.
    pub fn open() -> Result<Self> {
        if is_terminal() {
            bail!("cannot write an export to a terminal: name a file, or pipe it to a program");
        }
        Ok(Self(io::stdout()))
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn shows_progress() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Collects the sources below a folder that write to the terminal.
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
    fn no_other_module_writes_to_the_terminal() {
        let mut found = Vec::new();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        offenders(&sources, &mut found);
        assert_eq!(found, ["terminal.rs"]);
    }
}
