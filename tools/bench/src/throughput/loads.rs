//! The calls that load the routes.

use anyhow::Context;
use end_to_end::{Ban, Call, Unban, Workspace};
use serde_json::{Value, json};

use crate::dataset::Dataset;

/// The experience of all bans.
pub const EXPERIENCE: u64 = 75_521_396_999_004;

/// An experience with ten pending bans.
pub const BEHIND: u64 = EXPERIENCE + 1;

pub const BANS: u64 = 20_000;

/// Makes the n-th call.
type Make = Box<dyn Fn(u64) -> Call + Send + Sync>;

pub struct Load {
    /// Its name in the figures.
    pub slug: &'static str,
    pub what: &'static str,
    pub function: &'static str,
    pub status: u16,
    /// Makes the n-th call.
    pub call: Make,
}

pub async fn loads(workspace: &Workspace<'_>, dataset: &Dataset) -> anyhow::Result<Vec<Load>> {
    let shown = workspace.ban_shown(Ban::of(11, EXPERIENCE)).await;
    let guid = shown
        .get("guid")
        .and_then(Value::as_str)
        .context("a guid")?;
    let history = Call::get(&format!("/bans/{guid}"));
    let load = |slug, what, function, call: Make| Load {
        slug,
        what,
        function,
        status: 200,
        call,
    };
    let poll = |route: &str, experience: u64| {
        let call = Call::get(route).query("experienceId", experience);
        Box::new(move |_| call.clone()) as Make
    };
    let unknown = load(
        "unknown-route",
        "unknown route, no database call",
        "not-found",
        Box::new(|_| Call::get("/nothing")),
    );
    Ok(vec![
        Load {
            status: 404,
            ..unknown
        },
        load("check", "ban check", "is-banned", Box::new(check)),
        load("ban", "new ban", "ban-async", Box::new(new_ban)),
        load(
            "ban-report-repeated",
            "repeated report",
            "ban-async",
            Box::new({
                let dataset = dataset.clone();
                move |number| dataset.report(number % BANS)
            }),
        ),
        load(
            "unban",
            "unban",
            "unban-async",
            Box::new(|number| Unban::of(Dataset::user(number % BANS), EXPERIENCE).call()),
        ),
        load(
            "poll-empty",
            "poll, nothing pending",
            "pending-unbans",
            poll("/pending-unbans", BEHIND),
        ),
        load(
            "poll-10",
            "poll, 10 pending",
            "pending-bans",
            poll("/pending-bans", BEHIND),
        ),
        load(
            "page",
            "page of 100 bans",
            "bans",
            Box::new(|_| Call::get("/bans").query("limit", 100)),
        ),
        load(
            "history",
            "history of a ban",
            "ban-history",
            Box::new(move |_| history.clone()),
        ),
    ])
}

/// Exports of the small workspace.
pub fn exports() -> [Load; 2] {
    let load = |slug, what, function, path: &'static str| Load {
        slug,
        what,
        function,
        status: 200,
        call: Box::new(move |_| Call::get(path)),
    };
    [
        load(
            "export-json",
            "export of 1,000 bans, JSON",
            "export-bans-json",
            "/export/bans/json",
        ),
        load(
            "export-csv",
            "export of 1,000 bans, CSV",
            "export-bans-csv",
            "/export/bans/csv",
        ),
    ]
}

fn check(number: u64) -> Call {
    let user = Dataset::user(number.wrapping_mul(7919) % BANS);
    Call::post("/is-banned").json(&json!({ "userId": user, "experienceId": EXPERIENCE }))
}

/// A ban of a user without bans.
fn new_ban(number: u64) -> Call {
    Ban::of(5_000_000 + number, EXPERIENCE).call()
}
