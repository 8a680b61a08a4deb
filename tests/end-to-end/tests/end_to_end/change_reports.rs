//! `POST /reports`: exact reports of applied and failed changes.

use std::collections::BTreeSet;

use end_to_end::{Ban, Call, KeySpec, Notification, TestApp, Unban, Workspace, now};
use futures::future::join_all;
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};
use shared::domain::keys::KeyScope;
use shared::store::ErasureMode;

use crate::costs::{cost, warm};
use crate::routes::{EXPERIENCE, USER};

fn reports(reports: &[Value]) -> Call {
    Call::post("/reports").json(&json!({ "experienceId": EXPERIENCE, "reports": reports }))
}

/// The report of a listed item.
fn of(item: &Value, applied: &str) -> Value {
    json!({
        "userId": item["robloxId"], "guid": item["guid"], "revision": item["revision"],
        "applied": applied, "ok": true,
    })
}

fn failed(mut report: Value, error: &str) -> Value {
    report["ok"] = json!(false);
    report["error"] = json!(error);
    report
}

/// Sends reports; returns their statuses.
async fn tell(workspace: &Workspace<'_>, sent: &[Value]) -> Vec<String> {
    let answer = workspace.send(reports(sent)).await.success();
    assert_eq!(answer["status"], "ok");
    let results = answer["results"].as_array().unwrap();
    let guid = |report: &Value| report["guid"].as_str().unwrap().to_owned();
    assert_eq!(
        results.iter().map(guid).collect::<Vec<_>>(),
        sent.iter().map(guid).collect::<Vec<_>>()
    );
    let status = |result: &Value| result["status"].as_str().unwrap().to_owned();
    results.iter().map(status).collect()
}

/// The only pending ban of the experience.
async fn pending_ban(workspace: &Workspace<'_>) -> Value {
    let mut list = workspace.pending_bans(EXPERIENCE).await;
    assert_eq!(list.len(), 1);
    list.remove(0)
}

fn ban(user: u64) -> Ban {
    Ban::of(user, EXPERIENCE).permanent()
}

#[tokio::test]
async fn lists_are_worked_through_with_exact_reports() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=3 {
        workspace.ban(ban(user)).await;
    }
    workspace.ban(ban(2).reasons("other", "other")).await;
    let listed = workspace.pending_bans(EXPERIENCE).await;
    let revisions: Vec<_> = listed.iter().map(|item| item["revision"].clone()).collect();
    assert_eq!(revisions, [json!(1), json!(2), json!(1)]);
    let all: Vec<_> = listed.iter().map(|item| of(item, "ban")).collect();
    assert_eq!(tell(&workspace, &all).await, ["ok"; 3]);
    assert_eq!(
        workspace.pending_bans(EXPERIENCE).await,
        Vec::<Value>::new()
    );
    let check = workspace.check(2, EXPERIENCE).await;
    assert_eq!(check["experienceBanCompleted"], true);
    assert_eq!(check.get("revision"), None);

    // A repeat writes nothing.
    let stored = workspace.stored().await;
    assert_eq!(tell(&workspace, &all).await, ["ok"; 3]);
    assert_eq!(workspace.stored().await, stored);

    workspace.unban(Unban::of(2, EXPERIENCE)).await;
    let listed = workspace.pending_unbans(EXPERIENCE).await;
    assert_eq!(listed[0]["revision"], json!(2));
    let lifted = of(&listed[0], "unban");
    for _ in 0..2 {
        assert_eq!(tell(&workspace, &[lifted.clone()]).await, ["ok"]);
        let left = workspace.pending_unbans(EXPERIENCE).await;
        assert_eq!(left, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn every_status_comes_in_the_order_of_the_reports() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban(1)).await;
    let first = of(&pending_ban(&workspace).await, "ban");
    workspace.ban(ban(1).reasons("other", "other")).await;
    let second = of(&pending_ban(&workspace).await, "ban");
    let nothing = json!({
        "userId": 5, "guid": "5", "revision": 1, "applied": "unban", "ok": true,
    });
    // The reports on a user are taken in order.
    let sent = [
        nothing.clone(),
        failed(second.clone(), "HTTP 500"),
        first.clone(),
        second.clone(),
        second.clone(),
        failed(second.clone(), "late"),
        nothing,
    ];
    assert_eq!(
        tell(&workspace, &sent).await,
        [
            "unknown",
            "noted",
            "superseded",
            "ok",
            "ok",
            "superseded",
            "unknown"
        ]
    );
    // An older revision is true, so what is in force becomes pending again.
    assert_eq!(tell(&workspace, &[first]).await, ["superseded"]);
    assert_eq!(pending_ban(&workspace).await["revision"], json!(2));
    assert_eq!(tell(&workspace, &[second.clone()]).await, ["ok"]);

    // A ban of another experience does not reach this one, and a replaced one does.
    workspace.ban(Ban::of(1, EXPERIENCE + 1).permanent()).await;
    let elsewhere = workspace.check(1, EXPERIENCE + 1).await;
    let mut elsewhere = of(&elsewhere, "ban");
    elsewhere["revision"] = json!(1);
    assert_eq!(tell(&workspace, &[elsewhere]).await, ["unknown"]);
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    workspace.ban(ban(1)).await;
    assert_eq!(tell(&workspace, &[second]).await, ["superseded"]);
}

#[tokio::test]
async fn failures_stay_pending_and_delay_the_next_attempt() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban(USER)).await;
    let item = pending_ban(&workspace).await;
    for field in ["failures", "error", "notBefore"] {
        assert_eq!(item.get(field), None, "{field}");
    }
    let report = failed(of(&item, "ban"), " \u{202e}HTTP\n429: too many requests ");
    let before = now();
    assert_eq!(tell(&workspace, &[report.clone()]).await, ["noted"]);
    let failing = pending_ban(&workspace).await;
    assert_eq!(failing["failures"], json!(1));
    assert_eq!(failing["error"], "HTTP 429: too many requests");
    let not_before = failing["notBefore"].as_u64().unwrap();
    assert!((before + 60..=now() + 60).contains(&not_before));

    // Another report before the next attempt is a repeat.
    let stored = workspace.stored().await;
    let again = failed(of(&item, "ban"), "another error");
    assert_eq!(
        tell(&workspace, &[again, report.clone()]).await,
        ["noted"; 2]
    );
    assert_eq!(workspace.stored().await, stored);

    // New terms clear the failures, and a failed old revision does not count.
    workspace.ban(ban(USER).reasons("other", "other")).await;
    let changed = pending_ban(&workspace).await;
    assert_eq!(
        (changed.get("failures"), &changed["revision"]),
        (None, &json!(2))
    );
    assert_eq!(tell(&workspace, &[report]).await, ["superseded"]);

    // A failed unban stays listed too.
    let applied = of(&changed, "ban");
    assert_eq!(tell(&workspace, &[applied]).await, ["ok"]);
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    let listed = workspace.pending_unbans(EXPERIENCE).await;
    let mut report = of(&listed[0], "unban");
    report["ok"] = json!(0);
    assert_eq!(tell(&workspace, &[report.clone()]).await, ["noted"]);
    let listed = workspace.pending_unbans(EXPERIENCE).await;
    assert_eq!(
        (&listed[0]["failures"], listed[0].get("error")),
        (&json!(1), None)
    );
    report["ok"] = json!(1);
    assert_eq!(tell(&workspace, &[report]).await, ["ok"]);
    assert_eq!(
        workspace.pending_unbans(EXPERIENCE).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn a_propagated_decision_clears_failures() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link(EXPERIENCE).await;
    let everywhere = || Ban::of(USER, 7).permanent().global();
    workspace.ban(everywhere()).await;
    let listed = workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
    let report = failed(of(&listed[0], "ban"), "HTTP 500");
    assert_eq!(tell(&workspace, &[report]).await, ["noted"]);
    assert_eq!(pending_ban(&workspace).await["failures"], json!(1));
    workspace.ban(everywhere().reasons("other", "other")).await;
    app.settle().await;
    let stored = workspace.stored().await;
    let failing = stored.iter().filter(|item| item.get("failures").is_some());
    assert_eq!(failing.count(), 0);
    let item = pending_ban(&workspace).await;
    assert_eq!((item.get("failures"), &item["revision"]), (None, &json!(2)));
    assert_eq!(tell(&workspace, &[of(&item, "ban")]).await, ["ok"]);
}

#[tokio::test]
async fn each_invalid_field_is_named_with_its_index() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let good = json!({ "userId": 1, "guid": "5", "revision": 1, "applied": "ban", "ok": true });
    let with = |field: &str, value: Value| {
        let mut report = good.clone();
        report[field] = value;
        report
    };
    let bad = [
        ("userId", json!(0)),
        ("guid", json!("x")),
        ("revision", json!(0)),
        ("revision", json!(4_294_967_296_u64)),
        ("applied", json!("Ban")),
        ("ok", json!(2)),
        ("ok", json!(null)),
        ("error", json!(7)),
    ];
    let sent = bad.iter().map(|(field, value)| with(field, value.clone()));
    let answer = workspace.send(reports(&sent.collect::<Vec<_>>())).await;
    let named: Vec<_> = bad
        .iter()
        .enumerate()
        .map(|(at, (field, _))| format!("reports[{at}].{field}"))
        .collect();
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    answer.assert_wrong_fields(&named);
    let too_many: Vec<_> = (0..51).map(|_| good.clone()).collect();
    for sent in [vec![], too_many] {
        let answer = workspace.send(reports(&sent)).await;
        answer.assert_wrong_fields(&["reports"]);
    }
    let answer = workspace
        .send(Call::post("/reports").json(&json!({})))
        .await;
    answer.assert_wrong_fields(&["experienceId", "reports"]);
    let answer = workspace.send(reports(&[good, json!(7), json!("x")])).await;
    answer.assert_wrong_fields(&["reports[1]", "reports[2]"]);
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_erased_user_is_unknown_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    workspace.ban(ban(USER)).await;
    let report = of(&pending_ban(&workspace).await, "ban");
    let erasure = Notification::erasure(USER).signed(&secret);
    assert_eq!(app.send(&erasure).await.status, 200);
    let stored = workspace.stored().await;
    let sent = [report.clone(), failed(report, "late")];
    assert_eq!(tell(&workspace, &sent).await, ["unknown"; 2]);
    assert_eq!(workspace.stored().await, stored);
}

#[tokio::test]
async fn a_call_with_an_idempotency_key_keeps_its_answer() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(ban(USER)).await;
    let report = of(&pending_ban(&workspace).await, "ban");
    let failing = failed(report.clone(), "HTTP 500");
    let send = async |sent: &[Value]| {
        let call = reports(sent).header("idempotency-key", "once");
        workspace.send(call).await
    };
    let first = send(&[failing.clone()]).await.success();
    assert_eq!(first["results"][0]["status"], "noted");
    assert_eq!(tell(&workspace, &[report.clone()]).await, ["ok"]);
    let stored = workspace.stored().await;
    assert_eq!(send(&[failing]).await.success(), first);
    assert_eq!(workspace.stored().await, stored);
    send(&[report])
        .await
        .assert_wrong_fields(&["idempotency-key"]);
}

#[tokio::test]
async fn reports_cost_what_single_ones_cost() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    for user in 1..=12 {
        workspace.ban(ban(user)).await;
    }
    let listed = workspace.pending_bans(EXPERIENCE).await;
    let all: Vec<_> = listed.iter().map(|item| of(item, "ban")).collect();
    // From here on the function has the key and the link cached.
    tell(&workspace, &all[..1]).await;
    let one = workspace.send(reports(&all[1..2])).await;
    assert_eq!(cost(&workspace, "reports", &one).await, (2.0, 9.0, 2));
    let ten = workspace.send(reports(&all[2..])).await;
    assert_eq!(cost(&workspace, "reports", &ten).await, (20.0, 90.0, 20));
    let repeated = warm(&workspace, "reports", &reports(&all)).await;
    assert_eq!(repeated, (24.0, 0.0, 12));
}

#[tokio::test]
async fn only_a_writing_key_reports_and_a_report_links() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let nothing = json!({ "userId": 5, "guid": "5", "revision": 1, "applied": "ban", "ok": true });
    let reader = KeySpec::scopes(&[KeyScope::ReadBans]);
    let reader = workspace.make_key(reader).await;
    for key in [workspace.public_key(), &reader] {
        let answer = workspace.send(reports(&[nothing.clone()]).key(key)).await;
        answer.assert_error(403, "forbidden");
    }
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
    assert_eq!(tell(&workspace, &[nothing.clone()]).await, ["unknown"]);
    let stored = workspace.stored().await;
    let kinds: BTreeSet<_> = stored
        .iter()
        .map(|item| item["kind"]["S"].as_str())
        .collect();
    assert_eq!(kinds, [Some("link"), Some("counter")].into());

    let strict = app.strict_workspace().await;
    let answer = strict.send(reports(&[nothing])).await;
    answer.assert_error(403, "forbidden");
}

#[tokio::test]
async fn a_failing_database_answers_503_and_a_repeat_completes_the_reports() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    for user in 1..=30 {
        workspace.ban(ban(user)).await;
    }
    let listed = workspace.pending_bans(EXPERIENCE).await;
    let all: Vec<_> = listed.iter().map(|item| of(item, "ban")).collect();
    for fault in [Fault::Throttle, Fault::Stall] {
        app.faults().clear();
        // The stream's functions would hit the faults too.
        app.settle().await;
        app.faults()
            .inject(Rule::from(fault).on("TransactWriteItems").after(5));
        let answer = workspace.send(reports(&all)).await;
        answer.assert_error(503, "unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    // A write whose answer is lost is found when it is looked up.
    app.faults().clear();
    app.faults()
        .inject(Rule::from(Fault::CutAfter).on("TransactWriteItems"));
    assert_eq!(tell(&workspace, &all[..5]).await, ["ok"; 5]);
    app.faults().clear();
    assert_eq!(tell(&workspace, &all).await, ["ok"; 30]);
    assert_eq!(
        workspace.pending_bans(EXPERIENCE).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn many_servers_report_the_same_items_at_once() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=5 {
        workspace.ban(ban(user)).await;
    }
    let listed = workspace.pending_bans(EXPERIENCE).await;
    let all: Vec<_> = listed.iter().map(|item| of(item, "ban")).collect();
    let failing: Vec<_> = all.iter().map(|it| failed(it.clone(), "x")).collect();
    join_all((0..12).map(|_| tell(&workspace, &failing))).await;
    for item in workspace.pending_bans(EXPERIENCE).await {
        assert_eq!(item["failures"], json!(1));
    }
    for statuses in join_all((0..12).map(|_| tell(&workspace, &all))).await {
        assert_eq!(statuses, ["ok"; 5]);
    }
    assert_eq!(
        workspace.pending_bans(EXPERIENCE).await,
        Vec::<Value>::new()
    );
}
