//! Properties of every response and request.

use std::collections::HashSet;

use end_to_end::{ApiResponse, Ban, Call, TestApp, Unban, contract, key_order};
use http::HeaderMap;
use serde_json::json;

use crate::routes::{EXPERIENCE, USER, every_route};

const BAN_INFO: [&str; 17] = [
    "isBanned",
    "guid",
    "workspaceGuid",
    "isGlobal",
    "isActive",
    "privateReason",
    "publicReason",
    "robloxId",
    "moderatorId",
    "created",
    "updated",
    "experienceId",
    "expires",
    "isAppealed",
    "experienceUniversal",
    "uid",
    "experienceBanCompleted",
];

#[tokio::test]
async fn every_response_forbids_caching_and_carries_a_request_id_and_the_version() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let mut ids = HashSet::new();
    for (name, call) in every_route() {
        for answer in [app.send(&call).await, workspace.send(call).await] {
            assert!([200, 401].contains(&answer.status), "{name}: {answer}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            let version = answer.header("portcullis-version");
            assert_eq!(version, Some(env!("CARGO_PKG_VERSION")), "{name}");
            assert!(
                ids.insert(answer.request_id().to_owned()),
                "{name} repeats a request id"
            );
        }
    }
    assert_eq!(ids.len(), 2 * every_route().len());
}

#[tokio::test]
async fn a_change_returns_exactly_status_ok() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let changes = [
        Ban::of(USER, EXPERIENCE).call(),
        Ban::of(USER, EXPERIENCE).permanent().call(),
        Ban::of(USER, EXPERIENCE).permanent().applied().call(),
        Unban::of(USER, EXPERIENCE).call(),
        Unban::of(USER, EXPERIENCE).report_only().call(),
        Unban::of(USER, EXPERIENCE)
            .call()
            .header("prefer", "return=minimal"),
    ];
    for call in changes {
        let answer = workspace.send(call).await;
        answer.assert_ok();
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("preference-applied"), None);
        assert_eq!(answer.header("vary"), None);
    }
}

#[tokio::test]
async fn prefer_representation_returns_the_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let preferences = [
        "return=representation",
        "respond-async, return=representation",
        "RETURN=representation",
    ];
    for preference in preferences {
        let ban = Ban::of(USER, EXPERIENCE).reasons("why", preference);
        let answer = workspace
            .send(ban.call().header("prefer", preference))
            .await;
        assert_eq!(
            answer.header("preference-applied"),
            Some("return=representation")
        );
        assert_eq!(answer.header("vary"), Some("roblox-id"));
        assert_eq!(key_order(&answer.text), ["status", "ban"]);
        let body = answer.success();
        assert_eq!(body["status"], "ok");
        assert_eq!(body["ban"]["publicReason"], preference);
        assert_eq!(body["ban"]["isActive"], 1);
    }
    let unban = Unban::of(USER, EXPERIENCE).call().prefer_representation();
    let shown = workspace.send(unban).await.success();
    assert_eq!(shown["ban"]["isActive"], 0);
    assert_eq!(shown["ban"]["isBanned"], false);
    assert_eq!(shown["ban"]["isAppealed"], 0);
}

#[tokio::test]
async fn ban_fields_come_in_the_documented_order() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).permanent();
    let shown = workspace
        .send(ban.call().prefer_representation())
        .await
        .text;
    let conflict = workspace.try_ban(ban.no_overwrite()).await;
    conflict.assert_error(409, "already_banned");
    let check = workspace.try_check(USER, EXPERIENCE).await.text;
    let pending = Call::get("/pending-bans").query("experienceId", EXPERIENCE);
    let pending = workspace.send(pending).await.text;
    let listed = workspace.send(Call::get("/bans")).await.text;
    let exported = workspace.send(Call::get("/export/bans/json")).await.text;

    let within = |text: &str, opening: &str, closing: &str| {
        let rest = &text[text.find(opening).unwrap() + opening.len()..];
        rest[..rest.rfind(closing).unwrap()].to_owned()
    };
    let bans = [
        check,
        within(&shown, r#""ban":"#, "}"),
        within(&conflict.text, r#""ban":"#, "}"),
    ];
    for ban in bans {
        assert_eq!(key_order(&ban), BAN_INFO);
    }
    for list in [listed, exported] {
        let keys = key_order(&within(&list, r#""list":["#, "]"));
        assert_eq!(keys[..BAN_INFO.len()], BAN_INFO);
        assert_eq!(keys[BAN_INFO.len()..], ["actor"]);
    }
    let pending = within(&pending, r#""list":["#, "]");
    assert_eq!(key_order(&pending), [&BAN_INFO[..], &["revision"]].concat());
    assert_eq!(
        key_order(&conflict.text),
        ["status", "code", "message", "ban"]
    );
}

#[tokio::test]
async fn body_and_content_type_are_independent() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let body = Ban::of(USER, EXPERIENCE).body().to_string();
    for content_type in [
        None,
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let call = Call::post("/ban-async").body(body.clone());
        let call = match content_type {
            Some(content_type) => call.header("content-type", content_type),
            None => call,
        };
        workspace.send(call).await.assert_ok();
    }
    let bodiless = every_route().into_iter().filter(|(_, call)| call.is_get());
    for (name, call) in bodiless {
        let answer = workspace
            .send(call.header("content-type", "application/json"))
            .await;
        assert_eq!(answer.status, 200, "{name}: {answer}");
    }
    let delete = Call::new("DELETE", "/bans").header("content-type", "application/json");
    workspace
        .send(delete)
        .await
        .assert_error(405, "method_not_allowed");
}

#[tokio::test]
async fn compressed_bodies_are_accepted() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for content_type in [None, Some("application/json")] {
        let call = Call::post("/ban-async").body(Ban::of(USER, EXPERIENCE).body().to_string());
        let call = match content_type {
            Some(content_type) => call.header("content-type", content_type),
            None => call,
        };
        workspace.send(call.gzip()).await.assert_ok();
    }
    assert!(workspace.is_banned(USER, EXPERIENCE).await);

    let not_gzip = Ban::of(USER, EXPERIENCE)
        .call()
        .header("content-encoding", "gzip");
    workspace
        .send(not_gzip)
        .await
        .assert_wrong_fields(&["content-encoding"]);
    let brotli = Ban::of(USER, EXPERIENCE)
        .call()
        .header("content-encoding", "br");
    workspace
        .send(brotli)
        .await
        .assert_wrong_fields(&["content-encoding"]);
}

#[tokio::test]
async fn bodies_over_64_kib_are_rejected_compressed_or_not() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let padded = |size: usize| {
        let body = json!({ "userId": USER, "experienceId": EXPERIENCE, "x": "" }).to_string();
        body.replace(
            r#""x":"""#,
            &format!(r#""x":"{}""#, "a".repeat(size - body.len())),
        )
    };
    assert_eq!(padded(65_536).len(), 65_536);
    for route in ["/is-banned", "/ban-async", "/unban-async"] {
        let call = |size| Call::post(route).body(padded(size));
        for fitting in [call(65_536), call(65_536).gzip()] {
            assert_ne!(workspace.send(fitting).await.status, 413, "{route}");
        }
        // The last one is 10 MB in about 10 KB.
        for excessive in [call(65_537), call(65_537).gzip(), call(10_000_000).gzip()] {
            workspace
                .send(excessive)
                .await
                .assert_error(413, "payload_too_large");
        }
    }
}

#[tokio::test]
async fn integers_are_accepted_as_luau_writes_them() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (user, text) in [
        (156, "156"),
        (157, "157.0"),
        (158, "1.58e2"),
        (159, r#""159""#),
    ] {
        let body = Ban::of(USER, EXPERIENCE).body().to_string();
        let body = body
            .replace(r#""userId":156"#, &format!(r#""userId":{text}"#))
            .replace(r#""banModerator":1"#, &format!(r#""banModerator":{text}"#))
            .replace(
                &format!(r#""experienceId":{EXPERIENCE}"#),
                r#""experienceId":7.0e0"#,
            );
        workspace
            .send(Call::post("/ban-async").body(body))
            .await
            .assert_ok();

        let check = format!(r#"{{"userId":{text},"experienceId":"7"}}"#);
        let found = workspace
            .send(Call::post("/is-banned").body(check))
            .await
            .success();
        assert_eq!(found["robloxId"], user);
        assert_eq!(found["moderatorId"], user);
        assert_eq!(found["experienceId"], 7);
    }
    let largest = 9_007_199_254_740_991_u64;
    workspace
        .ban(Ban::of(largest, largest).moderator(largest))
        .await;
    assert_eq!(workspace.check(largest, largest).await["robloxId"], largest);
}

#[tokio::test]
async fn an_empty_array_counts_as_an_empty_object() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let call = |body: &'static str| Call::post("/is-banned").body(body);
    let missing = ["userId", "experienceId"];
    workspace
        .send(call("[]"))
        .await
        .assert_wrong_fields(&missing);
    workspace
        .send(call("{}"))
        .await
        .assert_wrong_fields(&missing);
    workspace
        .send(call("[1]"))
        .await
        .assert_wrong_fields(&["body"]);
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (name, call) in every_route() {
        let answer = workspace.send(call.query("futureOption", "yes")).await;
        assert_eq!(answer.status, 200, "{name}: {answer}");
    }
    let ban = Ban::of(USER, EXPERIENCE).with("futureField", json!({ "a": [1, null] }));
    workspace.ban(ban).await;
    let unban = Unban::of(USER, EXPERIENCE).with("futureField", 1);
    workspace.unban(unban).await;
}

#[tokio::test]
async fn unknown_routes_and_methods_get_404_and_405_as_json() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let unknown = [
        ("GET", "/api/v1/bans/"),
        ("GET", "/api/v1//bans"),
        ("GET", "/api/v1/bans/633197862920433664"),
        ("GET", "/api/v1/export/bans"),
        ("GET", "/api/v1/export/bans/xml"),
        ("GET", "/api/v1/"),
        ("GET", "/api/v1"),
        ("GET", "/api/v2/bans"),
        ("GET", "/api"),
    ];
    for (method, path) in unknown {
        let answer = workspace.send(Call::new(method, path)).await;
        answer.assert_error(404, "not_found");
        assert_eq!(answer.header("location"), None, "{method} {path}");
    }
    for (method, path, allow) in [
        ("GET", "/api/v1/is-banned", "POST"),
        ("POST", "/api/v1/bans", "GET"),
        ("DELETE", "/api/v1/bans", "GET"),
        ("PATCH", "/api/v1/bans/633197862920433664", "GET"),
        ("PUT", "/api/v1/ban-async", "POST"),
        ("OPTIONS", "/api/v1/bans", "GET"),
        ("GET", "/api/v1/roblox/webhook", "POST"),
    ] {
        let answer = workspace.send(Call::new(method, path)).await;
        answer.assert_error(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        assert_eq!(answer.header("location"), None, "{method} {path}");
    }
}

#[test]
fn responses_that_violate_openapi_fail_the_test() {
    let answer = |status, headers: &[(&'static str, &'static str)], text: &str| {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        ApiResponse {
            status,
            headers: map,
            text: text.to_owned(),
        }
    };
    let problems = |answer: &ApiResponse| contract().problems("POST", "/api/v1/is-banned", answer);
    let json = ("content-type", "application/json");
    let version = ("portcullis-version", "0.3.0");
    let common = [
        json,
        ("cache-control", "no-store"),
        ("x-request-id", "a"),
        version,
    ];
    let never = r#"{"isBanned":false,"isAppealed":false,"isActive":false,"expires":0}"#;
    assert_eq!(problems(&answer(200, &common, never)), Vec::<String>::new());
    let not_found = r#"{"status":"error","code":"not_found","message":"no"}"#;

    let wrong = [
        answer(200, &common, "{}"),
        answer(200, &common, &never.replace("false", "0")),
        answer(200, &common, "not json"),
        answer(201, &common, never),
        answer(200, &common[..3], never),
        answer(200, &[json, common[1], version], never),
        answer(
            200,
            &[json, ("cache-control", "no-cache"), common[2], version],
            never,
        ),
        answer(200, &[&common[..], &common[1..2]].concat(), never),
        answer(
            200,
            &[&common[..], &[("x-powered-by", "a")]].concat(),
            never,
        ),
        answer(
            200,
            &[&[("content-type", "text/html")], &common[1..]].concat(),
            never,
        ),
        answer(404, &common, not_found),
        answer(413, &common, not_found),
    ];
    for answer in wrong {
        assert_ne!(problems(&answer), Vec::<String>::new(), "{answer}");
    }
}
