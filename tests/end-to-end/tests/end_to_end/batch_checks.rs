//! `POST /is-banned/batch`: many users in one call.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use end_to_end::{ApiResponse, Ban, Call, KeySpec, TestApp, Unban, Workspace};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};
use shared::domain::keys::KeyScope;

use crate::costs::{cost, warm};
use crate::routes::EXPERIENCE;

fn check(users: impl IntoIterator<Item = u64>) -> Call {
    let users: Vec<_> = users.into_iter().collect();
    Call::post("/is-banned/batch").json(&json!({ "experienceId": EXPERIENCE, "userIds": users }))
}

fn consistent(users: impl IntoIterator<Item = u64>) -> Call {
    let users: Vec<_> = users.into_iter().collect();
    let body = json!({ "experienceId": EXPERIENCE, "userIds": users, "consistent": true });
    Call::post("/is-banned/batch").json(&body)
}

fn ids(list: &Value) -> Vec<u64> {
    let list = list.as_array().unwrap();
    list.iter().map(|id| id.as_u64().unwrap()).collect()
}

fn banned(answer: &Value) -> Vec<u64> {
    let bans = answer["banned"].as_array().unwrap();
    bans.iter()
        .map(|ban| ban["robloxId"].as_u64().unwrap())
        .collect()
}

/// User 1 is banned here, 2 everywhere, 3 was unbanned, 4 is banned elsewhere, 5 was never banned.
async fn with_bans(app: &TestApp) -> Workspace<'_> {
    let workspace = app.workspace().await;
    let ban = |user| Ban::of(user, EXPERIENCE).permanent();
    workspace.ban(ban(1)).await;
    workspace.ban(ban(1).applied()).await;
    workspace.ban(ban(2).global()).await;
    workspace.ban(ban(3)).await;
    workspace.unban(Unban::of(3, EXPERIENCE)).await;
    workspace.ban(Ban::of(4, EXPERIENCE + 1)).await;
    workspace
}

#[tokio::test]
async fn a_batch_shows_only_banned_users_and_as_single_checks_do() {
    let app = TestApp::start().await;
    let workspace = with_bans(&app).await;
    let no_read = KeySpec::scopes(&[KeyScope::WriteBans]);
    let keys = [
        workspace.secret_key().to_owned(),
        workspace.public_key().to_owned(),
        workspace.make_key(no_read).await,
    ];
    for key in keys {
        let caller = workspace.with_key(&key);
        for call in [check([5, 2, 3, 1, 4, 2]), consistent([5, 2, 3, 1, 4])] {
            let answer = caller.send(call).await.success();
            let shown = [
                caller.check(2, EXPERIENCE).await,
                caller.check(1, EXPERIENCE).await,
            ];
            let expected = json!({
                "status": "ok", "banned": shown, "checked": 5, "unprocessed": []
            });
            assert_eq!(answer, expected);
        }
    }
}

#[tokio::test]
async fn ids_are_accepted_in_every_luau_notation() {
    let app = TestApp::start().await;
    let workspace = with_bans(&app).await;
    let body =
        r#"{"experienceId":"75521396999004","userIds":["1",2.0,3e0,1],"consistent":1,"x":0}"#;
    let answer = workspace
        .send(Call::post("/is-banned/batch").body(body))
        .await
        .success();
    assert_eq!(
        (banned(&answer), &answer["checked"]),
        (vec![1, 2], &json!(3))
    );
}

fn wrong_fields(answer: &ApiResponse) -> Vec<String> {
    answer.assert_error(400, "invalid_request");
    let errors = answer.json()["errors"].clone();
    let fields = errors.as_array().unwrap().iter();
    fields
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn each_invalid_field_is_named_with_its_index() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let send = async |body: Value| {
        let answer = workspace.send(Call::post("/is-banned/batch").json(&body));
        wrong_fields(&answer.await)
    };
    let invalid = json!({ "experienceId": 0, "userIds": [1, "x", 2, null, 1.5], "consistent": 2 });
    assert_eq!(
        send(invalid).await,
        [
            "experienceId",
            "userIds[1]",
            "userIds[3]",
            "userIds[4]",
            "consistent"
        ]
    );
    let too_many: Vec<u64> = (1..=101).collect();
    for users in [json!([]), json!({}), json!(1), json!(null), json!(too_many)] {
        let body = json!({ "experienceId": 7, "userIds": users });
        assert_eq!(send(body).await, ["userIds"]);
    }
    assert_eq!(send(json!({})).await, ["experienceId", "userIds"]);
}

#[tokio::test]
async fn a_hundred_users_cost_one_read_unit_each_or_two_if_consistent() {
    let app = TestApp::start().await;
    let workspace = with_bans(&app).await;
    let users = || 4..104;
    let function = "is-banned-batch";
    let first = workspace.send(check(users())).await;
    assert_eq!(cost(&workspace, function, &first).await, (102.0, 0.0, 4));
    let eventual = warm(&workspace, function, &check(users())).await;
    assert_eq!(eventual, (100.0, 0.0, 2));
    let strong = warm(&workspace, function, &consistent(users())).await;
    assert_eq!(strong, (200.0, 0.0, 2));
    // A user whose ban ended a moment ago may be one whose ban is moving: they are read again.
    let again = warm(&workspace, function, &check([1, 3])).await;
    assert_eq!(again, (4.0, 0.0, 2));
}

#[tokio::test]
async fn each_user_counts_as_one_check() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let spec = KeySpec {
        checks_per_minute: NonZeroU32::new(1000),
        ..KeySpec::public()
    };
    let key = workspace.make_key(spec).await;
    let send = async |users| app.send(&check(users).key(&key)).await;
    // A new minute may begin between two calls, once.
    let mut answered = 0;
    let refused = loop {
        let answer = send(1..101).await;
        match answer.status {
            200 => answered += 1,
            _ => break answer,
        }
        assert!(answered <= 20, "{answered} calls of 100 were answered");
    };
    assert!(answered >= 10, "{answered} calls of 100 were answered");
    refused.assert_error(429, "rate_limited");
    assert!(refused.header("retry-after").is_some());
    let log = app.log_of("is-banned-batch", &refused).await;
    assert_eq!(log["databaseCalls"], json!(0));
}

#[tokio::test]
async fn users_whom_the_database_gives_back_are_unprocessed() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = with_bans(&app).await;
    let users = || (1..=100).rev();
    workspace.send(check(users())).await.success();
    // The stream's functions would hit the faults too.
    app.settle().await;
    for fault in [Fault::GiveBack, Fault::ThroughputExceeded, Fault::Stall] {
        app.faults().clear();
        app.faults()
            .inject(Rule::from(fault).on("BatchGetItem").after(1));
        let begun = Instant::now();
        let answer = workspace.send(check(users())).await.success();
        assert!(begun.elapsed() < Duration::from_secs(5), "{fault:?}");
        let unprocessed = ids(&answer["unprocessed"]);
        let half = || (51..=100).rev().collect::<Vec<_>>();
        let other = || (1..=50).rev().collect::<Vec<_>>();
        // Either of the two simultaneous calls may be the first.
        assert!(
            unprocessed == half() || unprocessed == other(),
            "{fault:?}: {unprocessed:?}"
        );
        assert_eq!(answer["checked"], json!(100));
        let expected = if unprocessed == half() {
            vec![2, 1]
        } else {
            vec![]
        };
        assert_eq!(banned(&answer), expected, "{fault:?}");
    }
    // A database that returns nothing at all is no answer.
    app.faults().clear();
    app.faults()
        .inject(Rule::from(Fault::Throttle).on("BatchGetItem"));
    let answer = workspace.send(check(users())).await;
    answer.assert_error(503, "unavailable");
}

#[tokio::test]
async fn a_user_who_cannot_be_read_again_is_unprocessed() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = with_bans(&app).await;
    workspace.send(check([5])).await.success();
    app.settle().await;
    // User 3 was unbanned a moment ago, and is read again.
    app.faults()
        .inject(Rule::from(Fault::GiveBack).on("BatchGetItem").after(1));
    let answer = workspace.send(check([1, 3, 5])).await.success();
    assert_eq!(
        (banned(&answer), ids(&answer["unprocessed"])),
        (vec![1], vec![3])
    );
}

#[tokio::test]
async fn a_batch_links_no_experience_and_works_where_linking_is_strict() {
    let app = TestApp::start().await;
    let workspace = app
        .workspace_with(|settings| settings.linking = shared::store::Linking::Strict)
        .await;
    let answer = workspace.send(check([1])).await.success();
    assert_eq!(banned(&answer), Vec::<u64>::new());
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}
