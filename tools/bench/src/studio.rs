//! What a studio with 1,000 servers and a million joins a day pays, with the published SDK and with the
//! module for game servers.
//!
//! Both run unchanged in a Luau engine, in virtual time, against the local stack. A few servers play a day; the
//! calls of 1,000 follow from the line through two numbers of servers, which a third number must confirm.

mod bill;
mod day;
mod game;
mod tables;
mod timeline;
mod usage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use end_to_end::TestApp;

use crate::export::snapshot;
use crate::section::{Findings, Plan};
use bill::{Line, Misses};
use day::Played;
use game::{Game, Script};
use timeline::{DAY, SPECIAL, Stretch};
use usage::Totals;

/// Servers of the studio.
const SERVERS: f64 = 1000.0;

/// Banned users.
const BANNED: u64 = 100_000;

/// The banned users on the local stack, whose engine is slow with more. What grows with their number is measured
/// apart: the list's size, and the units of its build, which reads each ban once.
const BANNED_HERE: u64 = 2_000;

/// Of 100 servers that start, how many find no list in `MemoryStore`, beyond those that were seen.
const MISSES_PERCENT: f64 = 2.0;

/// What is played: numbers of servers for the line and for its confirmation, and for how long.
#[derive(Clone, Copy, Debug)]
struct Extent {
    module: [usize; 3],
    sdk: [usize; 2],
    quiet: Duration,
    has_special: bool,
}

const WHOLE: Extent = Extent {
    module: [20, 60, 40],
    sdk: [10, 20],
    quiet: Duration::from_hours(2),
    has_special: true,
};

const SHORT: Extent = Extent {
    module: [3, 9, 6],
    sdk: [2, 4],
    quiet: Duration::from_mins(20),
    has_special: false,
};

/// A studio with one of the two scripts.
#[derive(Debug)]
struct Side {
    name: &'static str,
    /// Each number of servers with what it showed.
    played: Vec<(usize, Played)>,
    /// A day of 1,000 servers.
    day: Totals,
    month: Vec<Line>,
}

impl Side {
    fn new(
        name: &'static str,
        played: Vec<(usize, Played)>,
        extent: &Extent,
        misses: Option<Misses>,
    ) -> anyhow::Result<Self> {
        let quiet = Self::line(&played, SERVERS, |played| &played.quiet)?;
        let special = Self::line(&played, SERVERS, |played| &played.special)?;
        let is_special = played
            .iter()
            .any(|(_, played)| !played.special.0.is_empty());
        let special_time = if is_special { SPECIAL } else { Duration::ZERO };
        let quiet_time = DAY.saturating_sub(special_time);
        let day = quiet.times(quiet_time.as_secs_f64() / extent.quiet.as_secs_f64());
        let mut day = day.plus(&special);
        if let Some((_, first)) = played.first() {
            day = day.plus(&first.first_build.of_more_bans(BANNED_F64 / BANNED_HERE_F64));
        }
        let month = bill::month(&day, BANNED_F64, misses)?;
        Ok(Self {
            name,
            played,
            day,
            month,
        })
    }

    /// What the numbers of servers that were played say about another.
    fn line(
        played: &[(usize, Played)],
        servers: f64,
        of: fn(&Played) -> &Totals,
    ) -> anyhow::Result<Totals> {
        let [few, many, ..] = played else {
            anyhow::bail!("a line needs two numbers of servers");
        };
        let point = |(servers, played)| (count(servers), of(played));
        let (few, many) = (point((few.0, &few.1)), point((many.0, &many.1)));
        Ok(Totals::line(few, many, servers))
    }

    /// The calls of game servers that arrive.
    fn calls(&self) -> f64 {
        self.day.arrived()
    }

    fn usd(&self) -> f64 {
        bill::total(&self.month)
    }
}

/// Plays both studios, and compares what they use.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let extent = if plan.short { SHORT } else { WHOLE };
    let module = module(plan, &extent).await?;
    let sdk = published_sdk(plan, &extent).await?;
    let mut found = Findings::default();
    for side in [&module, &sdk] {
        found.figure(format!("studio.{}.calls_a_day", side.name), side.calls());
        found.figure(format!("studio.{}.usd_a_month", side.name), side.usd());
    }
    let share = module.calls() / sdk.calls();
    found.figure("studio.calls_of_sdk", share);
    let kicks = tables::kicks(&[&module, &sdk]);
    found.figure(
        "studio.kick.median_s",
        tables::seconds_of_kicks(&module).at(0.5),
    );
    found.figure(
        "studio.kick.p99_s",
        tables::seconds_of_kicks(&module).at(0.99),
    );
    let worst = deviation(&module)?;
    found.figure("studio.line_deviation", worst);
    found.tables.extend([
        tables::calls(&module, &sdk),
        tables::bills(&module, &sdk),
        kicks,
        tables::line(&module)?,
    ]);
    Ok(found)
}

async fn module(plan: &Plan, extent: &Extent) -> anyhow::Result<Side> {
    let mut played = Vec::new();
    for servers in extent.module {
        let stretch = Stretch {
            servers,
            quiet: extent.quiet,
            has_special: extent.has_special,
        };
        let one = play(plan, Script::Module, stretch).await?;
        played.push((servers, one));
    }
    let list_bytes = list_bytes(plan).await?;
    // One fetch a day for all servers besides.
    let a_day = 1.0 + SERVERS * timeline::starts_per_server() * MISSES_PERCENT / 100.0;
    Side::new("module", played, extent, Some(Misses { a_day, list_bytes }))
}

/// Without the wave and the outage: the first raised error ends its loop.
async fn published_sdk(plan: &Plan, extent: &Extent) -> anyhow::Result<Side> {
    let mut played = Vec::new();
    for servers in extent.sdk {
        let stretch = Stretch {
            servers,
            quiet: extent.quiet,
            has_special: false,
        };
        let one = play(plan, Script::PublishedSdk, stretch).await?;
        played.push((servers, one));
    }
    Side::new("sdk", played, extent, None)
}

/// The bytes of a list of random users.
async fn list_bytes(plan: &Plan) -> anyhow::Result<f64> {
    let app = TestApp::builder().functions(&plan.functions).start().await;
    let workspace = app.workspace().await;
    let built = snapshot::measure(plan, &app, &workspace, BANNED).await?;
    Ok(f64::from(u32::try_from(built.bytes)?))
}

async fn play(plan: &Plan, script: Script, stretch: Stretch) -> anyhow::Result<Played> {
    let began = Instant::now();
    let app = TestApp::builder().functions(&plan.functions);
    let app = Arc::new(app.moving_clock().start().await);
    let game = Game::new(&app, script, BANNED_HERE).await?;
    let missing = (SERVERS - count(stretch.servers)).max(0.0);
    game.play_beside(missing * timeline::players_of_a_server());
    let played = day::play(&game, stretch).await?;
    eprintln!(
        "studio: {script:?}, {} servers, {} min in {:.0?}",
        stretch.servers,
        stretch.time().as_secs() / 60,
        began.elapsed()
    );
    Ok(played)
}

/// The largest difference of a function's calls in the quiet time from the line, as a share of all calls.
fn deviation(side: &Side) -> anyhow::Result<f64> {
    let mut worst: f64 = 0.0;
    for (servers, played) in side.played.iter().skip(2) {
        let expected = Side::line(&side.played, count(*servers), |played| &played.quiet)?;
        let all = played.quiet.sent();
        for (name, sums) in &played.quiet.0 {
            worst = worst.max((sums.arrived - expected.of(name).arrived).abs() / all);
        }
    }
    Ok(worst)
}

const BANNED_F64: f64 = 100_000.0;
const BANNED_HERE_F64: f64 = 2_000.0;

fn count(servers: usize) -> f64 {
    u32::try_from(servers).map_or(0.0, f64::from)
}
