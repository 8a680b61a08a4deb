//! Tests of the commands that work through the API, with keys of several scopes.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::{Remote, assert_refused, command, stderr, stdout};
use end_to_end::{Ban, KeySpec, TestApp, Workspace};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::{Value, json};
use shared::domain::keys::KeyScope;

const BAN: [&str; 8] = [
    "ban",
    "156",
    "-e",
    "7",
    "--moderator",
    "1",
    "--reason",
    "Be kind",
];

fn remote(workspace: &Workspace<'_>) -> Remote {
    Remote::of(workspace, workspace.secret_key())
}

#[tokio::test(flavor = "multi_thread")]
async fn moderator_works_with_a_scoped_key_alone() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let scopes = [KeyScope::ReadBans, KeyScope::WriteBans];
    let key = workspace.make_key(KeySpec::scopes(&scopes)).await;
    let remote = Remote::of(&workspace, &key);
    let check = ["check", "156", "-e", "7"];
    let never = json!({
        "userId": 156, "name": null, "isBanned": false, "pending": null, "ban": null,
    });
    assert_eq!(remote.json(&check), never);

    let week = [
        &BAN[..],
        &["--length", "7d", "--private-reason", "told twice"],
    ]
    .concat();
    let made = remote.json(&week);
    assert_eq!(
        (&made["isBanned"], &made["isGlobal"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        made["expires"].as_u64().unwrap(),
        made["created"].as_u64().unwrap() + 7 * 86_400
    );
    assert!(workspace.is_banned(156, 7).await);
    let permanent = [&BAN[..], &["--permanent"]].concat();
    assert_refused(&remote.run(&permanent), 1, "--overwrite");
    let change = [&permanent[..], &["--overwrite"]].concat();
    assert_refused(&remote.run(&change), 1, "Cancelled");
    let changed = remote.json(&[&change[..], &["--yes"]].concat());
    assert_eq!(
        (&changed["guid"], &changed["expiresAt"]),
        (&made["guid"], &Value::Null)
    );

    let checked = remote.json(&check);
    assert_eq!(
        (&checked["isBanned"], &checked["pending"]),
        (&json!(true), &json!("ban"))
    );
    workspace.await_pending_bans(7, &[156]).await;
    let pending = remote.json(&["pending", "-e", "7"]);
    assert_eq!(
        (&pending[0]["pending"], &pending[0]["guid"]),
        (&json!("ban"), &made["guid"])
    );

    // It may not decide globally, and the error says so.
    let global = [&change[..], &["--scope", "global", "--yes"]].concat();
    assert_refused(
        &remote.run(&global),
        1,
        "answered 403 to the key from PORTCULLIS_KEY",
    );

    let unban = [
        "unban",
        "156",
        "-e",
        "7",
        "--reason",
        "mistaken",
        "--moderator",
        "1",
    ];
    assert_eq!(
        remote.json(&[&unban[..], &["--dry-run"]].concat())[0]["dryRun"],
        true
    );
    let lifted = remote.json(&unban);
    assert_eq!(
        (&lifted[0]["guid"], &lifted[0]["isBanned"]),
        (&made["guid"], &json!(false))
    );
    assert_refused(&remote.run(&unban), 1, "no ban in force");
    let history = remote.json(&["history", "156"]);
    let decisions: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["decision"])
        .collect();
    assert_eq!(decisions, ["made", "changed", "lifted"]);
    assert_eq!(
        (&history[2]["reason"], &history[2]["moderatorId"]),
        (&json!("mistaken"), &json!(1))
    );
    assert_eq!(history[0]["keyId"], workspace.key_id(&key));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bans.json").display().to_string();
    let exported = remote.run(&["export", &file]);
    assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
    assert_eq!(
        std::fs::read_to_string(&file)
            .unwrap()
            .matches("\"guid\"")
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn global_bans_are_lifted_after_a_prompt_and_reports_are_sent() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let remote = remote(&workspace);
    workspace.link(7).await;
    let global = [&BAN[..], &["--permanent", "--scope", "global"]].concat();
    assert_refused(&remote.run(&global), 1, "Cancelled");
    let made = remote.json(&[&global[..], &["--yes"]].concat());
    assert_eq!(made["isGlobal"], true);
    let applied = [&global[..], &["--overwrite", "--applied"]].concat();
    assert_eq!(remote.json(&applied)["experienceBanCompleted"], true);
    let unban = ["unban", "156", "-e", "7"];
    assert_refused(&remote.run(&unban), 1, "Cancelled");
    let lifted = remote.json(&[&unban[..], &["--yes"]].concat());
    assert_eq!(lifted[0]["guid"], made["guid"]);
    workspace.await_pending_unbans(7, &[156]).await;
    let reported = remote.run(&[&unban[..], &["--applied"]].concat());
    assert!(
        stderr(&reported).contains("Recorded"),
        "{}",
        stderr(&reported)
    );
    workspace.await_pending_unbans(7, &[]).await;
    assert_refused(
        &remote.run(&["unban", "156", "-e", "7", "--scope", "global"]),
        2,
        "--scope",
    );
    assert_refused(
        &remote.run(&[&global[..], &["--dry-run"]].concat()),
        2,
        "--dry-run",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn key_without_the_scope_is_refused_and_sees_no_moderation() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace
        .ban(Ban::of(156, 7).reasons("see #42", "Cheating").permanent())
        .await;
    let writer = workspace
        .make_key(KeySpec::scopes(&[KeyScope::WriteBans]))
        .await;
    let writer = Remote::of(&workspace, &writer);
    for arguments in [
        &["bans", "list"][..],
        &["events"],
        &["history", "156"],
        &["pending", "-e", "7"],
        &["evidence", "list", "1"],
    ] {
        assert_refused(
            &writer.run(arguments),
            1,
            "answered 403 to the key from PORTCULLIS_KEY",
        );
    }
    let checked = writer.run(&["check", "156", "-e", "7"]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    assert!(
        !stdout(&checked).contains("see #42"),
        "{}",
        stdout(&checked)
    );
    // It cannot see which bans it would lift, so it asks.
    let unban = ["unban", "156", "-e", "7"];
    assert_refused(&writer.run(&unban), 1, "Cancelled");
    assert_eq!(
        writer.json(&[&unban[..], &["--yes"]].concat())[0]["isBanned"],
        false
    );
    let public = Remote::of(&workspace, workspace.public_key());
    assert_eq!(public.json(&["check", "156", "-e", "7"])["isBanned"], false);
    assert_refused(&public.run(&["bans", "list"]), 1, "answered 403");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_need_the_tables_say_so() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let remote = remote(&workspace);
    for arguments in [
        &["workspace", "list"][..],
        &["undo", "--key", "x", "--since", "1h"],
        &["evidence", "export", "folder"],
        &["deploy", "--from", "folder"],
        &["doctor"],
    ] {
        let said = stderr(&remote.run(arguments));
        assert!(said.contains("needs the tables"), "{arguments:?}: {said}");
    }
    // The tables that an argument names are more explicit than a variable with the API.
    let list = command()
        .args([
            "--endpoint",
            app.database().endpoint(),
            "bans",
            "list",
            "-w",
            &workspace.guid(),
        ])
        .env("PORTCULLIS_API", "https://bans.example.com")
        .output()
        .unwrap();
    assert_eq!(list.status.code(), Some(0), "{}", stderr(&list));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_named_and_busy_api_is_called_again() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let remote = remote(&workspace);
    let long = "x".repeat(70);
    let refused = remote.run(&["bans", "list", "--cursor", &long]);
    assert_refused(&refused, 1, "the API refused the call: cursor: ");
    // A repeat has the same idempotency key, so there is one ban.
    app.settle().await;
    app.faults()
        .inject(Rule::from(Fault::Throttle).on("TransactWriteItems"));
    let mut ban = remote.command(&[&BAN[..], &["--permanent"]].concat());
    let ban = ban.stdin(Stdio::null()).stdout(Stdio::null());
    let mut ban = ban.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(ban.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    assert!(
        first.contains("503") && first.contains("trying again in"),
        "{first}"
    );
    app.faults().clear();
    let rest: Vec<_> = said.map(Result::unwrap).collect();
    assert_eq!(ban.wait().unwrap().code(), Some(0), "{rest:?}");
    assert_eq!(workspace.bans().await.len(), 1);
    app.faults()
        .inject(Rule::from(Fault::Throttle).on("TransactWriteItems"));
    let refused = remote.run(&["unban", "156", "-e", "7", "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("503"), "{}", stderr(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_added_read_and_removed() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = workspace.ban_shown(Ban::of(156, 7)).await;
    let ban = ban["guid"].as_str().unwrap();
    let remote = remote(&workspace);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.txt");
    std::fs::write(&path, "they said it").unwrap();
    let path = path.display().to_string();
    let add = ["evidence", "add", ban, &path, "--comment", "round 3"];
    assert_eq!(
        remote.json(&[&add[..], &["--dry-run"]].concat())[0]["outcome"],
        "wouldAdd"
    );
    let added = remote.json(&add);
    assert_eq!(added[0]["outcome"], "added");
    assert_eq!(remote.json(&add)[0]["outcome"], "alreadyThere");
    let text = remote.json(&["evidence", "add", ban, "--text", "I saw it"]);
    let listed = remote.json(&["evidence", "list", ban]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let file = added[0]["guid"].as_str().unwrap();
    let shown = remote.json(&["evidence", "show", file]);
    assert_eq!(
        (&shown["metadata"]["comment"], &shown["state"]),
        (&json!("round 3"), &json!("available"))
    );
    let shown = remote.json(&["evidence", "show", text["guid"].as_str().unwrap()]);
    assert_eq!(shown["text"], "I saw it");
    let copy = folder.path().join("copy.txt");
    let to = copy.display().to_string();
    let got = remote.run(&["evidence", "get", file, "--to", &to]);
    assert_eq!(got.status.code(), Some(0), "{}", stderr(&got));
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "they said it");
    assert_refused(&remote.run(&["evidence", "remove", file]), 1, "Cancelled");
    remote.json(&["evidence", "remove", file, "--yes"]);
    assert_refused(&remote.run(&["evidence", "show", file]), 1, "404");
}
