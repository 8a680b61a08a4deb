//! Wrong codes.

use std::time::Duration;

use end_to_end::{KeySpec, TestApp, Workspace, now};
use futures::future::join_all;
use serde_json::json;

use super::{DISCORD, OTHER_ROBLOX, ROBLOX, WRONG, code_of, linked, make, redeem, stored, typed};

#[tokio::test]
async fn five_wrong_codes_an_hour_are_allowed_on_each_side() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = app.workspace().await;
    let begin = Duration::from_secs(now());
    app.set_clock(begin);
    for preview in [true, false, true, false, true] {
        let body = json!({ "code": WRONG, "userId": ROBLOX, "preview": preview });
        let wrong = workspace.send(redeem(&body)).await;
        wrong.assert_error(404, "not_found");
        let body = json!({ "code": WRONG, "discordId": DISCORD });
        let wrong = workspace.send(redeem(&body)).await;
        wrong.assert_error(404, "not_found");
    }
    // Now the right ones do not help either.
    let in_game = workspace
        .send(make(&json!({ "userId": OTHER_ROBLOX })))
        .await;
    let in_game = in_game.success()["code"].clone();
    let in_discord = code_of(&workspace, DISCORD).await;
    for body in [
        json!({ "code": in_discord, "userId": ROBLOX }),
        json!({ "code": in_discord, "userId": ROBLOX, "preview": true }),
        json!({ "code": in_game, "discordId": DISCORD }),
    ] {
        let refused = workspace.send(redeem(&body)).await;
        refused.assert_error(429, "rate_limited");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((3_500..=3_600).contains(&wait), "{wait}");
    }
    // Others are not affected.
    typed(&workspace, &in_discord, OTHER_ROBLOX)
        .await
        .assert_ok();

    app.set_clock(begin + Duration::from_secs(3_605));
    let code = workspace.send(make(&json!({ "userId": ROBLOX }))).await;
    code.success();
    let wrong = typed(&workspace, WRONG, ROBLOX).await;
    wrong.assert_error(404, "not_found");
}

#[tokio::test]
async fn wrong_codes_at_once_are_answered_five_times() {
    let app = TestApp::builder().instances(8).start().await;
    let workspace = app.workspace().await;
    let codes = (0..12).map(|n| format!("000-0{n:02}"));
    let codes: Vec<_> = codes.collect();
    let answers = join_all(codes.iter().map(|code| typed(&workspace, code, ROBLOX))).await;
    let count = |status: u16| answers.iter().filter(|it| it.status == status).count();
    // Among this number of conflicts, some may end without an answer.
    assert!(count(404) <= 5, "{answers:?}");
    assert_eq!(count(404) + count(429) + count(503), 12, "{answers:?}");
    let refused = async || typed(&workspace, WRONG, ROBLOX).await.status == 429;
    let mut more = 0;
    while !refused().await {
        more += 1;
    }
    assert_eq!(count(404) + more, 5);
}

/// Stores how many wrong codes were typed with the workspace's key in this and the next hour.
async fn set_wrong_codes(workspace: &Workspace<'_>, count: u32) {
    let id = workspace.key_id(workspace.secret_key());
    for hour in [now() / 3_600, now() / 3_600 + 1] {
        let item = json!({
            "pk": { "S": format!("{}#Z#K#{id}#{hour}", workspace.prefix()) },
            "sk": { "S": "K" },
            "kind": { "S": "wrong-codes" },
            "count": { "N": count.to_string() },
            "ttl": { "N": (now() + 7_200).to_string() },
        });
        workspace.app().put_item(&item).await;
    }
}

#[tokio::test]
async fn key_cannot_scan_codes_under_many_accounts() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let code = code_of(&workspace, DISCORD).await;
    set_wrong_codes(&workspace, 998).await;
    for user in [OTHER_ROBLOX, OTHER_ROBLOX + 1] {
        let wrong = typed(&workspace, WRONG, user).await;
        wrong.assert_error(404, "not_found");
    }
    let refused = typed(&workspace, &code, ROBLOX).await;
    refused.assert_error(429, "rate_limited");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&wait), "{wait}");
    let other = workspace.with_key(&workspace.make_key(KeySpec::default()).await);
    typed(&other, &code, ROBLOX).await.assert_ok();
    assert!(linked(&workspace, ROBLOX).await.is_some());
}

#[tokio::test]
async fn malformed_call_names_its_fields_and_counts_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (body, fields) in [
        (json!({}), &["code", "userId"][..]),
        (json!({ "code": "7KX-3Q", "userId": ROBLOX }), &["code"]),
        (
            json!({ "code": "7KX-3QU", "userId": 0 }),
            &["code", "userId"],
        ),
        (json!({ "code": 7, "discordId": 7 }), &["code", "discordId"]),
        (
            json!({ "code": WRONG, "userId": ROBLOX, "discordId": DISCORD, "preview": "x" }),
            &["discordId", "preview"],
        ),
    ] {
        workspace
            .send(redeem(&body))
            .await
            .assert_wrong_fields(fields);
    }
    for (body, fields) in [
        (json!({}), &["userId"][..]),
        (json!({ "discordId": "156" }), &["discordId"]),
        (
            json!({ "discordId": DISCORD, "discordName": "a".repeat(33) }),
            &["discordName"],
        ),
        (
            json!({ "discordId": DISCORD, "discordName": "a\nb" }),
            &["discordName"],
        ),
        (
            json!({ "userId": ROBLOX, "discordName": "Ada" }),
            &["discordName"],
        ),
    ] {
        workspace
            .send(make(&body))
            .await
            .assert_wrong_fields(fields);
    }
    for kind in ["link-code", "link-code-use", "wrong-codes"] {
        assert_eq!(stored(&workspace, kind).await.len(), 0, "{kind}");
    }
}
