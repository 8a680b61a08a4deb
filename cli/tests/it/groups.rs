//! Tests of `portcullis group`, and of what `doctor` and `history` show of it.

use crate::harness::{stderr, stdout};
use crate::stack::Operator;
use end_to_end::{Call, TestApp, Workspace, role_change};
use local_stack::roblox::{Group, Key};
use serde_json::{Value, json};

const GROUP: u64 = 7;
const OWNER: u64 = 50;
const MEMBER: u64 = 156;
const SECRET: &str = "portcullis/local/ranks";
const KEY: &str = "the-key-itself";
const ALLOW: [&str; 5] = ["group", "allow", "7", "--secret", SECRET];

/// A key of the group's owner that may change its ranks, unless `change` says otherwise.
fn set_key(app: &TestApp, change: impl FnOnce(Key) -> Key) {
    let mut key = Key::new(&[]);
    key.owner = OWNER;
    app.roblox().set_key(KEY, change(key));
}

/// An app with a group and its key, the command and a workspace.
async fn staged(app: &TestApp) -> (Workspace<'_>, Operator) {
    let group = Group::new(&[(101, 1), (110, 10), (250, 250)]);
    let group = group.with(OWNER, &[101, 250]).with(MEMBER, &[101]);
    app.roblox().set_group(GROUP, group);
    app.secrets().set(SECRET, KEY);
    set_key(app, |key| key);
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    (workspace, operator)
}

/// Runs a command that must fail, and returns its message.
async fn refused(operator: &Operator, arguments: &[&str], code: i32) -> String {
    let done = operator.run(arguments).await;
    let said = stderr(&done);
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains(KEY), "{said}");
    said
}

#[tokio::test]
async fn group_is_allowed_if_its_key_can_change_ranks() {
    let app = TestApp::start().await;
    let (_, operator) = staged(&app).await;
    let unknown = ["group", "allow", "7", "--secret", "portcullis/local/none"];
    let said = refused(&operator, &unknown, 1).await;
    assert!(said.contains("portcullis/local/none"), "{said}");
    for (change, expected) in [
        (
            (|key: Key| key.without("group:write")) as fn(Key) -> Key,
            "group:write",
        ),
        (|key| key.only_groups(&[8]), "group 7"),
    ] {
        set_key(&app, change);
        let said = refused(&operator, &ALLOW, 1).await;
        assert!(said.contains(expected), "{said}");
    }
    app.roblox().kill_key(KEY);
    refused(&operator, &ALLOW, 1).await;
    assert_eq!(operator.json(&["group", "list"]).await, json!([]));

    set_key(&app, |key| key);
    let allowed = operator.json(&ALLOW).await;
    assert_eq!(allowed["groupId"], GROUP);
    assert_eq!(allowed["ceiling"], 200);
    assert_eq!(allowed["mode"], "replace");
    assert_eq!(allowed["ranks"], json!([]));
    let other = ["--ceiling", "100", "--mode", "add", "--ranks", "10,20"];
    operator.json(&[&ALLOW[..], &other].concat()).await;
    let shown = operator.json(&["group", "show", "7"]).await;
    assert_eq!(operator.json(&["group", "list"]).await, json!([shown]));
    assert_eq!(
        (&shown["ceiling"], &shown["mode"], &shown["ranks"]),
        (&json!(100), &json!("add"), &json!([10, 20]))
    );
    assert_eq!(shown["since"], allowed["since"]);
}

#[tokio::test]
async fn invalid_settings_are_refused() {
    let app = TestApp::start().await;
    let (_, operator) = staged(&app).await;
    for wrong in [
        ["--ceiling", "1"],
        ["--ceiling", "256"],
        ["--ranks", "0"],
        ["--ranks", "255"],
        ["--ranks", "10,200"],
        ["--mode", "other"],
    ] {
        refused(&operator, &[&ALLOW[..], &wrong].concat(), 2).await;
    }
    for wrong in ["0", "x", "9007199254740992"] {
        refused(&operator, &["group", "show", wrong], 2).await;
    }
    for verb in ["show", "remove", "check"] {
        let said = refused(&operator, &["group", verb, "8"], 1).await;
        assert!(said.contains("group 8 is not allowed"), "{said}");
    }
}

#[tokio::test]
async fn check_and_doctor_find_a_key_that_lost_its_right() {
    let app = TestApp::start().await;
    let (_, operator) = staged(&app).await;
    operator.json(&ALLOW).await;
    operator.json(&["group", "check", "7"]).await;
    let doctor = async || {
        let done = operator.run(&["doctor", "--output", "json"]).await;
        let found: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
        let mut found = found.into_iter();
        found.find(|one| one["check"] == "group 7").unwrap()
    };
    assert_eq!(doctor().await["result"], "ok");
    set_key(&app, |key| key.without("group:write"));
    refused(&operator, &["group", "check", "7"], 1).await;
    let found = doctor().await;
    assert_eq!(found["result"], "failed");
    assert!(!found.to_string().contains(KEY), "{found}");
}

#[tokio::test]
async fn removed_group_is_no_longer_changed_and_the_history_shows_what_was() {
    let app = TestApp::start().await;
    let (workspace, operator) = staged(&app).await;
    operator.json(&ALLOW).await;
    let body = json!({ "userId": MEMBER, "groupId": GROUP, "rankId": 10, "reason": "trial" });
    let call = Call::new("PATCH", "/group-role").json(&body);
    workspace.send(call).await.assert_ok();
    let history = ["history", "156"];
    let shown = operator.json(&history).await;
    assert_eq!(shown[0]["event"], "GROUP_ROLE_CHANGED");
    assert_eq!(shown[0]["details"]["previous"][0]["name"], "Role 101");
    let table = stdout(&operator.run(&history).await);
    assert!(
        table.contains("group 7") && table.contains("trial"),
        "{table}"
    );

    operator.json(&["group", "remove", "7"]).await;
    assert_eq!(operator.json(&["group", "list"]).await, json!([]));
    assert_eq!(app.roblox().roles_of(GROUP, MEMBER), [101, 110]);
    // The other workspace's user of the same id is not shown.
    let other = app.workspace().await;
    assert!(other.record(&role_change(Some(9))).await);
    let theirs = Operator::of(&other).json(&history).await;
    assert_eq!(theirs, json!([]));
}
