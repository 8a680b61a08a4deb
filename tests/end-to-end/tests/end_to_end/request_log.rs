//! Each request logs one line of JSON without private data.

use end_to_end::{Ban, Call, TestApp, Unban};
use serde_json::Value;

use crate::metrics::metrics;
use crate::routes::{EXPERIENCE, USER, every_route};

#[tokio::test]
async fn each_request_logs_one_json_line_with_the_documented_fields() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (name, call) in every_route() {
        let method = if call.is_get() { "GET" } else { "POST" };
        let answers = [
            workspace.send(call.clone()).await,
            workspace.send(call).await,
        ];
        for (answer, is_first) in answers.iter().zip([true, false]) {
            let event = app.log_of(name, answer).await;
            assert_eq!(event["level"], "INFO");
            assert_eq!(event["message"], "request");
            assert_eq!(event["route"], name);
            assert_eq!(event["method"], method);
            assert_eq!(event["status"], 200);
            assert_eq!(event["workspace"], workspace.guid());
            assert_eq!(event["keyId"], workspace.key_id(workspace.secret_key()));
            assert_eq!(event["coldStart"], is_first, "{name}");
            for number in ["durationMs", "databaseMs", "readUnits", "writeUnits"] {
                assert!(event[number].is_f64(), "{number} in {event}");
            }
            assert!(event["databaseCalls"].as_u64() >= Some(1), "{event}");
            assert_eq!(event.get("error"), None);
            assert_eq!(event.get("errorCode"), None);
        }
        assert_eq!(app.runtime().logs(name).len(), 2, "{name}");
    }
}

#[tokio::test]
async fn errors_are_logged_with_their_code_and_the_known_caller() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let anonymous = app.send(&Call::get("/bans")).await;
    let event = app.log_of("bans", &anonymous).await;
    assert_eq!(
        (&event["status"], &event["errorCode"]),
        (&401.into(), &"unauthorized".into())
    );
    assert_eq!(event.get("workspace"), None);
    assert_eq!(event.get("keyId"), None);

    let wrong = workspace.send(Call::get("/bans").query("limit", 0)).await;
    let event = app.log_of("bans", &wrong).await;
    assert_eq!(
        (&event["status"], &event["errorCode"]),
        (&400.into(), &"invalid_request".into())
    );
    assert_eq!(event["workspace"], workspace.guid());

    let unknown = workspace.send(Call::get("/nothing")).await;
    let event = app.log_of("not-found", &unknown).await;
    assert_eq!(
        (&event["status"], &event["errorCode"]),
        (&404.into(), &"not_found".into())
    );
}

#[tokio::test]
async fn keys_reasons_and_bodies_are_never_logged() {
    let app = TestApp::builder().full_metrics().start().await;
    let workspace = app.workspace().await;
    let marker = "do-not-log-this";
    let ban = Ban::of(USER, EXPERIENCE)
        .reasons(marker, marker)
        .with("unknown", marker);
    workspace.ban(ban.clone()).await;
    workspace.link(EXPERIENCE + 1).await;
    workspace.ban(ban.clone().global()).await;
    app.settle().await;
    workspace
        .unban(Unban::of(USER, EXPERIENCE).reason(marker))
        .await;
    workspace.ban(ban.clone()).await;
    workspace
        .try_ban(ban.clone().no_overwrite())
        .await
        .assert_error(409, "already_banned");
    workspace.try_ban(ban.clone().with("banType", marker)).await;
    workspace.try_ban(ban.clone().length(marker)).await;
    workspace
        .send(ban.call().query(marker, marker).header("x-marker", marker))
        .await;
    workspace
        .send(Call::post("/ban-async").body(format!("{{\"{marker}")))
        .await;
    workspace
        .send(Call::get("/bans").query("cursor", marker))
        .await;
    workspace.send(Call::get(&format!("/{marker}"))).await;
    workspace.send(Call::get("/bans").key(marker)).await;
    workspace
        .send(Call::get("/bans").key(&format!("sentinelAPI.{marker}")))
        .await;
    for (_, call) in every_route() {
        app.send(&call.key(workspace.public_key())).await;
    }
    // The line of the last request exists once a later line exists.
    let last = workspace.send(Call::get("/bans")).await;
    app.log_of("bans", &last).await;

    let keys = [workspace.secret_key(), workspace.public_key()];
    let secrets: Vec<_> = keys
        .iter()
        .map(|key| key.split_once('.').unwrap().1)
        .collect();
    let mut lines = 0;
    for function in app.runtime().names() {
        for line in app.runtime().logs(function) {
            let json: Value = line
                .json()
                .unwrap_or_else(|| panic!("not JSON: {}", line.text));
            // CloudWatch reads the whole line, and so does this test: metrics hide nothing either.
            metrics(&json);
            assert!(!line.text.contains(marker), "{}", line.text);
            for secret in &secrets {
                assert!(!line.text.contains(secret), "{}", line.text);
            }
            lines += 1;
        }
    }
    assert!(lines >= 15, "{lines} lines");
}
