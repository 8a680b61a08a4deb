//! Whether a call takes longer, or reads more, when there are more bans: at a thousand, ten thousand,
//! a hundred thousand and a million in one experience.
//!
//! Beside each call stand the bare calls of the database that it makes, sent by this program in the
//! same run, so that the engine's own growth is told apart from ours.

mod chart;
mod routes;

use std::time::Instant;

use anyhow::Context;
use end_to_end::{Ban, TestApp};

use crate::events::Event;
use crate::likeness::Likeness;
use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::table::Table;
pub use chart::draw;
use routes::{Route, World};

/// The experience that all bans are made in.
const EXPERIENCE: u64 = 75_521_396_999_004;

/// How many bans are pending in it.
const PENDING: u64 = 100;

/// How many bans there are when it is measured.
const SIZES: [u64; 4] = [1000, 10_000, 100_000, 1_000_000];

/// The sizes of a short run.
const SHORT: [u64; 2] = [1000, 10_000];

/// What one call took at one size.
struct Point {
    /// In the function, from the event to the answer, in ms.
    call: f64,
    /// The bare calls of the database, in ms.
    bare: f64,
    /// A `GetItem` of one of the items, in ms.
    get: f64,
    read_units: f64,
}

/// Fills one experience from size to size, and calls the routes at each. A million bans take some
/// 5 GB of memory: the engine keeps its data there, where it is read the fastest.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let (sizes, calls) = if plan.short {
        (&SHORT[..], 60)
    } else {
        (&SIZES[..], 200)
    };
    // Without the stream: there would be a record for each ban.
    let app = TestApp::builder().functions(&plan.functions);
    let app = app.without_stream().start().await;
    let workspace = app.workspace().await;
    let likeness = Likeness::take(&workspace, EXPERIENCE).await?;
    for user in 1..=PENDING {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    let (mut points, mut filled) = (Vec::new(), 0);
    for &size in sizes {
        // Those that the routes have made count as well.
        let copies = size.saturating_sub(PENDING + 1);
        let started = Instant::now();
        tokio::task::block_in_place(|| likeness.fill(&app, filled..copies))?;
        eprintln!("growth: {size} bans, filled in {:.1?}", started.elapsed());
        filled = copies;
        let world = World::look(&workspace, &likeness, EXPERIENCE, copies).await?;
        points.push((size, at_size(&world, calls).await?));
    }
    Ok(told(&points, calls))
}

/// What was found at all sizes, route by route.
fn told(points: &[(u64, Vec<Point>)], calls: u64) -> Findings {
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
                route.what().to_owned(),
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
         them the calls of the database that it makes, and one `GetItem`, sent by the benchmark itself. \
         The embedded engine grows with its trees; the ratio is what is ours."
    ));
    found.tables.push(table);
    found
}

/// Calls each route, and the database itself, taking turns.
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
        let of = |what: fn(&Event) -> f64| events.iter().map(what).collect::<Sample>().median();
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

/// A number with its thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The sizes in the names of the figures of a run, such as `growth.check.1000.call_ms`.
fn size_of<'a>(name: &'a str, slug: &str, what: &str) -> Option<&'a str> {
    let rest = name.strip_prefix("growth.")?.strip_prefix(slug)?;
    rest.strip_prefix('.')?
        .strip_suffix(what)?
        .strip_suffix('.')
}

/// The curve of one route: sizes and values, smallest first.
fn curve(
    figures: &std::collections::BTreeMap<String, f64>,
    slug: &str,
    what: &str,
) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut points = Vec::new();
    for (name, value) in figures {
        if let Some(size) = size_of(name, slug, what) {
            points.push((size.parse::<f64>().context("a size")?, *value));
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }

    #[test]
    fn a_curve_is_read_from_the_figures_by_size() {
        let figures = [
            ("growth.check.100000.call_ms", 3.0),
            ("growth.check.1000.call_ms", 1.0),
            ("growth.check.1000.read_units", 2.0),
            ("growth.check.ratio_growth", 9.0),
            ("growth.check-other.1000.call_ms", 8.0),
        ];
        let figures = figures.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(
            curve(&figures, "check", "call_ms").unwrap(),
            [(1000.0, 1.0), (100_000.0, 3.0)]
        );
    }
}
