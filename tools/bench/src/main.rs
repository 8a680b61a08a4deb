//! `bench`: every claim about size, speed and cost as a number, beside a baseline of the same run.
//!
//! `make bench` prints all sections and keeps their figures in `tools/bench/results.json`;
//! `make bench-check` compares a short form with `tools/bench/bounds.json`.

mod bounds;
mod cold;
mod cost;
mod docs;
mod events;
mod export;
mod growth;
mod import;
mod likeness;
mod process;
mod results;
mod running;
mod sample;
mod section;
mod size;
mod stage;
mod stand_in;
mod table;
mod throughput;
mod warm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use bounds::Bounds;
use clap::{Parser, ValueEnum};
use results::Results;
use section::{Findings, Plan};

/// Where the results are kept and the bounds lie.
const RESULTS: &str = "tools/bench/results.json";
const BOUNDS: &str = "tools/bench/bounds.json";

/// Where the curves are drawn, and the page with the tables.
const DOCS: &str = "docs";
const PAGE: &str = "docs/performance.md";

#[derive(Debug, Parser)]
#[command(about = "Measures the functions as they are deployed")]
struct Arguments {
    /// Only these sections (all, unless named)
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Compare a short form with tools/bench/bounds.json, and keep nothing
    #[arg(long)]
    check: bool,
    /// Measure nothing, and put the tables and curves of tools/bench/results.json into docs/
    #[arg(long, conflicts_with_all = ["check", "sections"])]
    docs: bool,
    /// The folder of the functions as they are deployed
    #[arg(long, default_value = "target/release")]
    functions: PathBuf,
    /// Another build of is-banned, to be started in turns with it (any number of times)
    #[arg(long = "variant", value_name = "BINARY")]
    variants: Vec<PathBuf>,
    /// Measure the size of this function only (any number of times; all, unless named)
    #[arg(long, value_name = "FUNCTION")]
    only: Vec<String>,
    /// The operator's program, which imports
    #[arg(long, default_value = "target/release/portcullis")]
    program: PathBuf,
}

/// The parts of the measurements, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    Size,
    Cold,
    Warm,
    Cost,
    Growth,
    Export,
    Import,
    Throughput,
}

impl Section {
    const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Cost => "cost",
            Self::Growth => "growth",
            Self::Export => "export",
            Self::Import => "import",
            Self::Throughput => "throughput",
        }
    }

    async fn measure(self, plan: &Plan) -> anyhow::Result<Findings> {
        match self {
            Self::Size => size::measure(plan),
            Self::Cold => cold::measure(plan).await,
            Self::Warm => warm::measure(plan).await,
            Self::Cost => cost::measure(plan).await,
            Self::Growth => growth::measure(plan).await,
            Self::Export => export::measure(plan).await,
            Self::Import => import::measure(plan).await,
            Self::Throughput => throughput::measure(plan).await,
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
    if arguments.docs {
        write_docs()?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan {
        functions: arguments.functions,
        variants: arguments.variants,
        only: arguments.only,
        program: arguments.program,
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
        if !arguments.check {
            // At once: what a later section fails at is not lost of this one.
            let results = Results::update(RESULTS.as_ref(), section.name(), &found)?;
            if *section == Section::Growth {
                growth::draw(&results.figures, DOCS.as_ref())?;
            }
        }
        all.figures.extend(found.figures);
    }
    if !arguments.check {
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<_> = sections.iter().map(|section| section.name()).collect();
    let mut bounds = Bounds::read(BOUNDS.as_ref())?;
    if !plan.only.is_empty() {
        bounds.keep_sizes_of(&plan.only);
    }
    let complaints = bounds.exceeded(&names, &all.figures);
    for complaint in &complaints {
        eprintln!("worse than its bound: {complaint}");
    }
    Ok(if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Puts the results into the documents, without measuring.
fn write_docs() -> anyhow::Result<()> {
    let results = Results::read(RESULTS.as_ref())?;
    let text = std::fs::read_to_string(PAGE).context(PAGE)?;
    let text = docs::rewritten(&text, &results.machine, &results.tables)?;
    std::fs::write(PAGE, text).context(PAGE)?;
    growth::draw(&results.figures, DOCS.as_ref())
}
