//! Log lines match what `docs/operations.md` says of them.

use std::collections::BTreeSet;

use end_to_end::{
    ApiResponse, Ban, Call, Reply, TestApp, Unban, WebhookReceiver, Workspace, eventually,
    key_order, now, repository,
};
use local_stack::discord::{ADA, BOT_ROLE, FakeAuditEntry, GUILD, NOOR, VERIFIED};
use local_stack::fault_proxy::{Fault, Rule};
use local_stack::roblox::{Fault as RobloxFault, FaultRule};
use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::discord::GuildRule;
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission::View;
use shared::domain::members::{DiscordId, RuleId};
use shared::domain::role_rules::{RoleBasis, RoleRule};

use crate::evidence::{guid_of, scans::scan_result, uploaded};
use crate::linking::leave_slots;
use crate::metrics::{basic_metrics, metrics};
use crate::routes::{EXPERIENCE, USER, every_route};

pub fn operations() -> String {
    std::fs::read_to_string(repository("docs/operations.md")).unwrap()
}

/// The names in the first column of the table with this header.
fn first_column(head: &str) -> BTreeSet<String> {
    let text = operations();
    let (_, table) = text.split_once(head).expect("the table");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

pub fn documented_fields() -> BTreeSet<String> {
    first_column("| field | meaning |")
}

pub fn documented_metrics() -> BTreeSet<String> {
    first_column("| metric | unit | routes | shows |")
}

/// The metrics of level `basic`, which the documentation lists in one sentence.
pub fn watched_metrics() -> BTreeSet<String> {
    let text = operations();
    let (_, list) = text
        .split_once("and only these are metrics:")
        .expect("the list");
    let list = list.split("\n\n").next().unwrap();
    let names = list.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

/// Makes a stored item of the user unreadable, as no function would.
async fn damage(workspace: &Workspace<'_>, user: u64) {
    let (app, prefix) = (workspace.app(), workspace.prefix());
    let items = app.items(&format!("{prefix}#U#{user}")).await;
    let item = items.iter().find(|item| item["kind"]["S"] == "experience");
    let mut item = item.expect("the item of an experience").clone();
    item["version"] = json!({ "S": "one" });
    app.put_item(&item).await;
}

fn check(user: u64) -> Call {
    Call::post("/is-banned").json(&json!({ "userId": user, "experienceId": EXPERIENCE }))
}

/// Sends events to an endpoint that accepts one and then answers 410.
async fn exercise_webhook(workspace: &Workspace<'_>) {
    let hook = WebhookReceiver::that(|_, at| Reply::Status(if at == 0 { 200 } else { 410 }, ""));
    let endpoint = workspace.add_endpoint(&hook.url(), |_| {}).await;
    let app = workspace.app();
    let prefix = workspace.id().prefix();
    app.quiet().await;
    let log = app.store().events_after(prefix, 0, 2, UnixMillis::now());
    for event in log.await.unwrap().events {
        app.store().fan_out(prefix, &[event]).await.unwrap();
        let event = json!({ "workspace": workspace.prefix(), "endpoint": endpoint.id });
        app.invoke("deliver-webhooks", &event).await.unwrap();
    }
}

/// Reports malware in a file, and a file that could not be scanned.
async fn exercise_scans(app: &TestApp, workspace: &Workspace<'_>) {
    let ban = workspace.ban_shown(Ban::of(61, EXPERIENCE)).await;
    let piece = uploaded(workspace, ban["guid"].as_str().unwrap()).await;
    for result in ["THREATS_FOUND", "UNSUPPORTED"] {
        let event = scan_result(workspace, &guid_of(&piece), result);
        app.invoke("quarantine-evidence", &event).await.unwrap();
    }
}

/// Orders a snapshot, which the schedule builds.
async fn exercise_snapshot(app: &TestApp, workspace: &Workspace<'_>) {
    let ordered = workspace.send(Call::get("/snapshot")).await;
    ordered.assert_error(503, "unavailable");
    app.run_schedule("build-snapshots", "EachMinute").await;
    app.background_settled().await;
}

/// Mirrors an experience to Roblox while everything fails.
async fn exercise_mirror(workspace: &Workspace<'_>) {
    let (place, universe, key) = (EXPERIENCE + 1, 7, "a key");
    let (app, roblox) = (workspace.app(), workspace.app().roblox());
    // No other worker is on the universe.
    app.lose_background_calls(true);
    workspace.mirror(place, universe, key).await;
    let drain = async || {
        let event = json!({ "workspace": workspace.prefix(), "universe": universe });
        app.invoke("mirror-bans", &event).await.unwrap();
    };
    roblox.fail(FaultRule::updates(1, RobloxFault::Status(500)).on("/32"));
    roblox.fail(FaultRule::next(1, RobloxFault::Status(500)).on(":publishMessage"));
    for user in [31, 32] {
        workspace.ban(Ban::of(user, place)).await;
    }
    drain().await;
    workspace.unban(Unban::of(31, place)).await;
    drain().await;
    roblox.kill_key(key);
    workspace.ban(Ban::of(33, place)).await;
    drain().await;
}

/// Changes a rank in a group whose key is missing.
async fn exercise_group(workspace: &Workspace<'_>) {
    workspace
        .allow_group(7, "portcullis/local/none", |_| {})
        .await;
    let body = json!({ "userId": USER, "groupId": 7, "rankId": 10 });
    let call = Call::new("PATCH", "/group-role").json(&body);
    let answer = workspace.send(call).await;
    answer.assert_error(500, "roblox_refused");
}

/// Comes back from Discord with a code that it has not given out, and opens a page while Roblox is silent.
async fn exercise_console(workspace: &Workspace<'_>) {
    let member = workspace.add_member("Kim", &[View]).await;
    workspace.set_roblox(member, USER).await;
    workspace.add_rank_rule(View, 7, 200).await;
    let mut kim = workspace.browser();
    kim.post(&workspace.invite(member).await, &[]).await;
    workspace
        .app()
        .roblox()
        .fail(FaultRule::next(1, RobloxFault::Status(500)).on("/groups/roles"));
    kim.get("/console/bans").await;
    let mut browser = workspace.browser();
    let back = browser.ask_discord(workspace.app(), Some(ADA)).await;
    browser.get(&back.replace("code=", "code=not-")).await;
}

/// A role that is given and one that is refused; then one that is taken, and a guild without the bot.
async fn exercise_roles(app: &TestApp, workspace: &Workspace<'_>) {
    workspace.link_guild(GUILD).await;
    let store = app.store();
    let prefix = workspace.id().prefix();
    for role in [VERIFIED, BOT_ROLE] {
        let rule = RoleRule {
            id: RuleId::random(),
            guild: DiscordId::new(GUILD).unwrap(),
            role: DiscordId::new(role).unwrap(),
            basis: RoleBasis::Linked,
            added: UnixSeconds(1),
        };
        store.add_role_rule(prefix, &rule).await.unwrap().unwrap();
    }
    let import = json!({ "discordId": NOOR.to_string() });
    let path = format!("/links/roblox/{}", USER + 77);
    let link = Call::new("PUT", &path).json(&import);
    workspace.send(link).await.assert_ok();
    let event = json!({ "sweep": true });
    app.invoke("sync-roles", &event).await.unwrap();
    app.discord().set_bot(GUILD, false);
    app.invoke("sync-roles", &event).await.unwrap();
    app.discord().set_bot(GUILD, true);
    let unlink = Call::new("DELETE", &path);
    workspace.send(unlink).await.assert_ok();
    app.settle().await;
    app.invoke("sync-roles", &event).await.unwrap();
}

/// Reads the audit log of a guild, and fails to.
async fn exercise_watch(app: &TestApp, workspace: &Workspace<'_>) {
    workspace.link_guild(GUILD).await;
    workspace.watch_guild(GUILD).await;
    let entry = FakeAuditEntry::banned(None, ADA, None);
    app.discord().write_audit_log(GUILD, entry);
    app.run_schedule("watch-guilds", "EachMinute").await;
    exercise_ban_rule(app, workspace).await;
    app.discord().set_bot(GUILD, false);
    app.run_schedule("watch-guilds", "EachMinute").await;
    app.discord().set_bot(GUILD, true);
}

/// A rule bans a player, and leaves out a protected one.
async fn exercise_ban_rule(app: &TestApp, workspace: &Workspace<'_>) {
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let guild = DiscordId::new(GUILD).unwrap();
    for (player, user) in [(USER + 80, ADA), (USER + 81, NOOR)] {
        let post = |path: &str, body: Value| workspace.send(Call::post(path).json(&body));
        let made = post("/links/codes", json!({ "discordId": user.to_string() })).await;
        let code = made.success()["code"].clone();
        let redeemed = json!({ "code": code, "userId": player });
        post("/links/codes/redeem", redeemed).await.assert_ok();
    }
    let protected = UserId::new(USER + 81).unwrap();
    let protecting = store.protect(prefix, protected, UnixSeconds(1));
    protecting.await.unwrap();
    app.settle().await;
    let turned = store.turn_guild_rule(prefix, guild, GuildRule::BansInGame, true);
    assert!(turned.await.unwrap());
    for user in [ADA, NOOR] {
        let entry = FakeAuditEntry::banned(None, user, None);
        app.discord().write_audit_log(GUILD, entry);
    }
    for _ in 0..2 {
        app.run_schedule("watch-guilds", "EachMinute").await;
        app.settle().await;
    }
    for player in [USER + 80, USER + 81] {
        let path = format!("/links/roblox/{player}");
        workspace.send(Call::new("DELETE", &path)).await.assert_ok();
    }
}

/// Does everything that a log line can report.
async fn exercise_everything(app: &TestApp, workspace: &Workspace<'_>) {
    let soon = now() + 2;
    workspace.ban(Ban::of(2, EXPERIENCE).length(soon)).await;
    for (_, call) in every_route() {
        workspace.send(call).await;
    }
    let ban = || Ban::of(USER, EXPERIENCE).permanent();
    workspace.ban(ban()).await;
    workspace.ban(ban().reasons("other", "other")).await;
    workspace.try_ban(ban().no_overwrite()).await;
    workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
    workspace.ban(ban().appeal()).await;
    workspace.ban(ban().global()).await;
    app.settle().await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    eventually("one is overtaken by another", async || {
        let change = |n: u64| workspace.try_ban(ban().moderator(n + 1));
        futures::future::join_all((0..8).map(change)).await;
        let lines = app.runtime().logs("ban-async");
        lines
            .iter()
            .any(|line| line.text.contains("writeConflicts"))
            .then_some(())
    })
    .await;
    eventually("a ban runs out", async || (now() > soon).then_some(())).await;
    let event = json!({ "sweep": true });
    app.invoke("expire-bans", &event).await.unwrap();
    // What is left of a piece of evidence a day after its removal.
    let removed = json!({
        "pk": { "S": format!("{}#V#4", workspace.prefix()) }, "sk": { "S": "V" },
        "kind": { "S": "removed-evidence" }, "version": { "N": "1" }, "at": { "N": "1" },
        "is_file": { "BOOL": false }, "object_removed": { "BOOL": true },
        "due": { "S": "V#0" }, "due_at": { "N": "1" }, "ttl": { "N": "9999999999" },
    });
    app.put_item(&removed).await;
    app.invoke("expire-evidence", &event).await.unwrap();
    exercise_scans(app, workspace).await;
    exercise_snapshot(app, workspace).await;
    exercise_webhook(workspace).await;
    exercise_mirror(workspace).await;
    exercise_group(workspace).await;
    exercise_watch(app, workspace).await;
    exercise_console(workspace).await;
    exercise_roles(app, workspace).await;
    leave_slots(workspace, 0).await;
    workspace.ban(Ban::of(USER, 424_242)).await;
    workspace.ban(Ban::of(USER + 1, EXPERIENCE)).await;
    damage(workspace, USER + 1).await;
    workspace
        .send(check(USER + 1))
        .await
        .assert_error(500, "internal");
    app.faults().inject(Rule::from(Fault::Throttle));
    workspace
        .send(check(USER))
        .await
        .assert_error(503, "unavailable");
    app.faults().clear();
    // The line of the last request exists once a later line exists.
    let last = workspace.send(check(USER)).await;
    app.log_of("is-banned", &last).await;
}

/// The fields and the metrics of all lines at a level.
async fn written(is_full: bool) -> (BTreeSet<String>, BTreeSet<String>) {
    let app = TestApp::builder().instances(4).with_faults();
    let app = if is_full { app.full_metrics() } else { app };
    let app = app.start().await;
    let workspace = app.workspace().await;
    exercise_everything(&app, &workspace).await;
    let (mut fields, mut named) = (BTreeSet::new(), BTreeSet::new());
    let read = if is_full { metrics } else { basic_metrics };
    for function in app.runtime().names() {
        for line in app.runtime().logs(function) {
            let line = line
                .json()
                .unwrap_or_else(|| panic!("not JSON: {}", line.text));
            fields.extend(line.as_object().unwrap().keys().cloned());
            named.extend(read(&line).into_keys());
        }
    }
    (fields, named)
}

#[tokio::test]
async fn documented_and_written_fields_and_metrics_match() {
    let (fields, metrics) = written(true).await;
    assert_eq!(fields, documented_fields());
    assert_eq!(metrics, documented_metrics());
}

#[tokio::test]
async fn lines_at_level_basic_have_all_fields_but_only_watched_metrics() {
    let (fields, metrics) = written(false).await;
    assert_eq!(fields, documented_fields());
    assert_eq!(metrics, watched_metrics());
}

/// The type of a field's value; of an object, its fields.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, of)| (name.clone(), shape(of)))
            .collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => json!("text"),
        Value::Number(number) => json!(if number.is_f64() { 0.5 } else { 1.0 }),
        other => other.clone(),
    }
}

#[tokio::test]
async fn the_documented_log_line_is_written_exactly() {
    let app = TestApp::builder().full_metrics().start().await;
    let workspace = app.workspace().await;
    let text = operations();
    let (_, sample) = text.split_once("```json\n").expect("the sample");
    let (sample, _) = sample.split_once("\n```").expect("its end");
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    let refused: ApiResponse = workspace
        .try_ban(Ban::of(USER, EXPERIENCE).no_overwrite())
        .await;
    refused.assert_error(409, "already_banned");
    let line = app.log_of("ban-async", &refused).await;
    let lines = app.runtime().logs("ban-async");
    let written = &lines.last().unwrap().text;
    assert_eq!(key_order(sample), key_order(written));
    let sample: Value = serde_json::from_str(sample).unwrap();
    assert_eq!(shape(&sample), shape(&line));
    assert_eq!(
        sample["_aws"]["CloudWatchMetrics"],
        line["_aws"]["CloudWatchMetrics"]
    );
    for field in ["message", "route", "method", "status", "errorCode"] {
        assert_eq!(sample[field], line[field], "{field}");
    }
    metrics_add_up(&sample);
    metrics_add_up(&line);
}

fn metrics_add_up(line: &Value) {
    let number = |field: &str| line[field].as_f64().unwrap();
    let rest = number("durationMs") - number("databaseMs") - number("ownMs");
    assert!(rest.abs() < 0.002, "{line}");
    let timestamp = line["timestamp"].as_str().unwrap();
    assert!(timestamp.ends_with('Z'), "{line}");
    let time: jiff::Timestamp = timestamp.parse().unwrap();
    assert_eq!(time.as_millisecond(), line["_aws"]["Timestamp"], "{line}");
}
