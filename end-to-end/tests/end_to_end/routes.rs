//! A call of every route.

use end_to_end::{Ban, Call, Unban};
use serde_json::json;

/// The experience that the calls are about.
pub const EXPERIENCE: u64 = 75_521_396_999_004;

/// The user that the calls are about.
pub const USER: u64 = 156;

/// A call of each route that succeeds with a key of every scope, when made in this order.
pub fn every_route() -> Vec<(&'static str, Call)> {
    let check = json!({ "userId": USER, "experienceId": EXPERIENCE });
    vec![
        ("ban-async", Ban::of(USER, EXPERIENCE).call()),
        ("is-banned", Call::post("/is-banned").json(&check)),
        ("unban-async", Unban::of(USER, EXPERIENCE).call()),
        (
            "pending-bans",
            Call::get("/pending-bans").query("experienceId", EXPERIENCE),
        ),
        (
            "pending-unbans",
            Call::get("/pending-unbans").query("experienceId", EXPERIENCE),
        ),
        ("bans", Call::get("/bans").query("experienceId", EXPERIENCE)),
        (
            "export-bans-json",
            Call::get("/export/bans/json").query("experienceId", EXPERIENCE),
        ),
        (
            "export-bans-csv",
            Call::get("/export/bans/csv").query("experienceId", EXPERIENCE),
        ),
    ]
}

/// The same without `/is-banned`.
pub fn every_other_route() -> Vec<(&'static str, Call)> {
    every_route()
        .into_iter()
        .filter(|(name, _)| *name != "is-banned")
        .collect()
}
