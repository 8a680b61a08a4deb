//! `bench`: every claim about size, speed and cost as a number, beside a floor of the same run.
//!
//! `make bench` prints all sections and keeps their figures in `bench/results.json`;
//! `make bench-check` compares a short form with `bench/bounds.json`.

mod bounds;
mod cold;
mod process;
mod results;
mod sample;
mod section;
mod size;
mod stage;
mod stand_in;
mod table;
mod warm;

use std::path::PathBuf;
use std::process::ExitCode;

use bounds::Bounds;
use clap::{Parser, ValueEnum};
use results::Results;
use section::{Findings, Plan};

/// Where the results are kept and the bounds lie.
const RESULTS: &str = "bench/results.json";
const BOUNDS: &str = "bench/bounds.json";

#[derive(Debug, Parser)]
#[command(about = "Measures the functions as they are deployed")]
struct Arguments {
    /// Only these sections (all, unless named)
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Compare a short form with bench/bounds.json, and keep nothing
    #[arg(long)]
    check: bool,
    /// The folder of the functions as they are deployed
    #[arg(long, default_value = "target/release")]
    functions: PathBuf,
    /// Another build of is-banned, to be started in turns with it (any number of times)
    #[arg(long = "variant", value_name = "BINARY")]
    variants: Vec<PathBuf>,
}

/// The parts of the measurements, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    Size,
    Cold,
    Warm,
}

impl Section {
    const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }

    async fn measure(self, plan: &Plan) -> anyhow::Result<Findings> {
        match self {
            Self::Size => size::measure(plan),
            Self::Cold => cold::measure(plan).await,
            Self::Warm => warm::measure(plan).await,
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let plan = Plan {
        functions: arguments.functions,
        variants: arguments.variants,
        short: arguments.check,
    };
    let sections = match arguments.sections.as_slice() {
        [] => Section::value_variants(),
        some => some,
    };
    let mut all = Findings::default();
    for section in sections {
        let found = section.measure(&plan).await?;
        for table in &found.tables {
            println!("{table}");
        }
        all.figures.extend(found.figures);
    }
    let names: Vec<_> = sections.iter().map(|section| section.name()).collect();
    if !arguments.check {
        Results::update(RESULTS.as_ref(), &names, &all.figures)?;
        return Ok(ExitCode::SUCCESS);
    }
    let complaints = Bounds::read(BOUNDS.as_ref())?.exceeded(&names, &all.figures);
    for complaint in &complaints {
        eprintln!("worse than its bound: {complaint}");
    }
    Ok(match complaints.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
