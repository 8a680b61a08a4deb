//! `portcullis events`.

mod entry;
mod follow;
mod source;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use shared::domain::clock::UnixMillis;

use crate::arguments::{WorkspaceArg, past_moment};
use crate::names::UserNames;
use crate::output::Output;
use entry::EventEntry;
use follow::{Follower, PagePrinted};
pub use source::EventSource;

const EXAMPLES: &str = "\
Examples:
  portcullis events --from 2h
  portcullis events --follow
  portcullis events --follow --json | jq 'select(.event == \"GAME_BANNED\")'

Prints one line for each event: time, what happened, user, scope, who and why. `--follow` ends with Ctrl-C \
and prints where to continue.";

/// How far back the log is shown, in milliseconds, unless --from, --cursor or --follow is given.
const DAY: u64 = 86_400_000;

/// The exit status after Ctrl-C: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EventsArgs {
    /// Print events as they are logged, until Ctrl-C. An event is logged moments after the decision, an
    /// expiry within about a minute.
    #[arg(long, short)]
    follow: bool,
    /// Begin with events of this time: how long ago (2h, 7d), a date (2026-11-21, which means 00:00 UTC)
    /// or a time [default: 1d, with --follow now].
    #[arg(long, value_name = "WHEN", value_parser = past_moment)]
    from: Option<UnixMillis>,
    /// Continue after the last event of an earlier run, which printed this.
    #[arg(long, value_name = "CURSOR", conflicts_with = "from")]
    cursor: Option<String>,
    /// With --follow: how many seconds to wait for new events, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
    #[command(flatten)]
    pub place: WorkspaceArg,
}

impl EventsArgs {
    /// Where the log begins for this call.
    fn start(&self, now: UnixMillis) -> UnixMillis {
        let day_ago = UnixMillis::from_millis(now.millis().saturating_sub(DAY));
        self.from.unwrap_or(if self.follow { now } else { day_ago })
    }
}

pub async fn run(
    args: EventsArgs,
    source: EventSource,
    names: &UserNames,
    output: Output,
) -> Result<ExitCode> {
    let start = args.start(UnixMillis::now());
    let begun = source.begin(args.cursor.clone(), start);
    let mut follower = Follower::new(begun, names, Duration::from_secs(args.interval));
    if !args.follow {
        while follower.page(output).await? == PagePrinted::Whole {}
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        // The reader of a pipe has gone.
        ended = follower.run(output) => ended.map(|()| ExitCode::SUCCESS),
        _ = tokio::signal::ctrl_c() => {
            if let Some(cursor) = follower.cursor() {
                note!("To continue: portcullis events --follow --cursor {cursor}");
            }
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}
