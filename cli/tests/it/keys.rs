//! Tests of `portcullis key rotate`, `show` and `revoke`.

use crate::harness::{Portcullis, assert_refused, stderr, stdout};
use end_to_end::{Call, TestApp};
use serde_json::{Value, json};

const DEMO: &str = "00000000-0000-4000-8000-000000000001";
const IN_DEMO: [&str; 2] = ["--workspace", DEMO];

fn key(portcullis: &Portcullis, id: &str) -> Value {
    portcullis.json(&[&["key", "show", id], &IN_DEMO[..]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_key_keeps_its_settings_and_the_old_one_ends_with_the_overlap() {
    let portcullis = Portcullis::start().await;
    let create = [
        "key",
        "create",
        "--name",
        "bot",
        "--scope",
        "bans:write,bans:write-global",
        "--flags",
        "boolean",
        "--bans-per-hour",
        "60",
        "--checks-per-minute",
        "900",
        "--expires",
        "90d",
    ];
    let old = portcullis.json(&[&create[..], &IN_DEMO].concat());
    let id = old["keyId"].as_str().unwrap();
    let rotate = ["key", "rotate", id, "--overlap", "2h"];

    let before = portcullis.stored().await;
    let dry = portcullis.json(&[&rotate[..], &IN_DEMO, &["--dry-run"]].concat());
    assert_eq!(dry["keyId"], id);
    assert_eq!(dry["key"], Value::Null);
    assert_eq!(portcullis.stored().await, before);

    let new = portcullis.json(&[&rotate[..], &IN_DEMO].concat());
    assert!(new["key"].as_str().unwrap().starts_with("sentinelAPI."));
    assert_ne!(new["keyId"], old["keyId"]);
    for same in [
        "name",
        "kind",
        "scopes",
        "flags",
        "bansPerHour",
        "checksPerMinute",
        "workspaceGuid",
    ] {
        assert_eq!(new[same], old[same], "{same}");
    }
    assert_ne!(new["expires"], Value::Null);

    let ending = key(&portcullis, id);
    assert_eq!(ending["status"], "live");
    let expires: jiff::Timestamp = ending["expires"].as_str().unwrap().parse().unwrap();
    let left = expires.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((7100..=7200).contains(&left), "{left}");

    // Rotating it again is refused while its successor lives; once that is lost, the next one gets the
    // life that the first was made with, not what the overlap left of it.
    let again = [&["key", "rotate", id, "--overlap", "5h"], &IN_DEMO[..]].concat();
    let lost = new["keyId"].as_str().unwrap();
    assert_refused(&portcullis.run(&again), 1, lost);
    portcullis.json(&[&["key", "revoke", lost, "--yes"], &IN_DEMO[..]].concat());
    let third = portcullis.json(&again);
    assert_eq!(key(&portcullis, id)["expires"], ending["expires"]);
    let expires: jiff::Timestamp = third["expires"].as_str().unwrap().parse().unwrap();
    let days = expires.duration_since(jiff::Timestamp::now()).as_hours() / 24;
    assert!((89..=90).contains(&days), "{days}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_a_key_without_expiry_yields_keys_without_expiry() {
    let portcullis = Portcullis::start().await;
    let rotate = |id: &str| portcullis.json(&[&["key", "rotate", id], &IN_DEMO[..]].concat());
    let first = rotate("demo-1-secret");
    assert_eq!(first["expires"], Value::Null);
    let again = [&["key", "rotate", "demo-1-secret"], &IN_DEMO[..]].concat();
    let successor = first["keyId"].as_str().unwrap();
    assert_refused(&portcullis.run(&again), 1, successor);
    assert_eq!(rotate(successor)["expires"], Value::Null);
    portcullis.json(&[&["key", "revoke", successor, "--yes"], &IN_DEMO[..]].concat());
    assert_eq!(rotate("demo-1-secret")["expires"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_without_overlap_asks_and_revokes_immediately() {
    let portcullis = Portcullis::start().await;
    let rotate = [
        &["key", "rotate", "demo-1-secret", "--overlap", "0"],
        &IN_DEMO[..],
    ]
    .concat();
    let before = portcullis.stored().await;
    assert_refused(&portcullis.run(&rotate), 1, "Cancelled");
    assert_eq!(portcullis.stored().await, before);
    let done = portcullis.answering("y\n", &rotate);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stdout(&done).starts_with("key "), "{}", stdout(&done));
    assert_eq!(key(&portcullis, "demo-1-secret")["status"], "revoked");
    assert_refused(&portcullis.run(&rotate), 1, "revoked or has expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_revokes_nothing_and_unknown_keys_are_refused() {
    let portcullis = Portcullis::start().await;
    let before = portcullis.stored().await;
    let revoke = [
        "key",
        "revoke",
        "demo-1-secret",
        "--dry-run",
        "--workspace",
        DEMO,
    ];
    assert_eq!(portcullis.json(&revoke)["status"], "live");
    for verb in ["show", "rotate", "revoke"] {
        let unknown = [&["key", verb, "demo-2-secret"], &IN_DEMO[..]].concat();
        assert_refused(&portcullis.run(&unknown), 1, "portcullis key list");
    }
    let wrong = [
        &["key", "rotate", "demo-1-secret", "--overlap", "soon"],
        &IN_DEMO[..],
    ]
    .concat();
    assert_refused(&portcullis.run(&wrong), 2, "24h");
    assert_eq!(portcullis.stored().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn last_use_of_a_key_is_shown() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let portcullis = Portcullis::at(app.database().endpoint());
    let (guid, id) = (workspace.guid(), workspace.key_id(workspace.secret_key()));
    let last_used = || {
        let shown = portcullis.json(&["key", "show", &id, "--workspace", &guid]);
        shown["lastUsed"].clone()
    };
    assert_eq!(last_used(), Value::Null);
    workspace.send(Call::get("/bans")).await;
    let today = jiff::Timestamp::now().to_string();
    end_to_end::eventually("the use is noted", async || {
        (last_used() == json!(today[..10])).then_some(())
    })
    .await;
}
