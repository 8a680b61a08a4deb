//! Invalid requests and unusual texts.

use end_to_end::{Ban, Call, TestApp};
use serde_json::{Value, json};

use crate::routes::{EXPERIENCE, USER};

#[tokio::test]
async fn bodies_that_are_not_json_are_rejected() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let deep = format!(
        r#"{{"userId":{}1{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" ".to_vec(),
        b"{".to_vec(),
        b"nonsense".to_vec(),
        br#"{"userId":}"#.to_vec(),
        br#"{"userId":1,}"#.to_vec(),
        br#"{"userId":1} x"#.to_vec(),
        br#"{'userId':1}"#.to_vec(),
        br#"{"userId":NaN}"#.to_vec(),
        br#"{"userId":Infinity}"#.to_vec(),
        br#"{"userId":-Infinity}"#.to_vec(),
        br#"{"userId":inf}"#.to_vec(),
        br#"{"userId":01}"#.to_vec(),
        br#"{"userId":"\ud800"}"#.to_vec(),
        b"{\"userId\":\"\xff\xfe\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"userId\":\"a\nb\"}".to_vec(),
        deep.into_bytes(),
    ];
    for route in ["/is-banned", "/ban-async", "/unban-async"] {
        for body in &bodies {
            let text = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            for call in [
                Call::post(route).body(body.clone()),
                Call::post(route)
                    .body(body.clone())
                    .header("content-type", "application/json"),
            ] {
                let answer = workspace.send(call).await;
                assert_eq!(answer.status, 400, "{route} {text}: {answer}");
                answer.assert_error(400, "invalid_json");
            }
        }
        for body in ["1", "null", "true", r#""text""#, "[1]", "[[]]"] {
            let answer = workspace.send(Call::post(route).body(body)).await;
            answer.assert_wrong_fields(&["body"]);
        }
    }
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

#[tokio::test]
async fn member_that_is_there_twice_is_refused_on_every_route() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for call in [
        Call::post("/is-banned"),
        Call::post("/ban-async"),
        Call::post("/unban-async"),
        Call::post("/bans/bulk"),
        Call::post("/unbans/bulk"),
        Call::new("PATCH", "/group-role"),
        Call::new("PATCH", "/evidence/create"),
        Call::post("/evidence/create"),
        Call::new("PATCH", "/evidence/1/metadata"),
    ] {
        for body in [
            r#"{"userId": 156, "experienceId": 1, "userId": 157}"#,
            r#"{"ignored": {"userId": 1, "userId": 1}}"#,
        ] {
            let answer = workspace.send(call.clone().body(body)).await;
            answer.assert_wrong_fields(&["body"]);
            let message = answer.json()["errors"][0]["message"].clone();
            let message = message.as_str().unwrap().to_owned();
            assert!(message.contains(r#""userId" is there twice"#), "{message}");
        }
    }
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_invalid_host_reaches_no_function() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.check(USER, EXPERIENCE).await;
    for host in ["a b", "[::", "%", "http://x", "x:99999999", "x/y?z#"] {
        let call = Call::post("/is-banned").header("host", host).unchecked();
        let answer = workspace.send(call).await;
        assert_eq!(answer.status, 400, "{host}: {answer}");
    }
    assert_eq!(app.runtime().starts("is-banned"), 1, "it fell over");
}

#[tokio::test]
async fn invalid_input_is_never_echoed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let evil = "<script>alert(1)</script>";
    let mut wrong = json!({ "banLength": evil });
    for field in [
        "overwrite",
        "userId",
        "experienceId",
        "banModerator",
        "banType",
        "banLengthType",
    ] {
        wrong[field] = json!(evil);
    }
    let calls = [
        Call::post("/ban-async")
            .json(&wrong)
            .query("isAppeal", evil),
        Call::post("/unban-async")
            .json(&wrong)
            .query("confirmOnly", evil),
        Call::post("/is-banned").json(&wrong),
        Call::post("/is-banned").body(evil),
        Call::post("/is-banned").body(format!(r#"{{"{evil}": 1, "{evil}": 1}}"#)),
        Call::get("/bans")
            .query("cursor", evil)
            .query("limit", evil)
            .query("banType", evil),
        Call::get("/pending-bans").query("experienceId", evil),
        Call::get("/export/bans/csv")
            .query("raw", evil)
            .query("experienceId", evil),
        Call::get("/%3Cscript%3E"),
        Call::get("/bans").key(evil),
        Ban::of(USER, EXPERIENCE)
            .call()
            .header("idempotency-key", format!("{evil} with blanks")),
    ];
    for call in calls {
        let answer = workspace.send(call).await;
        assert!(answer.status >= 400, "{answer}");
        assert!(!answer.text.to_lowercase().contains("script"), "{answer}");
    }
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

#[tokio::test]
async fn unusual_but_harmless_texts_round_trip() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let texts = [
        "plain".to_owned(),
        "tab\tand\nline\r\nbreaks".to_owned(),
        r#""quoted" \ back / slash"#.to_owned(),
        "</script><b>&amp;".to_owned(),
        "عربي, עברית, 日本語, 🚫🏽".to_owned(),
        "{\"userId\":1}".to_owned(),
        "a".repeat(400),
        "é".repeat(200),
    ];
    for (user, text) in (1..).zip(texts) {
        workspace
            .ban(Ban::of(user, EXPERIENCE).reasons(&text, &text))
            .await;
        let seen = workspace.check(user, EXPERIENCE).await;
        assert_eq!(seen["privateReason"], text.as_str());
        assert_eq!(seen["publicReason"], text.as_str());
    }
    let long = "b".repeat(1000);
    workspace
        .ban(Ban::of(99, EXPERIENCE).reasons(&format!("  {long}\n"), " a "))
        .await;
    let seen = workspace.check(99, EXPERIENCE).await;
    assert_eq!(seen["privateReason"], long.as_str());
    assert_eq!(seen["publicReason"], "a");
}
