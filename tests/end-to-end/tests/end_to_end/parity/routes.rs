//! The routes of the template, and written down once more.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::template;

pub type Routes = BTreeMap<(String, String), String>;

/// Method and path of each route in the template, with its function.
pub fn template_routes() -> Routes {
    let route = |(route, function): (&local_stack::template::Route, &str)| {
        (
            (route.method.clone(), route.path.clone()),
            function.to_owned(),
        )
    };
    template().routes().map(route).collect()
}

/// The same without the console, which is pages, and without the interactions, whose form Discord describes.
pub fn api_routes() -> BTreeSet<(String, String)> {
    let routes = template_routes().into_keys();
    routes
        .filter(|(_, path)| path.starts_with("/api/"))
        .collect()
}

/// Method, path and function of each route.
pub const EXPECTED: &[(&str, &str, &str)] = &[
    ("POST", "/api/v1/is-banned", "is-banned"),
    ("POST", "/api/v1/is-banned/batch", "is-banned-batch"),
    ("POST", "/api/v1/ban-async", "ban-async"),
    ("POST", "/api/v1/unban-async", "unban-async"),
    ("POST", "/api/v1/reports", "reports"),
    ("POST", "/api/v1/bans/bulk", "bans-bulk"),
    ("POST", "/api/v1/unbans/bulk", "unbans-bulk"),
    ("GET", "/api/v1/pending-bans", "pending-bans"),
    ("GET", "/api/v1/pending-unbans", "pending-unbans"),
    ("PATCH", "/api/v1/group-role", "group-role"),
    ("GET", "/api/v1/bans", "bans"),
    ("GET", "/api/v1/bans/{guid}", "ban-history"),
    ("GET", "/api/v1/bans/{guid}/evidence", "ban-evidence"),
    ("PATCH", "/api/v1/evidence/create", "evidence-create"),
    ("POST", "/api/v1/evidence/create", "evidence-create"),
    ("GET", "/api/v1/evidence/{guid}", "evidence-get"),
    ("DELETE", "/api/v1/evidence/{guid}", "evidence-delete"),
    (
        "GET",
        "/api/v1/evidence/{guid}/metadata",
        "evidence-metadata",
    ),
    (
        "PATCH",
        "/api/v1/evidence/{guid}/metadata",
        "evidence-update",
    ),
    (
        "POST",
        "/api/v1/evidence/{guid}/complete",
        "evidence-complete",
    ),
    ("GET", "/api/v1/links/roblox/{id}", "link-get"),
    ("PUT", "/api/v1/links/roblox/{id}", "link-import"),
    ("DELETE", "/api/v1/links/roblox/{id}", "link-import"),
    ("GET", "/api/v1/links/discord/{id}", "link-get"),
    ("POST", "/api/v1/links/lookup", "links-lookup"),
    ("POST", "/api/v1/links/codes", "link-codes"),
    ("POST", "/api/v1/links/codes/redeem", "link-redeem"),
    ("GET", "/api/v1/events", "events"),
    ("GET", "/api/v1/sync", "sync"),
    ("GET", "/api/v1/snapshot", "snapshot"),
    ("POST", "/api/v1/roblox/webhook", "roblox-webhook"),
    ("GET", "/api/v1/export/bans/json", "export-bans-json"),
    ("GET", "/api/v1/export/bans/csv", "export-bans-csv"),
    ("POST", "/discord/interactions", "discord-interactions"),
    ("GET", "/console", "console"),
    ("POST", "/console", "console"),
    ("GET", "/console/{proxy+}", "console"),
    ("POST", "/console/{proxy+}", "console"),
    ("GET", "/console/settings", "console-settings"),
    ("GET", "/console/settings/{proxy+}", "console-settings"),
    ("POST", "/console/settings/{proxy+}", "console-settings"),
    ("GET", "/console/experiences", "console-settings"),
    ("POST", "/console/experiences", "console-settings"),
    ("GET", "/console/experiences/{proxy+}", "console-settings"),
    ("POST", "/console/experiences/{proxy+}", "console-settings"),
    ("GET", "/console/undo", "console-settings"),
    ("POST", "/console/undo", "console-settings"),
    ("GET", "/console/undo/run", "console-settings"),
    ("POST", "/console/undo/run", "console-settings"),
];

/// The events of routes in the order in which they work: the file, the function, and the status of its answer.
pub const IN_ORDER: &[(&str, &str, u16)] = &[
    ("ban-async", "ban-async", 200),
    ("ban-async-report", "ban-async", 200),
    ("is-banned", "is-banned", 200),
    ("is-banned-public-key", "is-banned", 200),
    ("is-banned-batch", "is-banned-batch", 200),
    ("pending-bans", "pending-bans", 200),
    ("bans", "bans", 200),
    ("reports", "reports", 200),
    ("ban-history", "ban-history", 200),
    ("evidence-create", "evidence-create", 200),
    ("evidence-get", "evidence-get", 200),
    ("evidence-metadata", "evidence-metadata", 200),
    ("evidence-update", "evidence-update", 200),
    ("evidence-complete", "evidence-complete", 200),
    ("ban-evidence", "ban-evidence", 200),
    ("evidence-delete", "evidence-delete", 200),
    ("evidence-create-file", "evidence-create", 200),
    ("events", "events", 200),
    ("sync", "sync", 200),
    // Nothing has been built.
    ("snapshot", "snapshot", 503),
    ("export-bans-json", "export-bans-json", 200),
    ("export-bans-csv", "export-bans-csv", 200),
    ("unban-async", "unban-async", 200),
    ("unban-async-report", "unban-async", 200),
    ("pending-unbans", "pending-unbans", 200),
    ("bans-bulk", "bans-bulk", 200),
    ("unbans-bulk", "unbans-bulk", 200),
    ("link-import", "link-import", 200),
    ("link-get", "link-get", 200),
    ("link-get-discord", "link-get", 200),
    ("links-lookup", "links-lookup", 200),
    ("link-codes", "link-codes", 200),
    // No code is known beforehand.
    ("link-redeem", "link-redeem", 404),
    ("link-import-delete", "link-import", 200),
    ("roblox-webhook", "roblox-webhook", 200),
    // The demo workspace allows no group.
    ("group-role", "group-role", 403),
    // The guild is not linked, which is a sentence.
    ("discord-interactions", "discord-interactions", 200),
    // To its list of bans.
    ("console", "console", 303),
    // It asks to sign in.
    ("console-settings", "console-settings", 401),
    ("not-found", "not-found", 404),
];
