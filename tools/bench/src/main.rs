//! `bench` measures the size, speed and cost of the functions as they are deployed, each beside a baseline
//! of the same run.
//!
//! `make bench` prints all sections and puts their tables into `docs/performance.md`. `make bench-check`
//! compares a short form with `tools/bench/bounds.json`.

mod bounds;
mod cold;
mod console;
mod cost;
mod dataset;
mod docs;
mod export;
mod fake;
mod growth;
mod harness;
mod import;
mod log_events;
mod process;
mod sample;
mod section;
mod size;
mod studio;
mod table;
mod throughput;
mod warm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bounds::Bounds;
use clap::{Parser, ValueEnum};
use section::{Findings, Plan};

const BOUNDS: &str = "tools/bench/bounds.json";

/// The page with the tables.
const PAGE: &str = "docs/performance.md";

#[derive(Debug, Parser)]
#[command(
    about = "Measures the functions as they are deployed, and writes the tables into docs/performance.md"
)]
struct Arguments {
    /// The sections to measure [default: all]
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Measure a short form and compare it with tools/bench/bounds.json, without writing docs/performance.md
    #[arg(long)]
    check: bool,
    /// The folder with the functions, built for release
    #[arg(long, default_value = "target/release")]
    functions: PathBuf,
    /// Another build of is-banned to compare in the section cold (may be repeated)
    #[arg(long = "variant", value_name = "BINARY")]
    variants: Vec<PathBuf>,
    /// Measure the size of this function only (may be repeated)
    #[arg(long, value_name = "FUNCTION")]
    only: Vec<String>,
    /// The portcullis binary, for the section import
    #[arg(long, default_value = "target/release/portcullis")]
    program: PathBuf,
    /// How many bans the section console has in the table [default: 1,000,000, and 5,000 with --check]
    #[arg(long)]
    bans: Option<u64>,
}

/// The sections in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    Size,
    Cold,
    Warm,
    Console,
    Cost,
    Growth,
    Export,
    Import,
    Throughput,
    Studio,
}

impl Section {
    /// Its name on the command line, in figures and in the docs.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    async fn measure(self, plan: &Plan) -> anyhow::Result<Findings> {
        match self {
            Self::Size => size::measure(plan),
            Self::Cold => cold::measure(plan).await,
            Self::Warm => warm::measure(plan).await,
            Self::Console => Box::pin(console::measure(plan)).await,
            Self::Cost => cost::measure(plan).await,
            Self::Growth => growth::measure(plan).await,
            Self::Export => export::measure(plan).await,
            Self::Import => import::measure(plan).await,
            Self::Throughput => throughput::measure(plan).await,
            Self::Studio => Box::pin(studio::measure(plan)).await,
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
        only: arguments.only,
        program: arguments.program,
        bans: arguments.bans,
        short: arguments.check,
    };
    let mut sections = arguments.sections;
    if sections.is_empty() {
        let all = Section::value_variants().iter().copied();
        // A studio takes a minute and has no bounds: its bars hold for its whole form only.
        let all = all.filter(|section| !(arguments.check && *section == Section::Studio));
        sections.extend(all);
    }
    let mut all = Findings::default();
    for section in &sections {
        let found = section.measure(&plan).await?;
        for table in &found.tables {
            println!("{table}");
        }
        if !arguments.check {
            // Now, so that a later section that fails loses nothing of this one.
            docs::update(Path::new(PAGE), &section.name(), &found.tables)?;
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
    let exceeded = bounds.exceeded(&names, &all.figures);
    for figure in &exceeded {
        eprintln!("bound exceeded: {figure}");
    }
    Ok(ExitCode::from(u8::from(!exceeded.is_empty())))
}
