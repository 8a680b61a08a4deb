//! Whether a call takes longer, or reads more, with more bans: with a thousand, ten thousand, a hundred
//! thousand and a million in one experience.
//!
//! Beside each call are the bare database calls that it makes, sent in the same run, which separates the
//! engine's growth from the product's.

mod routes;

use std::time::Instant;

use cli::thousands::grouped;
use end_to_end::{Ban, TestApp};

use crate::dataset::Dataset;
use crate::log_events::LogEvent;
use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::table::Table;
use routes::{Route, World};

const EXPERIENCE: u64 = 75_521_396_999_004;

/// How many of its bans are pending.
const PENDING: u64 = 100;

/// The numbers of bans to measure at.
const SIZES: [u64; 4] = [1000, 10_000, 100_000, 1_000_000];

const SHORT: [u64; 2] = [1000, 10_000];

/// One call at one size. Times are in ms.
struct Point {
    /// From the event to the answer, in the function.
    call: f64,
    /// Its bare database calls.
    bare: f64,
    /// A `GetItem` of one item.
    get: f64,
    read_units: f64,
}

/// Fills one experience from size to size, and calls the routes at each. A million bans take about 5 GB: the
/// engine keeps its data in memory.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let (sizes, calls) = if plan.short {
        (&SHORT[..], 60)
    } else {
        (&SIZES[..], 200)
    };
    // Without the stream, which would get a record for each ban.
    let app = TestApp::builder().functions(&plan.functions);
    let app = app.without_stream().start().await;
    let workspace = app.workspace().await;
    let dataset = Dataset::create(&workspace, EXPERIENCE).await?;
    for user in 1..=PENDING {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    let (mut points, mut filled) = (Vec::new(), 0);
    for &size in sizes {
        // The bans made through the routes count as well.
        let copies = size.saturating_sub(PENDING + 1);
        let started = Instant::now();
        tokio::task::block_in_place(|| dataset.fill(&app, filled..copies))?;
        eprintln!("growth: {size} bans, filled in {:.1?}", started.elapsed());
        filled = copies;
        let world = World::look(&workspace, &dataset, EXPERIENCE, copies).await?;
        points.push((size, at_size(&world, calls).await?));
    }
    Ok(findings(&points, calls))
}

/// The table and figures of all sizes, route by route.
fn findings(points: &[(u64, Vec<Point>)], calls: u64) -> Findings {
    let mut found = Findings::default();
    let mut table = Table::new(
        "Growth",
        &[
            "call",
            "bans",
            "call ms",
            "bare calls ms",
            "ratio",
            "GetItem ms",
            "read units",
        ],
    );
    for (at, route) in Route::ALL.into_iter().enumerate() {
        let of_route = points
            .iter()
            .filter_map(|(size, all)| Some((*size, all.get(at)?)));
        let mut ratios = Vec::new();
        for (size, point) in of_route {
            let ratio = point.call / point.bare;
            ratios.push(ratio);
            let name = |what: &str| format!("growth.{}.{size}.{what}", route.slug());
            found.figure(name("call_ms"), point.call);
            found.figure(name("bare_ms"), point.bare);
            found.figure(name("get_ms"), point.get);
            found.figure(name("read_units"), point.read_units);
            table.row([
                route.label().to_owned(),
                grouped(size),
                format!("{:.2}", point.call),
                format!("{:.2}", point.bare),
                format!("{ratio:.2}"),
                format!("{:.2}", point.get),
                format!("{}", point.read_units),
            ]);
        }
        if let [smallest, .., largest] = ratios[..] {
            found.figure(
                format!("growth.{}.ratio_growth", route.slug()),
                largest / smallest,
            );
        }
    }
    table.note(format!(
        "Medians of {calls} calls by one caller, in the function from the event to the answer; beside \
         them its database calls and one `GetItem`, sent by the benchmark itself. The embedded engine \
         slows down as its trees grow; only the ratio is the product's."
    ));
    found.tables.push(table);
    found
}

/// Calls each route and the database in turns.
async fn at_size(world: &World<'_>, calls: u64) -> anyhow::Result<Vec<Point>> {
    /// Calls before those that count.
    const WARM: u64 = 5;
    let routes = Route::ALL;
    let mut requests = routes.map(|_| Vec::new());
    let mut bare = routes.map(|_| Vec::new());
    let mut get = Vec::new();
    for turn in 0..WARM + calls {
        for (route, (requests, bare)) in routes.into_iter().zip(requests.iter_mut().zip(&mut bare))
        {
            let id = world.call(route, turn).await?;
            let started = Instant::now();
            world.bare(route, turn).await?;
            let took = milliseconds(started);
            let started = Instant::now();
            world.get(turn).await?;
            if turn >= WARM {
                requests.push(id);
                bare.push(took);
                get.push(milliseconds(started));
            }
        }
    }
    let get: Sample = get.into_iter().collect();
    let mut points = Vec::new();
    for (route, (requests, bare)) in routes.into_iter().zip(requests.iter().zip(bare)) {
        let events = world.events(route, requests).await?;
        let of = |what: fn(&LogEvent) -> f64| events.iter().map(what).collect::<Sample>().median();
        points.push(Point {
            call: of(|event| event.duration_ms),
            bare: bare.into_iter().collect::<Sample>().median(),
            get: get.median(),
            read_units: of(|event| event.read_units),
        });
    }
    Ok(points)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
