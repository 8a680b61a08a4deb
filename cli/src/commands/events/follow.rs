//! Reads the event log page by page, and waits for more.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use anyhow::Result;

use super::EventEntry;
use super::source::{EventPosition, may_recover};
use crate::names::UserNames;
use crate::output::Output;

/// The longest wait after failures, in seconds.
const LONGEST_WAIT: u64 = 60;

/// How many printed events are remembered. After a restore of the database, the log repeats some.
const REMEMBERED: usize = 100_000;

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagePrinted {
    Whole,
    /// The log ends with it, for now.
    Last,
    /// Nobody reads the output any more.
    Unread,
}

#[derive(Debug)]
pub struct Follower<'a> {
    position: EventPosition,
    names: &'a UserNames,
    interval: Duration,
    printed: HashSet<String>,
    order: VecDeque<String>,
}

impl<'a> Follower<'a> {
    pub fn new(position: EventPosition, names: &'a UserNames, interval: Duration) -> Self {
        Self {
            position,
            names,
            interval,
            printed: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Where to continue after what has been printed.
    pub fn cursor(&self) -> Option<String> {
        self.position.cursor()
    }

    /// Prints a page.
    pub async fn page(&mut self, output: Output) -> Result<PagePrinted> {
        let page = Box::pin(self.position.read(self.names)).await?;
        for entry in page.entries {
            if entry.is_repeated() && self.printed.contains(entry.id()) {
                continue;
            }
            if !output.line(&entry)? {
                return Ok(PagePrinted::Unread);
            }
            self.remember(&entry);
        }
        // Only now: a page that was not printed is read again.
        self.position = page.next;
        Ok(if page.is_end {
            PagePrinted::Last
        } else {
            PagePrinted::Whole
        })
    }

    fn remember(&mut self, entry: &EventEntry) {
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.printed.remove(&oldest);
        }
        let id = entry.id().to_owned();
        if self.printed.insert(id.clone()) {
            self.order.push_back(id);
        }
    }

    /// Prints events until nobody reads them, or a failure that would happen again.
    pub async fn run(&mut self, output: Output) -> Result<()> {
        let mut failures: u32 = 0;
        loop {
            match self.page(output).await {
                Ok(PagePrinted::Unread) => return Ok(()),
                Ok(printed) => {
                    if failures > 0 {
                        note!("The event log can be read again.");
                    }
                    failures = 0;
                    if printed == PagePrinted::Last {
                        tokio::time::sleep(self.interval).await;
                    }
                }
                Err(error) => {
                    if !may_recover(&error) {
                        return Err(error);
                    }
                    failures = failures.saturating_add(1).min(16);
                    let wait = wait(failures);
                    let said = crate::connection::explain(&error);
                    warning!("{said}; trying again in {} s", wait.as_secs());
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

/// 1, 2, 4, … seconds.
fn wait(failures: u32) -> Duration {
    let seconds = 1_u64.checked_shl(failures.saturating_sub(1));
    Duration::from_secs(seconds.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute() {
        let waits = [1, 2, 3, 6, 7, 16].map(|failures| wait(failures).as_secs());
        assert_eq!(waits, [1, 2, 4, 32, 60, 60]);
    }
}
