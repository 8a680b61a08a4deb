//! Progress: a bar with rate and remaining time on a terminal, a plain line every few seconds elsewhere,
//! nothing for what takes less than a second.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::terminal;

/// After how long the first sign is given.
const SILENCE: Duration = Duration::from_secs(1);

/// How often a line is printed where there is no terminal.
const LINES: Duration = Duration::from_secs(5);

/// Something that takes a while.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: Option<u64>,
    done: u64,
    started: Instant,
    spoken: Option<Instant>,
    /// What the last line said.
    said: u64,
    bar: ProgressBar,
    is_terminal: bool,
}

impl Progress {
    /// Begins `what` ("bans imported"), of which there are `total`, if that is known.
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
            // The bar's own rate has four decimals.
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
            spoken: None,
            said: 0,
            bar,
            is_terminal: terminal::shows_progress(),
        }
    }

    /// So many more are done.
    pub fn advance(&mut self, more: u64) {
        self.done = self.done.saturating_add(more);
        self.bar.inc(more);
        if self.started.elapsed() < SILENCE || !terminal::is_talkative() {
            return;
        }
        if self.is_terminal {
            if self.spoken.is_none() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            self.spoken.get_or_insert_with(Instant::now);
        } else if self.spoken.is_none_or(|last| last.elapsed() >= LINES) {
            self.spoken = Some(Instant::now());
            self.said = self.done;
            note!("{}", self.line());
        }
    }

    /// All is done. If it took more than a moment, a line says so, unless the last one did.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        if self.spoken.is_some() && (self.is_terminal || self.said != self.done) {
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
                #[expect(clippy::cast_precision_loss, reason = "a guess for people")]
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
