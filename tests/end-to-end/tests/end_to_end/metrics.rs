//! The metrics in the log: CloudWatch accepts them, and they are correct.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use end_to_end::{ApiResponse, Ban, Call, TestApp, Unban, Workspace, eventually, next_second};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};

use crate::routes::{EXPERIENCE, USER, every_route};

/// CloudWatch's names of the units used here.
const UNITS: [&str; 3] = ["Milliseconds", "Seconds", "Count"];

/// The metrics of a line at level `full`.
pub fn metrics(line: &Value) -> BTreeMap<String, f64> {
    metrics_by(&["stack", "route"], line)
}

/// The metrics of a line at level `basic`, of which most lines have none.
pub fn basic_metrics(line: &Value) -> BTreeMap<String, f64> {
    match line.get("_aws") {
        Some(_) => metrics_by(&["stack"], line),
        None => BTreeMap::new(),
    }
}

/// The metrics of a line with their values, after checking each rule of the embedded metric format:
/// CloudWatch silently ignores the metrics of an invalid line.
fn metrics_by(dimensions: &[&str], line: &Value) -> BTreeMap<String, f64> {
    let aws = line["_aws"].as_object().expect("_aws");
    let time = Duration::from_millis(aws["Timestamp"].as_u64().expect("Unix milliseconds"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ago = now.abs_diff(time);
    assert!(ago < Duration::from_mins(10), "{ago:?} ago: {line}");
    let [directive] = aws["CloudWatchMetrics"].as_array().unwrap().as_slice() else {
        panic!("not one set of metrics: {line}")
    };
    assert_eq!(aws.len(), 2, "{line}");
    assert_eq!(directive.as_object().unwrap().len(), 3, "{line}");
    assert_eq!(directive["Namespace"], "Portcullis");
    for set in directive["Dimensions"].as_array().unwrap() {
        for dimension in set.as_array().unwrap() {
            let value = line[dimension.as_str().unwrap()].as_str();
            let value = value.unwrap_or_else(|| panic!("{dimension} is no text in {line}"));
            assert!((1..=1024).contains(&value.len()) && value.is_ascii());
        }
    }
    assert_eq!(directive["Dimensions"], json!([dimensions]));
    let definitions = directive["Metrics"].as_array().unwrap();
    assert!(definitions.len() <= 100);
    let read = |definition: &Value| {
        assert_eq!(definition.as_object().unwrap().len(), 2, "{line}");
        let (name, unit) = (&definition["Name"], &definition["Unit"]);
        let name = name.as_str().unwrap();
        assert!(UNITS.contains(&unit.as_str().unwrap()), "{line}");
        assert_eq!(unit == "Milliseconds", name.ends_with("Ms"), "{line}");
        assert_eq!(unit == "Seconds", name.ends_with("Seconds"), "{line}");
        let value = line[name].as_f64();
        (
            name.to_owned(),
            value.unwrap_or_else(|| panic!("{name} is no number in {line}")),
        )
    };
    let metrics: BTreeMap<_, _> = definitions.iter().map(read).collect();
    assert_eq!(metrics.len(), definitions.len(), "one twice in {line}");
    metrics
}

/// A request's metrics except the times.
async fn counted(app: &TestApp, function: &str, answer: &ApiResponse) -> Vec<(String, u64)> {
    let line = app.log_of(function, answer).await;
    let counts = metrics(&line).into_iter();
    counts
        .filter(|(name, _)| !name.ends_with("Ms"))
        .map(|(name, _)| (name.clone(), line[&name].as_u64().unwrap()))
        .collect()
}

fn count(name: &str, count: u64) -> Vec<(String, u64)> {
    vec![(name.to_owned(), count)]
}

/// The lines of the stream's function.
fn batches(app: &TestApp) -> Vec<Value> {
    let lines = app.runtime().logs("spread-decisions");
    lines.iter().map(|line| line.json().unwrap()).collect()
}

fn check() -> Call {
    Call::post("/is-banned").json(&json!({ "userId": USER, "experienceId": EXPERIENCE }))
}

#[tokio::test]
async fn every_log_line_carries_metrics_of_its_stack_and_route() {
    let app = TestApp::builder().full_metrics().start().await;
    let workspace = app.workspace().await;
    for (name, call) in every_route() {
        for is_cold in [true, false] {
            let answer = workspace.send(call.clone()).await;
            let line = app.log_of(name, &answer).await;
            assert_eq!(
                (&line["stack"], &line["route"]),
                (&json!("local"), &json!(name))
            );
            let metrics = metrics(&line);
            let times = metrics["durationMs"] - metrics["ownMs"];
            let database = line["databaseMs"].as_f64().unwrap();
            assert!((times - database).abs() < 0.002, "{line}");
            assert!(metrics["ownMs"] > 0.0 && database > 0.0, "{line}");
            assert_eq!(metrics.contains_key("initMs"), is_cold, "{line}");
        }
    }
    let unknown = workspace.send(Call::get("/nothing")).await;
    let line = app.log_of("not-found", &unknown).await;
    assert_eq!(metrics(&line)["durationMs"], metrics(&line)["ownMs"]);
}

#[tokio::test]
async fn only_stored_decisions_are_counted() {
    let app = TestApp::builder().full_metrics().start().await;
    let workspace = app.workspace().await;
    let ban = || Ban::of(USER, EXPERIENCE).permanent();
    let unban = || Unban::of(USER, EXPERIENCE);
    let changed = || ban().reasons("other", "other");
    let global = || ban().global();
    let (bans, unbans) = ("ban-async", "unban-async");
    let steps: Vec<(&str, Call, Vec<(String, u64)>)> = vec![
        (bans, ban().call(), count("bansMade", 1)),
        (bans, ban().applied().call(), Vec::new()),
        (bans, ban().applied().call(), Vec::new()),
        (bans, ban().no_overwrite().call(), count("conflicts", 1)),
        (bans, changed().call(), count("bansChanged", 1)),
        (bans, ban().length("yesterday").call(), Vec::new()),
        (bans, changed().appeal().call(), count("bansAppealed", 1)),
        (bans, changed().appeal().call(), Vec::new()),
        (bans, ban().call(), count("bansMade", 1)),
        (bans, global().call(), count("bansMade", 1)),
        (unbans, unban().report_only().call(), Vec::new()),
        (unbans, unban().call(), count("bansLifted", 2)),
        (unbans, unban().call(), Vec::new()),
        (unbans, Unban::of(USER + 1, EXPERIENCE).call(), Vec::new()),
    ];
    for (at, (function, call, expected)) in steps.into_iter().enumerate() {
        let answer = workspace.send(call).await;
        let counted = counted(&app, function, &answer).await;
        assert_eq!(counted, expected, "step {at}: {answer}");
    }
}

#[tokio::test]
async fn a_decision_with_a_lost_answer_is_counted_once_with_its_retries() {
    // The stream's functions would hit some of the faults.
    let app = TestApp::builder()
        .full_metrics()
        .with_faults()
        .without_mappings()
        .start()
        .await;
    let workspace = app.workspace().await;
    let lost = Rule::from(Fault::CutAfter).on("TransactWriteItems");
    app.faults().inject(lost.times(3));
    let answer = workspace.try_ban(Ban::of(USER, EXPERIENCE)).await;
    answer.assert_ok();
    let line = app.log_of("ban-async", &answer).await;
    assert_eq!(
        (&line["bansMade"], &line["retries"]),
        (&json!(1), &json!(2))
    );
    let again = workspace
        .try_ban(Ban::of(USER, EXPERIENCE).no_overwrite())
        .await;
    let line = app.log_of("ban-async", &again).await;
    assert_eq!((line.get("bansMade"), line.get("retries")), (None, None));
}

#[tokio::test]
async fn concurrent_database_calls_count_their_wait_once() {
    let app = TestApp::builder()
        .full_metrics()
        .with_faults()
        .start()
        .await;
    let workspace = app.workspace().await;
    let list = Call::get("/bans");
    workspace.send(list.clone()).await;
    let late = Duration::from_millis(400);
    app.faults().inject(Rule::from(Fault::Delay(late)));
    let answer = workspace.send(list).await;
    app.faults().clear();
    let line = app.log_of("bans", &answer).await;
    // A list is spread over four partitions.
    assert_eq!(line["databaseCalls"], 4, "{line}");
    // Added up, they would exceed the whole.
    let number = |field: &str| line[field].as_f64().unwrap();
    assert!(number("databaseMs") >= 400.0, "{line}");
    assert!(number("databaseMs") < number("durationMs"), "{line}");
    assert!(number("ownMs") > 0.0, "{line}");
}

#[tokio::test]
async fn an_unreachable_database_is_counted_by_routes_and_stream() {
    let mut app = TestApp::builder()
        .full_metrics()
        .with_faults()
        .without_mappings()
        .start()
        .await;
    let workspace = app.workspace().await;
    workspace.link_all(1..=3).await;
    workspace.ban(Ban::of(USER, 1).global().permanent()).await;
    drop(workspace);
    app.faults().inject(Rule::from(Fault::Throttle));
    app.start_mappings();
    let stopped = eventually("a batch stops", async || {
        batches(&app)
            .into_iter()
            .find(|line| line["level"] != "INFO")
    })
    .await;
    let workspace = app.workspace().await;
    let answer = workspace.send(check()).await;
    answer.assert_error(503, "unavailable");
    let refused = app.log_of("is-banned", &answer).await;
    for line in [&stopped, &refused] {
        assert_eq!(
            (&line["level"], &line["errorCode"]),
            (&json!("WARN"), &json!("unavailable"))
        );
        assert_eq!(metrics(line)["unavailable"], 1.0);
        assert_eq!(line.get("spreadLagSeconds"), None, "{line}");
        assert!(line["retries"].as_u64() >= Some(1), "{line}");
    }
    app.faults().clear();
    app.settle().await;
}

#[tokio::test]
async fn the_stream_measures_the_delay_of_global_bans_but_not_of_links() {
    let mut app = TestApp::builder()
        .full_metrics()
        .without_mappings()
        .start()
        .await;
    let workspace = app.workspace().await;
    workspace.link_all(1..=3).await;
    workspace.ban(Ban::of(USER, 1).global().permanent()).await;
    drop(workspace);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    app.start_mappings();
    app.settle().await;
    let mut lines = batches(&app);
    let first = lines
        .iter()
        .find_map(|line| metrics(line).remove("spreadLagSeconds"));
    assert!(
        first.is_some_and(|lag| (2.0..60.0).contains(&lag)),
        "{lines:?}"
    );
    for line in &lines {
        assert_eq!(
            (&line["message"], &line["route"]),
            (&json!("batch"), &json!("spread-decisions"))
        );
        assert!(line["records"].as_u64() >= line["steps"].as_u64(), "{line}");
        assert_eq!((line.get("status"), line.get("method")), (None, None));
    }

    let before = lines.len();
    let workspace = app.workspace().await;
    workspace.link(7).await;
    workspace.pending_bans(7).await;
    workspace.pending_bans(8).await;
    app.settle().await;
    lines = batches(&app).split_off(before);
    assert!(!lines.is_empty());
    for line in lines {
        assert_eq!(line.get("spreadLagSeconds"), None, "{line}");
    }
}

/// The age that a poll measures, and of which experience.
async fn polled(workspace: &Workspace<'_>, call: &Call) -> (Option<u64>, Option<u64>) {
    let answer = workspace.send(call.clone()).await;
    assert_eq!(answer.status, 200, "{answer}");
    let line = workspace.app().log_of("pending-bans", &answer).await;
    let number = |name: &str| line[name].as_u64();
    (number("pendingAgeSeconds"), number("experience"))
}

#[tokio::test]
async fn a_poll_measures_how_long_its_first_entry_was_pending() {
    let app = TestApp::builder().full_metrics().start().await;
    let workspace = app.workspace().await;
    let poll = Call::get("/pending-bans").query("experienceId", EXPERIENCE);
    assert_eq!(polled(&workspace, &poll).await, (None, None));
    for user in 1..=3 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    let list = workspace.await_pending_bans(EXPERIENCE, &[1, 2, 3]).await;
    next_second().await;
    let (age, experience) = polled(&workspace, &poll).await;
    assert!(age >= Some(1), "{age:?}");
    assert_eq!(experience, Some(EXPERIENCE));

    // Entries of a later page say nothing about the oldest.
    let first = workspace.send(poll.clone().query("limit", 2)).await;
    let second = poll.clone().query("cursor", first.next_cursor().unwrap());
    assert_eq!(polled(&workspace, &second).await, (None, None));

    // Once the oldest is applied, the next starts at zero; so does one with changed terms.
    workspace.report(&list[0], EXPERIENCE).await;
    workspace.await_pending_bans(EXPERIENCE, &[2, 3]).await;
    for _ in 0..2 {
        next_second().await;
    }
    let (age, _) = polled(&workspace, &poll).await;
    assert!(age >= Some(2), "{age:?}");
    workspace
        .ban(Ban::of(2, EXPERIENCE).permanent().reasons("other", "other"))
        .await;
    let (age, _) = polled(&workspace, &poll).await;
    assert!(matches!(age, Some(0 | 1)), "{age:?}");
}
