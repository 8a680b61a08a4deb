//! Runs the whole product under faults and checks every answer.
//!
//! Game servers, moderators, officers, investigators, exporters and readers of the event log and of
//! snapshots call the real functions over HTTP, an operator joins places, and webhooks and the mirror deliver to fakes, while processes are killed, the database fails, the
//! stream delivers late, twice and out of order, and clocks disagree. Every call is recorded. At
//! the end the faults stop, the product is asked for everything it knows, and the [`checker`] looks
//! for an order of events that explains all of it.
//!
//! A seed repeats the plan of a run: what each client does and which fault occurs when. It does not
//! repeat the machine's timing, so a finding may need several runs to come up again; that is why
//! each is printed with the calls that prove it.

mod bucket;
mod chaos;
mod checker;
mod clients;
mod erasure;
mod fakes;
mod final_state;
mod history;
mod plan;
mod recorder;
mod report;
mod run;
mod schedules;
mod snapshots;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use plan::Plan;

/// Time allowed after the run: bans expire, the stream drains, the final state is read.
const AFTERWARDS: Duration = Duration::from_mins(2);

/// The checker's time as a multiple of the run's.
const CHECKING: u32 = 2;

/// Runs the local stack under faults and checks every answer.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long to run, in minutes.
    #[arg(long, default_value_t = 3.0, conflicts_with = "seconds")]
    minutes: f64,
    /// How long to run, in seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Repeat the plan of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seconds = arguments.seconds.unwrap_or(arguments.minutes * 60.0);
    let Ok(time) = Duration::try_from_secs_f64(seconds) else {
        eprintln!("{seconds} s is not a valid duration");
        return ExitCode::from(2);
    };
    let plan = Plan {
        seed: arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
        time,
    };
    println!("seed {}", plan.seed);

    // End the program even if something hangs.
    let most = time * (1 + CHECKING) + AFTERWARDS;
    std::thread::spawn(move || {
        std::thread::sleep(most);
        eprintln!("the run did not end within {most:?}");
        std::process::exit(3);
    });

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start the runtime: {error}");
            return ExitCode::from(2);
        }
    };
    let run = runtime.block_on(run::run(&plan));
    let checked = checker::check(&run.history);
    report::print(&run, &checked);
    if checked.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("run `make soak SEED={}` to repeat this plan", plan.seed);
        ExitCode::FAILURE
    }
}
