//! A call of every route.

use std::fmt::Display;

use end_to_end::{Ban, Bulk, Call, Unban};
use serde_json::json;

pub const EXPERIENCE: u64 = 75_521_396_999_004;

pub const USER: u64 = 156;

/// A call of each route that succeeds with a key of every scope when made in this order. Ban
/// history is missing, since its guid is unknown beforehand.
pub fn every_route() -> Vec<(&'static str, Call)> {
    let check = json!({ "userId": USER, "experienceId": EXPERIENCE });
    let checks = json!({ "userIds": [USER], "experienceId": EXPERIENCE });
    let unknown = json!({
        "userId": USER, "guid": "1", "revision": 1, "applied": "ban", "ok": true,
    });
    let reports = json!({ "experienceId": EXPERIENCE, "reports": [unknown] });
    vec![
        ("ban-async", Ban::of(USER, EXPERIENCE).call()),
        ("is-banned", Call::post("/is-banned").json(&check)),
        (
            "is-banned-batch",
            Call::post("/is-banned/batch").json(&checks),
        ),
        ("unban-async", Unban::of(USER, EXPERIENCE).call()),
        ("reports", Call::post("/reports").json(&reports)),
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

/// A call for the history of a ban.
pub fn ban_history(guid: impl Display) -> Call {
    Call::get(&format!("/bans/{guid}"))
}

/// A call that changes a rank in group 7.
pub fn change_rank(user: u64) -> Call {
    let body = json!({ "userId": user, "groupId": 7, "rankId": 10 });
    Call::new("PATCH", "/group-role").json(&body)
}

pub const DISCORD_USER: &str = "80351110224678912";

/// A call of each route of account links.
pub fn every_link_route() -> Vec<(&'static str, Call)> {
    let of_roblox = format!("/links/roblox/{USER}");
    let import = json!({ "discordId": DISCORD_USER });
    let redeem = json!({ "code": "7KX-3Q9", "userId": USER });
    let lookup = json!({ "roblox": [USER] });
    vec![
        ("link-import", Call::new("PUT", &of_roblox).json(&import)),
        ("link-get", Call::get(&of_roblox)),
        (
            "link-get",
            Call::get(&format!("/links/discord/{DISCORD_USER}")),
        ),
        ("links-lookup", Call::post("/links/lookup").json(&lookup)),
        ("link-codes", Call::post("/links/codes").json(&import)),
        (
            "link-redeem",
            Call::post("/links/codes/redeem").json(&redeem),
        ),
        ("link-import", Call::new("DELETE", &of_roblox)),
    ]
}

/// A call of each route that needs a key, successful or not.
pub fn every_keyed_route() -> Vec<(&'static str, Call)> {
    let mut routes = every_route();
    routes.push(("ban-history", ban_history("633197862920433664")));
    routes.push(("events", Call::get("/events")));
    routes.push(("sync", Call::get("/sync")));
    routes.push(("snapshot", Call::get("/snapshot")));
    routes.push(("group-role", change_rank(USER)));
    routes.extend(every_link_route());
    routes.push(("bans-bulk", Bulk::bans(EXPERIENCE, [USER]).call()));
    routes.push(("unbans-bulk", Bulk::unbans(EXPERIENCE, [USER]).call()));
    routes
}

/// The routes that check bans, which any key may call.
pub const CHECKS: [&str; 2] = ["is-banned", "is-banned-batch"];

/// The routes without those that check bans.
pub fn every_other_route() -> Vec<(&'static str, Call)> {
    every_route()
        .into_iter()
        .filter(|(name, _)| !CHECKS.contains(name))
        .collect()
}
