//! The whole product on a bad day, and what it said held against what it may say.
//!
//! Game servers, moderators, exporters and readers of the log call the real functions over HTTP, and
//! schedules run and events and bans are carried to an endpoint and to Roblox, while processes are killed, the database misbehaves, the stream comes late, twice and
//! in another order, and no two clocks agree. Every call is recorded. In the end the faults stop, the product is asked for everything it
//! knows, and the [`checker`] looks for a lawful course of events that explains all of it.
//!
//! A seed repeats the plan of a run: what each actor does and which fault strikes when. In which
//! moment the machine lets them is not repeated, so a finding may need several runs to come again;
//! that is why each is printed with the calls that prove it.

mod actors;
mod checker;
mod ending;
mod history;
mod outside;
mod plan;
mod report;
mod run;
mod schedules;
mod stage;
mod thinning;
mod weather;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use plan::Plan;

/// What may pass after the time is over: bans run out, the stream settles, everything is asked for.
const AFTERWARDS: Duration = Duration::from_mins(2);

/// How much of the run the checker may take besides.
const CHECKING: u32 = 2;

/// Acts on the local stack on a bad day and checks every answer.
#[derive(Debug, Parser)]
struct Arguments {
    /// For how many minutes to act.
    #[arg(long, default_value_t = 3.0, conflicts_with = "seconds")]
    minutes: f64,
    /// The same in seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Repeats the plan of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seconds = arguments.seconds.unwrap_or(arguments.minutes * 60.0);
    let Ok(time) = Duration::try_from_secs_f64(seconds) else {
        eprintln!("{seconds} s is no time to act");
        return ExitCode::from(2);
    };
    let plan = Plan {
        seed: arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
        time,
    };
    println!("seed {}", plan.seed);

    // Whatever hangs, the program ends.
    let most = time * (1 + CHECKING) + AFTERWARDS;
    std::thread::spawn(move || {
        std::thread::sleep(most);
        eprintln!("it did not end within {most:?}");
        std::process::exit(3);
    });

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no threads: {error}");
            return ExitCode::from(2);
        }
    };
    let run = runtime.block_on(run::run(&plan));
    let verdict = checker::check(&run.history);
    report::print(&run, &verdict);
    if verdict.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("`make soak SEED={}` repeats the plan", plan.seed);
        ExitCode::FAILURE
    }
}
