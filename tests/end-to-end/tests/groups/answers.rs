//! Calls that are refused, and change nothing.

use end_to_end::{KeySpec, TestApp};
use serde_json::{Value, json};
use shared::domain::keys::KeyScope;
use shared::domain::rules::group_roles::Rank;

use crate::allowed_group::{ADMIN, BOT, GROUP, GroupWorkspace, MEMBER, STRANGER, call, rank_body};

#[tokio::test]
async fn calls_outside_of_the_policy_are_refused() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::with(&app, |policy| {
        policy.ranks = [10, 20, 77].map(|rank| Rank::new(rank).unwrap()).into();
    })
    .await;
    let role = |role: u64| json!({ "userId": MEMBER, "groupId": GROUP, "roleId": role });
    let elsewhere = json!({ "userId": MEMBER, "groupId": 8, "rankId": 10 });
    for (body, status, code) in [
        (elsewhere, 403, "forbidden"),
        (rank_body(MEMBER, 200), 403, "forbidden"),
        (rank_body(MEMBER, 254), 403, "forbidden"),
        (rank_body(MEMBER, 30), 403, "forbidden"),
        (role(200), 403, "forbidden"),
        (role(1030), 403, "forbidden"),
        (rank_body(ADMIN, 10), 403, "forbidden"),
        (rank_body(MEMBER, 77), 404, "not_found"),
        (role(7), 404, "not_found"),
        (rank_body(STRANGER, 10), 404, "not_found"),
        (rank_body(MEMBER, 20), 409, "ambiguous"),
    ] {
        let answer = ours.try_change(&body).await;
        answer.assert_error(status, code);
    }
    assert_eq!(ours.roblox().role_changes(), Vec::<String>::new());
    ours.assert_calls_are_documented();
}

#[tokio::test]
async fn invalid_fields_are_named() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let sound = || {
        json!({ "userId": MEMBER, "groupId": GROUP, "rankId": 10, "moderatorId": 1,
            "reason": "r" })
    };
    let hostile = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("x"),
        json!("1'||'"),
        json!("7/../8"),
        json!(true),
        json!([]),
        json!({}),
        json!([[[[1]]]]),
    ];
    for field in ["userId", "groupId", "rankId", "moderatorId"] {
        for value in &hostile {
            let mut body = sound();
            body[field] = value.clone();
            let answer = ours.try_change(&body).await;
            answer.assert_wrong_fields(&[field]);
        }
    }
    for value in [json!(0), json!("x"), json!({}), json!(1e300)] {
        let body = json!({ "userId": MEMBER, "groupId": GROUP, "roleId": value });
        ours.try_change(&body)
            .await
            .assert_wrong_fields(&["roleId"]);
    }
    for rank in [0, 255, 256] {
        let answer = ours.rank(MEMBER, rank).await;
        answer.assert_wrong_fields(&["rankId"]);
    }
    for value in [
        json!(1),
        json!("r".repeat(1001)),
        json!("\u{202e}r"),
        json!([]),
    ] {
        let mut body = sound();
        body["reason"] = value;
        ours.try_change(&body)
            .await
            .assert_wrong_fields(&["reason"]);
    }
    let mut both = sound();
    both["roleId"] = json!(110);
    ours.try_change(&both)
        .await
        .assert_wrong_fields(&["roleId"]);
    let empty = ours.try_change(&json!({})).await;
    empty.assert_wrong_fields(&["userId", "groupId", "rankId"]);
    assert!(empty.text.contains("unless you send roleId"), "{empty}");
    for role in [100, 255] {
        let body = json!({ "userId": MEMBER, "groupId": GROUP, "roleId": role });
        ours.try_change(&body)
            .await
            .assert_wrong_fields(&["roleId"]);
    }
    assert_eq!(ours.roblox().role_changes(), Vec::<String>::new());
}

#[tokio::test]
async fn only_keys_with_the_scope_may_call() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let lacking = KeySpec::scopes(&[
        KeyScope::ReadBans,
        KeyScope::WriteBans,
        KeyScope::WriteGlobalBans,
    ]);
    let lacking = ours.workspace.make_key(lacking).await;
    for key in [ours.workspace.public_key(), &lacking] {
        let sent = ours.workspace.with_key(key);
        let answer = sent.send(call(&rank_body(MEMBER, 10))).await;
        answer.assert_error(403, "forbidden");
    }
    let only = ours
        .workspace
        .make_key(KeySpec::scopes(&[KeyScope::WriteGroups]))
        .await;
    let only = ours.workspace.with_key(&only);
    only.send(call(&rank_body(MEMBER, 10))).await.assert_ok();
}

#[tokio::test]
async fn another_workspace_cannot_change_the_group() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let other = app.workspace().await;
    let answer = other.send(call(&rank_body(MEMBER, 10))).await;
    answer.assert_error(403, "forbidden");
    assert_eq!(ours.roblox().calls(), 0);
}

#[tokio::test]
async fn refusal_by_roblox_is_final_and_gives_its_reason() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::with(&app, |policy| policy.ceiling = Rank::new(255).unwrap()).await;
    for (user, rank, reason) in [
        (BOT, 10, "your own role"),
        (MEMBER, 250, "your own rank or above"),
    ] {
        let answer = ours.rank(user, rank).await;
        answer.assert_error(500, "roblox_refused");
        let message: Value = answer.json()["message"].clone();
        assert!(message.as_str().unwrap().contains(reason), "{message}");
        assert_eq!(answer.header("retry-after"), None);
        let line = app.log_of("group-role", &answer).await;
        assert_eq!(line["level"], "INFO");
        assert_eq!(line.get("internal"), None, "no alarm counts it");
    }
    ours.roblox().kill_key(crate::allowed_group::KEY);
    let answer = ours.rank(MEMBER, 10).await;
    answer.assert_error(500, "roblox_refused");
}
