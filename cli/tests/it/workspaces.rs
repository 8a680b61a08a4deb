//! Tests of `portcullis workspace` and `iam-policy`.

use std::collections::BTreeSet;

use crate::harness::{Portcullis, assert_refused, stderr, stdout};
use end_to_end::{Ban, TestApp, Unban, next_second};
use local_stack::dynamo::Dynamo;
use local_stack::fault_proxy::FaultProxy;
use local_stack::template::{Function, Grant};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::store::admin::RemovalPosition;

const DEMO: &str = "00000000-0000-4000-8000-000000000001";
const UNKNOWN: &str = "99999999-0000-4000-8000-000000000009";

/// A role with the DynamoDB permissions of `iam-policy`, without those for `restore`.
fn role(policy: &Value) -> Function {
    let mut grants = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let sid = statement["Sid"].as_str().unwrap();
        if sid.starts_with("Restore") {
            continue;
        }
        for action in statement["Action"].as_array().unwrap() {
            for resource in statement["Resource"].as_array().unwrap() {
                let resource = resource.as_str().unwrap();
                let Some((_, table)) = resource.split_once(":table/") else {
                    continue;
                };
                let local = |name: &str| (format!("portcullis-{name}-*"), name.to_owned());
                let names = [local("BansTable"), local("WorkspacesTable")];
                let table = names.iter().fold(table.to_owned(), |table, (stack, name)| {
                    table.replace(stack, name)
                });
                grants.push(Grant {
                    action: action.as_str().unwrap().to_owned(),
                    resource: format!("dynamodb:table/{table}"),
                    condition: String::new(),
                });
            }
        }
    }
    Function::with_role("operator", grants)
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_allows_exactly_what_the_command_does() {
    let portcullis = Portcullis::start().await;
    let policy = portcullis.run(&["iam-policy"]);
    let role = role(&serde_json::from_slice(&policy.stdout).unwrap());
    let granted: BTreeSet<_> = role
        .grants
        .iter()
        .map(|grant| grant.action.clone())
        .collect();
    let roles = [role];
    let proxy = FaultProxy::start(portcullis.engine.endpoint(), &roles);
    let proxy = proxy.await.unwrap();
    let operator = Portcullis::at(&proxy.endpoint_of("operator"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bans.json");
    let file = file.to_str().unwrap();
    let run = |line: &str| {
        let line = line.replace("FILE", file);
        let words: Vec<&str> = line.split_whitespace().collect();
        let done = operator.run(&words);
        let said = stderr(&done);
        assert!(!said.contains("credentials lack"), "{line}: {said}");
        // No API is running.
        let is_done = done.status.success() || line.starts_with("doctor");
        assert!(is_done, "{line}: {said}");
        stdout(&done)
    };
    let create = || {
        let made = run("workspace create Studio --json");
        let made: Value = serde_json::from_str(&made).unwrap();
        made["guid"].as_str().unwrap().to_owned()
    };
    let guid = create();
    let of = |line: &str| run(&format!("{line} -w {guid}"));
    let json_of =
        |line: &str| serde_json::from_str::<Value>(&of(&format!("{line} --json"))).unwrap();
    let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
    let key_id = |made: &Value| made["keyId"].as_str().unwrap().to_owned();
    for line in [
        "workspace show",
        "workspace set --moderator-bans-per-hour 30",
        "protected add 5",
        "protected remove 5",
        "experience link 7",
        "ban 1 -e 7 --moderator 1 --permanent --reason x",
        "ban 1 -e 7 --moderator 1 --length 7d --reason y --overwrite --yes",
        "ban 2 -e 7 --moderator 1 --permanent --scope global --reason x --yes",
        "check 1 -e 7",
        "pending -e 7",
        "unban 1 -e 7 --moderator 1 --yes",
        "history 1",
        "export FILE",
        "import FILE --applied-in 7",
        "undo --key operator --since 1h --yes",
        "erase 1 --yes",
        "erasure setup",
        "erasure list",
        "erasure off --yes",
        "mirror list",
        "discord link 613425648685547541",
        "discord list",
        "discord unlink 613425648685547541",
        "key list",
    ] {
        of(line);
    }
    let key = key_id(&json_of("key create --name tool"));
    let new = key_id(&json_of(&format!("key rotate {key}")));
    for key in [key, new] {
        of(&format!("key revoke {key} --yes"));
    }
    let webhook = id(&json_of("webhook add https://example.com/bans"));
    for verb in [
        "show",
        "deliveries",
        "pause",
        "resume",
        "rotate",
        "remove --yes",
    ] {
        let (verb, more) = verb.split_once(' ').unwrap_or((verb, ""));
        of(&format!("webhook {verb} {webhook} {more}"));
    }
    of("experience unlink 7 --yes");
    run("workspace upgrade");
    run("workspace list --counts");
    run("doctor");
    // With keys that were just revoked, the workspace cannot be deleted yet.
    let other = create();
    run(&format!("experience link 7 -w {other}"));
    run(&format!(
        "ban 1 -e 7 --moderator 1 --permanent --reason x -w {other}"
    ));
    run(&format!("workspace delete {other} --yes --name Studio"));
    assert_eq!(proxy.denied(), Vec::<String>::new());
    assert_eq!(proxy.used(), granted);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_changed_independently() {
    let portcullis = Portcullis::start().await;
    let set = |more: &[&str]| portcullis.json(&[&["workspace", "set", DEMO], more].concat());
    let changed = set(&["--name", "Studio", "--moderator-bans-per-hour", "30"]);
    assert_eq!(changed["name"], "Studio");
    assert_eq!(changed["moderatorBansPerHour"], 30);
    assert_eq!(changed["linking"], "automatic");
    let changed = set(&["--linking", "strict", "--history-days", "365"]);
    assert_eq!(changed["moderatorBansPerHour"], 30);
    let changed = set(&["--moderator-bans-per-hour", "none"]);
    assert_eq!(
        changed,
        json!({
            "guid": DEMO, "name": "Studio", "linking": "strict", "moderatorBansPerHour": null,
            "historyDays": 365, "evidenceDays": null, "evidenceGib": 10, "created": "2026-01-01T00:00:00Z",
        })
    );
    assert_eq!(portcullis.json(&["workspace", "list"])[0], changed);

    let before = portcullis.stored().await;
    for (arguments, status, what) in [
        (vec!["workspace", "set", DEMO], 2, "--name"),
        (
            vec!["workspace", "set", DEMO, "--history-days", "0"],
            2,
            "none",
        ),
        (
            vec!["workspace", "set", UNKNOWN, "--name", "x"],
            1,
            "workspace list",
        ),
        (vec!["workspace", "show", UNKNOWN], 1, "workspace list"),
        (vec!["workspace", "show"], 2, "--workspace"),
        (
            vec!["workspace", "delete", UNKNOWN, "--yes", "--name", "x"],
            1,
            "workspace list",
        ),
    ] {
        assert_refused(&portcullis.run(&arguments), status, what);
    }
    assert_eq!(portcullis.stored().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn outdated_workspace_is_reported_and_upgraded_once() {
    let portcullis = Portcullis::start().await;
    let dynamo = Dynamo::new(portcullis.engine.endpoint());
    let table = json!("WorkspacesTable");
    let key = json!({ "pk": { "S": "W#00000001" }, "sk": { "S": "W" } });
    let get = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
    let secret = async || {
        let item = dynamo.call("GetItem", &get).await.unwrap();
        item["Item"]["secret"]["S"].as_str().map(str::to_owned)
    };
    let remove = json!({ "TableName": table, "Key": key,
        "UpdateExpression": "REMOVE #secret",
        "ExpressionAttributeNames": { "#secret": "secret" } });
    dynamo.call("UpdateItem", &remove).await.unwrap();

    let doctor = portcullis.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    let remedy = "portcullis workspace upgrade";
    assert!(stdout(&doctor).contains(remedy), "{}", stdout(&doctor));

    let upgrade = || portcullis.json(&["workspace", "upgrade"]);
    assert_eq!(upgrade(), json!({ "workspaces": 2, "upgraded": 1 }));
    let added = secret().await.unwrap();
    assert_eq!(upgrade(), json!({ "workspaces": 2, "upgraded": 0 }));
    portcullis.json(&["workspace", "set", DEMO, "--name", "Studio"]);
    assert_eq!(secret().await, Some(added.clone()), "it stays the same");
    assert!(!stdout(&portcullis.run(&["doctor"])).contains(remedy));

    // No command prints it.
    for arguments in [&["workspace", "list"][..], &["workspace", "show", DEMO]] {
        let shown = portcullis.json(arguments).to_string();
        assert!(
            !shown.contains(&added) && !shown.contains("secret"),
            "{shown}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workspace_is_shown_with_its_counts() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let portcullis = Portcullis::at(app.database().endpoint());
    let guid = workspace.guid();
    workspace.ban(Ban::of(1, 7).permanent()).await;
    workspace.ban(Ban::of(2, 7).permanent().applied()).await;
    workspace.unban(Unban::of(2, 7)).await;
    workspace.ban(Ban::of(3, 7).length(1)).await;
    portcullis.json(&["protected", "add", "99", "--workspace", &guid]);
    assert!(!workspace.is_banned(2, 7).await);
    next_second().await;

    let shown = end_to_end::eventually("the counts are right", async || {
        let shown = portcullis.json(&["workspace", "show", &guid]);
        (shown["bansOnRecord"] == 3).then_some(shown)
    })
    .await;
    assert_eq!(shown["bansInForce"], 1);
    assert_eq!((&shown["keys"], &shown["liveKeys"]), (&json!(2), &json!(2)));
    assert_eq!(shown["protectedUsers"], 1);
    let seven = &shown["experiences"][0];
    assert_eq!(seven["experienceId"], 7);
    assert_eq!(
        (&seven["pendingBans"], &seven["pendingUnbans"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(seven["lastPoll"], Value::Null);

    let all = portcullis.json(&["workspace", "list", "--counts"]);
    let own = all
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["guid"] == json!(guid));
    assert_eq!(own.unwrap()["bansInForce"], 1);
    assert_eq!(own.unwrap()["experiences"], 1);
    let table = stdout(&portcullis.run(&["workspace", "show", "--workspace", &guid]));
    assert!(table.contains("bans in force"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_removes_one_workspace_completely() {
    let app = TestApp::start().await;
    let (gone, kept) = (app.workspace().await, app.workspace().await);
    let portcullis = Portcullis::at(app.database().endpoint());
    for workspace in [&gone, &kept] {
        for user in 1..=60 {
            workspace.ban(Ban::of(user, 7).permanent()).await;
        }
        workspace.ban(Ban::of(1, 8).global().permanent()).await;
        workspace.ban(Ban::of(2, 7).reasons("other", "other")).await;
        workspace.pending_bans(7).await;
        let guid = workspace.guid();
        portcullis.json(&["protected", "add", "99", "--workspace", &guid]);
    }
    app.settle().await;
    let guid = gone.guid();
    let delete = ["workspace", "delete", &guid];
    let name = portcullis.json(&["workspace", "show", &guid])["name"].clone();
    let name = name.as_str().unwrap();
    let yes = [&delete[..], &["--yes", "--name", name]].concat();
    let others = kept.stored().await;
    let before = gone.stored().await;
    let keys = portcullis.json(&["key", "list", "--workspace", &guid]);
    let keys: Vec<_> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["keyId"].clone())
        .collect();

    // With a live or just revoked key, nothing is deleted.
    assert_refused(&portcullis.run(&yes), 1, "portcullis key revoke");
    let [first, second] = [&keys[0], &keys[1]].map(|key| key.as_str().unwrap());
    portcullis.json(&["key", "revoke", first, "--yes", "--workspace", &guid]);
    assert_refused(&portcullis.run(&yes), 1, second);
    portcullis.json(&["key", "revoke", second, "--yes", "--workspace", &guid]);
    assert_refused(&portcullis.run(&yes), 1, "try again in");
    let dry = portcullis.json(&[&delete[..], &["--dry-run"]].concat());
    assert_eq!(
        (&dry["dryRun"], &dry["bansOnRecord"]),
        (&json!(true), &json!(61))
    );
    assert_eq!(gone.stored().await, before);

    // Simulates that a minute has passed.
    revoke_long_ago(&app, &guid).await;
    assert_refused(&portcullis.run(&delete), 1, "Cancelled");
    for no in ["yes\n", "y\n", "another name\n"] {
        let refused = portcullis.answering(no, &delete);
        assert_refused(&refused, 1, "Cancelled");
    }
    let other = [&delete[..], &["--yes", "--name", "another name"]].concat();
    assert_refused(&portcullis.run(&other), 1, "Cancelled");
    let nameless = [&delete[..], &["--yes"]].concat();
    assert_refused(&portcullis.run(&nameless), 2, "--name");
    assert_eq!(gone.stored().await, before);
    let done = portcullis.answering(&format!("{name}\n"), &delete);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("61 bans"), "{}", stderr(&done));
    assert!(stdout(&done).contains("deleted"), "{}", stdout(&done));

    assert_eq!(gone.stored().await, Vec::<Value>::new());
    let mut seen = app.items(&format!("{}#", gone.prefix())).await;
    assert_eq!(seen.pop(), None);
    assert_refused(
        &portcullis.run(&["workspace", "show", &guid]),
        1,
        "does not exist",
    );
    assert_eq!(kept.stored().await, others);
    assert_eq!(kept.bans().await.len(), 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_deletion_is_completed_by_the_next_run() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let portcullis = Portcullis::at(app.database().endpoint());
    let guid = workspace.guid();
    for user in 1..=30 {
        workspace.ban(Ban::of(user, 7).permanent()).await;
    }
    for key in [workspace.secret_key(), workspace.public_key()] {
        workspace.revoke(key).await;
    }
    revoke_long_ago(&app, &guid).await;

    let prefix = workspace.id().prefix();
    app.store().remove_global(prefix).await.unwrap();
    let mut position = RemovalPosition::default();
    let removed = app.store().remove_some_users(prefix, &mut position).await;
    assert!((1..30).contains(&removed.unwrap().unwrap()));
    assert_ne!(workspace.stored().await, Vec::<Value>::new());

    let name = portcullis.json(&["workspace", "show", &guid])["name"].clone();
    let name = name.as_str().unwrap();
    let delete = ["workspace", "delete", &guid, "--yes", "--name", name];
    assert_eq!(portcullis.json(&delete)["dryRun"], false);
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
    assert_refused(&portcullis.run(&delete), 1, "does not exist");
}

/// Backdates the revocation of all keys of a workspace.
pub async fn revoke_long_ago(app: &TestApp, guid: &str) {
    let scan = json!({ "TableName": app.tables().workspaces });
    let items = app.database().call("Scan", &scan).await.unwrap();
    let an_hour_ago = UnixSeconds(end_to_end::now()).minus(3600).to_string();
    for item in items["Items"].as_array().unwrap() {
        if item["sk"]["S"] == "K" && item["workspace"]["S"] == json!(guid) {
            let mut item = item.clone();
            item["revoked"] = json!({ "N": an_hour_ago });
            let put = json!({ "TableName": app.tables().workspaces, "Item": item });
            app.database().call("PutItem", &put).await.unwrap();
        }
    }
}
