//! Which users a reader learns of, and what it costs.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::{Ban, Call, TestApp, Unban, age_log, eventually, key_order, now, role_change};
use serde_json::json;
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

use super::{Reader, sync, users};
use crate::routes::{EXPERIENCE, USER};

#[tokio::test]
async fn answer_has_the_documented_fields_and_flags() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let answer = workspace.send(Call::get("/sync")).await;
    let fields = [
        "status",
        "cursor",
        "userIds",
        "more",
        "reset",
        "now",
        "lag",
        "nextPollSeconds",
    ];
    assert_eq!(key_order(&answer.text), fields);
    let shown = answer.success();
    assert!(
        shown["now"].as_u64().unwrap().abs_diff(now()) <= 5,
        "{shown}"
    );
    assert_eq!(shown["nextPollSeconds"], 60);
    let call = Call::get("/sync").query("worker", "0f6e9d3c").from_roblox();
    let answer = workspace.send(call).await;
    assert_eq!(answer.header("vary"), Some("roblox-id"));
    let shown = answer.success();
    assert_eq!(
        (&shown["more"], &shown["reset"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(shown["nextPollSeconds"], 7);
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (parameter, wrong) in [
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "x"),
        ("worker", ""),
        ("worker", "a b"),
        ("worker", &"x".repeat(101)),
        ("cursor", "x"),
    ] {
        let call = Call::get("/sync").query(parameter, wrong);
        workspace.send(call).await.assert_wrong_fields(&[parameter]);
    }
    let call = Call::get("/sync").query("limit", 0).query("worker", "");
    let answer = workspace.send(call).await;
    answer.assert_wrong_fields(&["limit", "worker"]);
}

#[tokio::test]
async fn each_decision_names_its_user() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut reader = Reader::start(&workspace).await;
    let mut named = async |what: &str, user: u64| {
        app.settle().await;
        let named = eventually(what, async || {
            let named = reader.read().await;
            (!named.is_empty()).then_some(named)
        });
        assert_eq!(named.await, [user], "{what}");
    };
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    named("a ban", 1).await;
    workspace.ban(Ban::of(1, EXPERIENCE).length("7d")).await;
    named("a changed ban", 1).await;
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    named("an unban", 1).await;
    workspace
        .ban(Ban::of(2, EXPERIENCE).permanent().global())
        .await;
    named("a Global ban", 2).await;
    let appeal = Ban::of(2, EXPERIENCE).permanent().global().appeal();
    workspace.ban(appeal).await;
    named("an appeal", 2).await;
    let ends = now() + 2;
    workspace.ban(Ban::of(3, EXPERIENCE).length(ends)).await;
    named("a short ban", 3).await;
    eventually("it has expired", async || (now() >= ends).then_some(())).await;
    let event = json!({ "sweep": true });
    app.invoke("expire-bans", &event).await.unwrap();
    named("an expiry", 3).await;
}

#[tokio::test]
async fn reports_and_activities_name_nobody() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).permanent();
    workspace.ban(ban.clone()).await;
    app.settle().await;
    let mut reader = Reader::start(&workspace).await;
    workspace.ban(ban.applied()).await;
    for user in [None, Some(USER)] {
        workspace.record(&role_change(user)).await;
    }
    app.settle().await;
    let before = reader.cursor.clone();
    eventually("the activities are passed", async || {
        assert_eq!(reader.read().await, [0; 0]);
        (sync(&workspace, Some(&before), 1).await["more"] == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn pages_of_any_size_name_everyone() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let start = Reader::start(&workspace).await.cursor;
    for (number, user) in [1, 2, 1, 3, 4, 5, 5, 6, 7, 1, 8].into_iter().enumerate() {
        let reason = format!("number {number}");
        let ban = Ban::of(user, EXPERIENCE).reasons(&reason, "x");
        workspace.ban(ban).await;
    }
    app.settle().await;
    for limit in [1, 2, 3, 7, 1000] {
        let named = eventually("everyone is named", async || {
            let mut reader = Reader::start(&workspace).await.by(limit);
            reader.cursor.clone_from(&start);
            let named = reader.read().await;
            (named.len() == 8).then_some(named)
        });
        assert_eq!(named.await, (1..=8).collect::<Vec<_>>(), "by {limit}");
    }
    let answer = sync(&workspace, Some(&start), 4).await;
    assert_eq!(
        (users(&answer), &answer["more"]),
        (vec![1, 2, 3], &json!(1))
    );
}

/// A reader that polls while writers decide must learn of each user from some page.
#[tokio::test]
async fn no_user_is_missed_between_polls_while_eight_writers_decide() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut reader = Reader::start(&workspace).await.by(7);
    let mut named = BTreeSet::new();
    let writing = async {
        let writers = (0..8).map(async |writer| {
            for round in 0..6 {
                let user = 1_000 * (writer + 1) + round;
                workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
            }
        });
        futures::future::join_all(writers).await;
    };
    tokio::pin!(writing);
    loop {
        tokio::select! {
            () = &mut writing => break,
            () = tokio::time::sleep(Duration::from_millis(20)) => named.extend(reader.read().await),
        }
    }
    app.settle().await;
    let expected = (1..=8).flat_map(|writer| (0..6).map(move |round| 1_000 * writer + round));
    let expected: BTreeSet<u64> = expected.collect();
    eventually("every user is named", async || {
        named.extend(reader.read().await);
        (named == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_user_erased_at_the_end_of_the_log_delays_readers_by_a_minute_only() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut reader = Reader::start(&workspace).await;
    workspace.ban(Ban::of(USER, EXPERIENCE).permanent()).await;
    app.settle().await;
    let user = UserId::new(USER).unwrap();
    let prefix = workspace.id().prefix();
    let erased = app
        .store()
        .erase_user(prefix, user, ErasureSource::Operator);
    erased.await.unwrap();
    let answer = reader.call().await;
    assert_eq!(users(&answer), [0; 0]);
    age_log(&workspace).await;
    reader.call().await;
    let answer = workspace.send(Call::get("/sync").query("cursor", &reader.cursor));
    let answer = answer.await;
    let line = app.log_of("sync", &answer).await;
    assert_eq!(
        line["readUnits"], 0.5,
        "the end of the log is reached: {line}"
    );
}

#[tokio::test]
async fn a_call_with_nothing_new_costs_half_a_read_unit_and_no_write() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=30 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let mut reader = Reader::start(&workspace).await;
    reader.read().await;
    for call in [
        Call::get("/sync"),
        Call::get("/sync").query("cursor", &reader.cursor),
        Call::get("/sync")
            .query("cursor", &reader.cursor)
            .query("worker", "a"),
    ] {
        let answer = workspace.send(call).await;
        let line = app.log_of("sync", &answer).await;
        let spent = ["readUnits", "databaseCalls"].map(|name| line[name].as_f64());
        assert_eq!(spent, [Some(0.5), Some(1.0)], "{line}");
        let writes = line["writeUnits"].as_f64().unwrap_or_default();
        assert!(writes == 0.0, "{line}");
    }
}

#[tokio::test]
async fn a_page_of_changes_costs_no_read_of_their_items() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let start = Reader::start(&workspace).await.cursor;
    for user in 1..=40 {
        workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    }
    app.settle().await;
    let line = eventually("all are named", async || {
        let answer = workspace
            .send(Call::get("/sync").query("cursor", &start))
            .await;
        let line = app.log_of("sync", &answer).await;
        (users(&answer.success()).len() == 40).then_some(line)
    });
    let line = line.await;
    let spent = ["readUnits", "databaseCalls"].map(|name| line[name].as_f64());
    assert_eq!(
        spent,
        [Some(2.5), Some(5.0)],
        "the head, and four partitions: {line}"
    );
}
