//! Invalid input is rejected entirely, and every invalid field is named.

use end_to_end::{Ban, Call, TestApp, Unban, Workspace};
use serde_json::{Value, json};

use crate::routes::{EXPERIENCE, USER, ban_history};

fn bad_ids() -> Vec<Value> {
    vec![
        json!(0),
        json!(-1),
        json!(1.5),
        json!(9_007_199_254_740_992_u64),
        json!(18_446_744_073_709_551_615_u64),
        json!(1e300),
        json!("0"),
        json!("-1"),
        json!("1.5"),
        json!("9007199254740992"),
        json!("99999999999999999999999999"),
        json!("abc"),
        json!(""),
        json!(" 1"),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
        Value::Null,
    ]
}

fn bad_flags() -> Vec<Value> {
    vec![
        json!(2),
        json!(-1),
        json!(0.5),
        json!("yes"),
        json!(""),
        json!([]),
        json!({}),
    ]
}

fn bad_texts(most: usize) -> Vec<Value> {
    let mut texts = vec![
        json!(""),
        json!("   \n\t "),
        json!("a".repeat(most + 1)),
        // Bytes count, not characters.
        json!("é".repeat(most / 2 + 1)),
        json!("a".repeat(10_000)),
        json!(5),
        json!(true),
        json!([]),
        json!({}),
    ];
    let marks = [
        '\u{0}', '\u{7}', '\u{1b}', '\u{7f}', '\u{85}', '\u{202b}', '\u{202e}', '\u{2066}',
        '\u{2069}',
    ];
    texts.extend(marks.map(|mark| json!(format!("a{mark}b"))));
    texts.extend(["\u{200b}", "\u{3164}\u{2800}"].map(|nothing| json!(nothing)));
    texts
}

async fn assert_unchanged(workspace: &Workspace<'_>) {
    assert_eq!(workspace.bans().await, Vec::<Value>::new());
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

#[tokio::test]
async fn every_invalid_ban_field_is_named() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let words = || {
        vec![
            json!("experience"),
            json!("permanent"),
            json!(""),
            json!(1),
            json!([]),
        ]
    };
    let lengths = vec![
        json!(false),
        json!(true),
        json!(0),
        json!(-5),
        json!(1.5),
        json!("0"),
        json!("-7d"),
        json!("soon"),
        json!(""),
        json!("101y"),
        json!(1e18),
        json!(1_000_000_000),
        json!("1000000000"),
        json!("2001-09-09T01:46:40Z"),
        json!("2524-01-01T00:00:00Z"),
        json!([]),
        json!({}),
        Value::Null,
    ];
    let required_flags = || {
        bad_flags()
            .into_iter()
            .chain([Value::Null])
            .collect::<Vec<_>>()
    };
    let table: Vec<(&str, Vec<Value>)> = vec![
        ("overwrite", required_flags()),
        ("userId", bad_ids()),
        ("experienceId", bad_ids()),
        ("banModerator", bad_ids()),
        ("banType", words()),
        ("banLengthType", words()),
        ("banLength", lengths),
        ("banPrivateReason", bad_texts(1000)),
        ("banPublicReason", bad_texts(400)),
        ("experienceUniversal", bad_flags()),
    ];
    for (field, values) in table {
        if field != "experienceUniversal" {
            let answer = workspace
                .try_ban(Ban::of(USER, EXPERIENCE).without(field))
                .await;
            answer.assert_wrong_fields(&[field]);
        }
        for value in values {
            let answer = workspace
                .try_ban(Ban::of(USER, EXPERIENCE).with(field, value))
                .await;
            answer.assert_wrong_fields(&[field]);
        }
    }
    for (parameter, value) in [("experienceBanCompleted", "maybe"), ("isAppeal", "2")] {
        let call = Ban::of(USER, EXPERIENCE).call().query(parameter, value);
        workspace.send(call).await.assert_wrong_fields(&[parameter]);
    }
    assert_unchanged(&workspace).await;
}

#[tokio::test]
async fn all_invalid_fields_are_named_at_once() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let required = [
        "overwrite",
        "userId",
        "experienceId",
        "banModerator",
        "banType",
        "banLengthType",
        "banLength",
        "banPrivateReason",
        "banPublicReason",
    ];
    workspace
        .send(Call::post("/ban-async").body("{}"))
        .await
        .assert_wrong_fields(&required);

    let mut all = required.to_vec();
    all.extend(["experienceUniversal", "experienceBanCompleted", "isAppeal"]);
    let mut wrong = json!({ "banLengthType": "Temporary", "experienceUniversal": "x" });
    for field in required.iter().filter(|field| **field != "banLengthType") {
        wrong[*field] = json!(-1);
    }
    let call = Call::post("/ban-async").json(&wrong);
    let call = call
        .query("experienceBanCompleted", "x")
        .query("isAppeal", "x");
    all.retain(|field| *field != "banLengthType");
    workspace.send(call).await.assert_wrong_fields(&all);

    let wrong = json!({ "userId": 0, "experienceId": "x", "reason": 5, "moderatorId": -1 });
    let call = Call::post("/unban-async").json(&wrong);
    let call = call
        .query("experienceUnbanCompleted", "x")
        .query("confirmOnly", "x");
    workspace.send(call).await.assert_wrong_fields(&[
        "userId",
        "experienceId",
        "reason",
        "moderatorId",
        "experienceUnbanCompleted",
        "confirmOnly",
    ]);
    let wrong = json!({ "userId": 0 });
    let answer = workspace.send(Call::post("/is-banned").json(&wrong)).await;
    answer.assert_wrong_fields(&["userId", "experienceId"]);
    assert_unchanged(&workspace).await;
}

#[tokio::test]
async fn every_invalid_unban_or_check_field_is_named() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for route in ["/unban-async", "/is-banned"] {
        for field in ["userId", "experienceId"] {
            for value in bad_ids() {
                let mut body = json!({ "userId": USER, "experienceId": EXPERIENCE });
                body[field] = value;
                workspace
                    .send(Call::post(route).json(&body))
                    .await
                    .assert_wrong_fields(&[field]);
            }
        }
    }
    // An unban needs no reason, so an empty one is accepted.
    let texts = bad_texts(1000)
        .into_iter()
        .filter(|t| t.as_str().is_none_or(|t| !t.trim().is_empty()));
    for value in texts {
        let unban = Unban::of(USER, EXPERIENCE).with("reason", value);
        workspace
            .try_unban(unban)
            .await
            .assert_wrong_fields(&["reason"]);
    }
    for value in bad_ids().into_iter().filter(|value| !value.is_null()) {
        let unban = Unban::of(USER, EXPERIENCE).with("moderatorId", value);
        workspace
            .try_unban(unban)
            .await
            .assert_wrong_fields(&["moderatorId"]);
    }
    assert_unchanged(&workspace).await;
}

#[tokio::test]
async fn every_invalid_parameter_is_named() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ids = [
        "0",
        "-1",
        "1.5",
        "abc",
        "",
        " 1",
        "9007199254740992",
        "1e3",
        "true",
        "null",
    ];
    let limits = ["0", "1001", "-1", "1.5", "abc", "", "true"];
    let cursors = ["abc", "", "%%%", "AAAAAAAAAAAAAAAA", "../..", "true"];
    let flags = ["2", "yes", "", "-1"];
    let words = ["global", "", "1", "true"];
    let table: [(&str, &[(&str, &[&str])]); 6] = [
        (
            "/pending-bans",
            &[
                ("experienceId", &ids),
                ("limit", &limits),
                ("cursor", &cursors),
            ],
        ),
        (
            "/pending-unbans",
            &[
                ("experienceId", &ids),
                ("limit", &limits),
                ("cursor", &cursors),
            ],
        ),
        (
            "/bans",
            &[
                ("experienceId", &ids),
                ("userId", &ids),
                ("moderatorId", &ids),
                ("isActive", &flags),
                ("banType", &words),
                ("limit", &limits),
                ("cursor", &cursors),
            ],
        ),
        ("/export/bans/json", &[("experienceId", &ids)]),
        (
            "/export/bans/csv",
            &[("experienceId", &ids), ("raw", &flags)],
        ),
        ("/pending-bans", &[]),
    ];
    for (route, parameters) in table {
        let mut all = Call::get(route);
        for (parameter, values) in parameters {
            for value in *values {
                let mut call = Call::get(route).query(parameter, value);
                if *parameter != "experienceId" && route.starts_with("/pending") {
                    call = call.query("experienceId", EXPERIENCE);
                }
                let answer = workspace.send(call).await;
                assert_eq!(answer.status, 400, "{route} {parameter}={value}: {answer}");
                answer.assert_wrong_fields(&[parameter]);
            }
            all = all.query(parameter, "-1");
        }
        let names: Vec<_> = parameters.iter().map(|(name, _)| *name).collect();
        if !names.is_empty() {
            workspace.send(all).await.assert_wrong_fields(&names);
        }
    }
    let guids = [
        "0",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "01",
        "abc",
        "%20",
        "18446744073709551616",
        "null",
    ];
    for guid in guids {
        let answer = workspace.send(ban_history(guid)).await;
        assert_eq!(answer.status, 400, "{guid}: {answer}");
        answer.assert_wrong_fields(&["guid"]);
    }
    for route in ["/pending-bans", "/pending-unbans"] {
        workspace
            .send(Call::get(route))
            .await
            .assert_wrong_fields(&["experienceId"]);
    }
    assert_unchanged(&workspace).await;
}
