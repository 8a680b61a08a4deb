//! The console with a million bans: the first byte of its pages, warm and cold, beside an empty function
//! and one database call, and how large they are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use cli::thousands::grouped;
use end_to_end::{TestApp, template};
use local_stack::Endpoints;
use local_stack::runtime::{FunctionSpec, Runtime};
use serde_json::{Value, json};
use shared::domain::members::MemberPermission;

use crate::dataset::Dataset;
use crate::fake::client::BareClient;
use crate::fake::database::{FakeDatabase, Span, in_progress};
use crate::harness::{call, event};
use crate::sample::Sample;
use crate::section::{Findings, Plan};
use crate::size::BASELINE;
use crate::table::Table;

const FUNCTION: &str = "console";

const EXPERIENCE: u64 = 75_521_396_999_004;

/// How many bans are in the event log: more than a page shows.
const LOGGED: u64 = 60;

/// Calls of a new process that do not count. The first also look up the names of the players.
const UNCOUNTED: usize = 3;

/// How a row of a list begins.
const ROW: &str = "class=\"who\"";

/// A page, and how many rows its list has.
struct Page {
    slug: &'static str,
    what: &'static str,
    address: String,
    rows: usize,
}

/// The visits to a page.
#[derive(Default)]
struct Visits {
    warm: Sample,
    cold: Sample,
    of_database: Sample,
    database_calls: Sample,
    bytes: usize,
}

/// The function with its database, as a member reaches it.
struct Site {
    functions: PathBuf,
    environment: BTreeMap<String, String>,
    database: FakeDatabase,
    cookie: String,
}

pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let (bans, calls, starts) = if plan.short {
        (5000, 20, 5)
    } else {
        (1_000_000, 100, 30)
    };
    let bans = plan.bans.unwrap_or(bans);
    // The first is the original of the copies.
    let copies = bans.checked_sub(LOGGED + 1).filter(|&copies| copies > 1000);
    let copies = copies.context("too few bans for a list with a filter")?;
    let mut app = TestApp::builder().functions(&plan.functions).start().await;
    let workspace = app.workspace().await;
    let dataset = Dataset::create(&workspace, EXPERIENCE).await?;
    for number in copies..copies + LOGGED {
        workspace.send(dataset.report(number)).await.success();
    }
    app.settle().await;
    let granted = [MemberPermission::Administrator];
    let browser = workspace.signed_in("Ada", &granted).await;
    let cookie = browser.cookie.context("a session")?;
    app.stop_mappings();
    let started = Instant::now();
    tokio::task::block_in_place(|| dataset.fill(&app, 0..copies))?;
    eprintln!("console: {bans} bans, filled in {:.1?}", started.elapsed());

    let site = Site::open(plan, &app, cookie)?;
    let pages = pages(&dataset, copies);
    let (floor, visits) = site.visit(&pages, calls, starts).await?;
    let assets = site.assets().await?;
    Ok(findings(bans, &floor, pages.iter().zip(&visits), assets))
}

fn pages(dataset: &Dataset, copies: u64) -> [Page; 4] {
    let page = |slug, what, address: &str, rows| Page {
        slug,
        what,
        address: address.to_owned(),
        rows,
    };
    let player = format!("/console/players/{}", dataset.user_of(copies / 2));
    let filtered = "bans with a filter that none of the 1,000 newest fits";
    [
        page("bans", "50 bans", "/console/bans", 50),
        page("filtered", filtered, "/console/bans?q=nothing+like+this", 0),
        page("player", "player with one ban", &player, 0),
        page(
            "activity",
            "50 entries of the activity",
            "/console/activity",
            50,
        ),
    ]
}

fn findings<'a>(
    bans: u64,
    floor: &Visits,
    pages: impl Iterator<Item = (&'a Page, &'a Visits)>,
    assets: usize,
) -> Findings {
    let mut found = Findings::default();
    let columns = [
        "page",
        "KB",
        "warm ms",
        "p99",
        "of them the database's",
        "database calls",
        "cold ms",
        "p90",
    ];
    let title = format!("Console with {} bans", grouped(bans));
    let mut table = Table::new(&title, &columns);
    let mut row = |slug: &str, what: &str, visits: &Visits| {
        table.row([
            what.to_owned(),
            kilobytes(visits.bytes),
            format!("{:.2}", visits.warm.median()),
            format!("{:.2}", visits.warm.at(0.99)),
            median(&visits.of_database, 2),
            median(&visits.database_calls, 0),
            format!("{:.2}", visits.cold.median()),
            format!("{:.2}", visits.cold.at(0.9)),
        ]);
        let name = |figure: &str| format!("console.{slug}.{figure}");
        found.figure(name("warm_ms"), visits.warm.median());
        found.figure(name("cold_ms"), visits.cold.median());
        if visits.database_calls.len() > 0 {
            found.figure(name("database_calls"), visits.database_calls.median());
        }
        found.figure(name("bytes"), of_bytes(visits.bytes));
    };
    row("floor", "an empty function and a bare call", floor);
    for (page, visits) in pages {
        row(page.slug, page.what, visits);
    }
    let empty = [const { String::new() }; 6];
    let what = "stylesheet and script, once".to_owned();
    table.row([what, kilobytes(assets)].into_iter().chain(empty));
    found.figure("console.assets.bytes", of_bytes(assets));
    let (calls, starts) = (floor.warm.len(), floor.cold.len());
    table.note(format!(
        "Medians of {calls} calls and {starts} starts, the pages taking turns, without TLS. The answer \
         leaves the function as a whole, so its first byte is there with its last. Targets: a page of 50 \
         under 60 KB, stylesheet and script under 30 KB, a warm page under 300 ms."
    ));
    found.tables.push(table);
    found
}

/// Empty where nothing was measured.
fn median(sample: &Sample, decimals: usize) -> String {
    match sample.len() {
        0 => String::new(),
        _ => format!("{:.decimals$}", sample.median()),
    }
}

impl Site {
    fn open(plan: &Plan, app: &TestApp, cookie: String) -> anyhow::Result<Self> {
        let database = FakeDatabase::start(app.database().endpoint(), None, None)?;
        let address = format!("http://127.0.0.1:{}", database.port);
        let endpoints = Endpoints {
            secrets: app.secrets().endpoint(),
            ..Endpoints::of_data(&address, app.objects())
        };
        let users = app.roblox().endpoint().to_owned();
        let discord = app.discord().endpoint().to_owned();
        let variables = local_stack::aws_environment(&endpoints);
        let mut environment = template().function(FUNCTION)?.environment.clone();
        environment.extend(variables);
        environment.insert("ROBLOX_USERS_URL".to_owned(), users);
        environment.insert("DISCORD_API_URL".to_owned(), discord);
        Ok(Self {
            functions: plan.functions.clone(),
            environment,
            database,
            cookie,
        })
    }

    /// An environment of a function, whose process starts with the first call.
    async fn runtime(&self, function: &str) -> anyhow::Result<Runtime> {
        let spec = FunctionSpec {
            name: function.to_owned(),
            binary: self.functions.join(function),
            instances: 1,
            environment: self.environment.clone(),
            of_instances: Vec::new(),
            timeout: Duration::from_mins(1),
            memory: template().function(FUNCTION)?.memory,
        };
        Ok(Runtime::start(vec![spec]).await?)
    }

    /// The event of a member who opens a page.
    fn event(&self, address: &str) -> anyhow::Result<Bytes> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut event: Value = serde_json::from_slice(&event(FUNCTION)?)?;
        let within = event.pointer_mut("/requestContext/http/path");
        *within.context("a path")? = json!(path);
        let fields = event.as_object_mut().context("an object")?;
        for (name, value) in [
            ("rawPath", json!(path)),
            ("rawQueryString", json!(query)),
            ("cookies", json!([self.cookie])),
        ] {
            fields.insert(name.to_owned(), value);
        }
        Ok(Bytes::from(event.to_string()))
    }

    /// Visits the pages in turns: the floor, and each page.
    async fn visit(
        &self,
        pages: &[Page],
        calls: usize,
        starts: usize,
    ) -> anyhow::Result<(Visits, Vec<Visits>)> {
        let empty = self.runtime(BASELINE).await?;
        let console = self.runtime(FUNCTION).await?;
        let mut bare = BareClient::to_port(self.database.port)?;
        let (mut floor, mut all) = (Visits::default(), Vec::new());
        all.resize_with(pages.len(), Visits::default);
        for turn in 0..UNCOUNTED + calls {
            let is_cold = turn < starts;
            let mut unused = Visits::default();
            let counted = if turn < UNCOUNTED {
                &mut unused
            } else {
                &mut floor
            };
            let event = self.event("/console")?;
            let (_, timing) = call(&empty, BASELINE, event.clone()).await?;
            let read = tokio::task::block_in_place(|| timed(|| bare.call()))?;
            counted.warm.add(timing.ended - timing.begun + read);
            if is_cold {
                let empty = self.runtime(BASELINE).await?;
                let (_, timing) = call(&empty, BASELINE, event).await?;
                let connect = || BareClient::to_port(self.database.port)?.call();
                let read = tokio::task::block_in_place(|| timed(connect))?;
                floor.cold.add(timing.ended - timing.started + read);
            }
            for (page, visits) in pages.iter().zip(&mut all) {
                let event = self.event(&page.address)?;
                self.database.take_calls();
                let (answer, timing) = call(&console, FUNCTION, event.clone()).await?;
                let html = body(&answer).context(page.what)?;
                let rows = html.matches(ROW).count();
                ensure!(page.rows == 0 || rows == page.rows, "{rows} rows: {html}");
                if turn >= UNCOUNTED {
                    visits.bytes = html.len();
                    visits.warm.add(timing.ended - timing.begun);
                    self.count(visits, (timing.begun, timing.ended));
                }
                if is_cold {
                    let console = self.runtime(FUNCTION).await?;
                    let (answer, timing) = call(&console, FUNCTION, event).await?;
                    body(&answer).context(page.what)?;
                    visits.cold.add(timing.ended - timing.started);
                }
            }
        }
        Ok((floor, all))
    }

    fn count(&self, visits: &mut Visits, span: Span) {
        let (count, busy) = in_progress(&self.database.take_calls(), span);
        visits.of_database.add(busy);
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        visits.database_calls.add_number(count as f64);
    }

    /// The bytes of the stylesheet and the script that a page names.
    async fn assets(&self) -> anyhow::Result<usize> {
        let console = self.runtime(FUNCTION).await?;
        let event = self.event("/console/activity")?;
        let html = body(&call(&console, FUNCTION, event).await?.0)?;
        let mut bytes = 0;
        for extension in [".css", ".js"] {
            let mut quoted = html.split('"');
            let path = quoted.find(|it| it.starts_with("/console/") && it.ends_with(extension));
            let event = self.event(path.context(extension)?)?;
            bytes += body(&call(&console, FUNCTION, event).await?.0)?.len();
        }
        Ok(bytes)
    }
}

/// How long a database call takes.
fn timed(call: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let started = Instant::now();
    call()?;
    Ok(started.elapsed())
}

/// The body of a good answer.
fn body(answer: &[u8]) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_slice(answer)?;
    ensure!(answer.get("statusCode") == Some(&json!(200)), "{answer}");
    let is_text = answer.get("isBase64Encoded") != Some(&json!(true));
    ensure!(is_text, "the answer is not text");
    let body = answer.get("body").and_then(Value::as_str);
    Ok(body.context("a body")?.to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
const fn of_bytes(bytes: usize) -> f64 {
    bytes as f64
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1}", of_bytes(bytes) / 1000.0)
}
