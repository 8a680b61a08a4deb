//! Progress of long operations: a bar on a terminal, a line every few seconds elsewhere, and nothing within
//! the first second.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::terminal;

/// When progress first appears.
const SILENCE: Duration = Duration::from_secs(1);

/// How often a line is printed without a terminal.
const LINES: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: Option<u64>,
    done: u64,
    started: Instant,
    last_line: Option<Instant>,
    /// The count in the last line.
    printed: u64,
    bar: ProgressBar,
    is_terminal: bool,
}

impl Progress {
    /// Starts counting `what`, for example "bans imported", up to `total` if it is known.
    pub fn begin(what: &'static str, total: Option<u64>) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => "{wide_bar} {human_pos}/{human_len} {msg}, {rate}, {eta} left",
            None => "{spinner} {human_pos} {msg}, {rate}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            // The built-in rate has four decimals.
            bar.set_style(
                style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                    let _ = write!(out, "{:.0} a second", state.per_sec());
                }),
            );
        }
        bar.set_message(what);
        Self {
            what,
            total,
            done: 0,
            started: Instant::now(),
            last_line: None,
            printed: 0,
            bar,
            is_terminal: terminal::shows_progress(),
        }
    }

    pub fn advance(&mut self, more: u64) {
        self.done = self.done.saturating_add(more);
        self.bar.inc(more);
        if self.started.elapsed() < SILENCE || !terminal::shows_notes() {
            return;
        }
        if self.is_terminal {
            if self.last_line.is_none() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            self.last_line.get_or_insert_with(Instant::now);
        } else if self.last_line.is_none_or(|last| last.elapsed() >= LINES) {
            self.last_line = Some(Instant::now());
            self.printed = self.done;
            note!("{}", self.line());
        }
    }

    /// Prints a final line, if there was progress before and the last line is outdated.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        if self.last_line.is_some() && (self.is_terminal || self.printed != self.done) {
            note!("{}", self.line());
        }
    }

    fn line(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.done as f64 / seconds;
        let (what, done) = (self.what, self.done);
        let left = match self.total {
            Some(total) if done > 0 && done < total => {
                #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
                let left = (total - done) as f64 / rate;
                format!(", about {left:.0} s left")
            }
            _ => String::new(),
        };
        let of = self.total.map(|total| format!(" of {total}"));
        let of = of.unwrap_or_default();
        format!("{done}{of} {what}, {rate:.0} a second{left}")
    }
}
