//! Tests of `ban`, `check`, `history` and `pending`.

use crate::harness::{Operator, assert_refused, command, is_rfc3339, stderr, stdout};
use end_to_end::{Ban, Call, TestApp, Workspace};
use serde_json::{Value, json};

pub const AT: [&str; 2] = ["--experience", "7"];
const BY: [&str; 2] = ["--moderator", "1"];

/// The command for a workspace with a linked experience.
pub fn linked(workspace: &Workspace<'_>) -> Operator {
    let operator = Operator::of(workspace);
    operator.json(&["experience", "link", "7"]);
    operator
}

pub fn ban<'a>(user: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let says_why = more.contains(&"--appeal") || more.contains(&"--public-reason");
    let why: &[&str] = &["--public-reason", "Be kind"];
    let why = if says_why { &[] } else { why };
    [&["ban", user], &AT[..], &BY, why, more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_ban_is_in_force() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    let checked = operator.json(&[&["check", "156"], &AT[..]].concat());
    let never = json!({
        "userId": 156, "name": null, "isBanned": false, "pending": null, "ban": null,
    });
    assert_eq!(checked, never);

    let terms = [
        "--length",
        "7d",
        "--private-reason",
        "told twice",
        "--public-reason",
        "Be kind",
    ];
    let made = operator.json(&ban("156", &terms));
    assert_eq!(
        (&made["isBanned"], &made["isGlobal"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(made["privateReason"], "told twice");
    assert!(
        is_rfc3339(&made["createdAt"]) && is_rfc3339(&made["expiresAt"]),
        "{made}"
    );
    assert!(workspace.is_banned(156, 7).await);
    workspace.await_pending_bans(7, &[156]).await;

    // A ban in force only changes with --overwrite.
    assert_refused(
        &operator.run(&ban("156", &["--permanent"])),
        1,
        "--overwrite",
    );
    let change = ban("156", &["--permanent", "--overwrite"]);
    assert_refused(&operator.run(&change), 1, "Cancelled");
    let dry = operator.json(&[&change[..], &["--dry-run"]].concat());
    assert_eq!(
        (&dry["would"], &dry["dryRun"]),
        (&json!("change"), &json!(true))
    );
    let changed = operator.json(&[&change[..], &["--yes"]].concat());
    assert_eq!(
        (&changed["expires"], &changed["guid"]),
        (&json!(0), &made["guid"])
    );
    assert_eq!(changed["expiresAt"], Value::Null);

    let checked = operator.json(&[&["check", "156"], &AT[..]].concat());
    assert_eq!(
        (&checked["isBanned"], &checked["pending"]),
        (&json!(true), &json!("ban"))
    );
    assert_eq!(checked["ban"]["guid"], made["guid"]);
    let pending = operator.json(&[&["pending"], &AT[..]].concat());
    assert_eq!(pending[0]["pending"], "ban");
    assert_eq!(pending[0]["guid"], made["guid"]);
    assert_eq!(pending[0].get("failures"), None);
    let failed = json!({
        "userId": 156, "guid": made["guid"], "revision": 2, "applied": "ban", "ok": false,
        "error": "HTTP 500",
    });
    let failed = json!({ "experienceId": 7, "reports": [failed] });
    let answer = workspace.send(Call::post("/reports").json(&failed)).await;
    assert_eq!(answer.success()["results"][0]["status"], "noted");
    let pending = operator.json(&[&["pending"], &AT[..]].concat());
    assert_eq!(
        (&pending[0]["failures"], &pending[0]["error"]),
        (&json!(1), &json!("HTTP 500"))
    );
    let table = stdout(&operator.run(&[&["pending"], &AT[..]].concat()));
    assert!(table.contains("1: HTTP 500; again from"), "{table}");

    let again = ["--permanent", "--overwrite", "--applied"];
    let reported = operator.json(&ban("156", &again));
    assert_eq!(reported["experienceBanCompleted"], true);
    workspace.await_pending_bans(7, &[]).await;

    let lift = [&["unban", "156", "--reason", "mistaken"], &AT[..]].concat();
    assert_eq!(operator.json(&lift)[0]["isBanned"], false);
    let pending = operator.json(&[&["pending"], &AT[..]].concat());
    assert_eq!(
        (&pending[0]["pending"], &pending[0]["robloxId"]),
        (&json!("unban"), &json!(156))
    );
    operator.json(&[&["unban", "156", "--applied"], &AT[..]].concat());
    assert_eq!(operator.json(&[&["pending"], &AT[..]].concat()), json!([]));
    assert!(!workspace.is_banned(156, 7).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn global_ban_reaches_every_experience_and_an_appeal_ends_it() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    workspace.pending_bans(8).await;
    let global = ["--permanent", "--scope", "global", "--yes"];
    assert_eq!(operator.json(&ban("156", &global))["isGlobal"], true);
    app.settle().await;
    workspace.await_pending_bans(8, &[156]).await;
    let appealed = operator.json(&ban("156", &["--appeal", "--scope", "global"]));
    assert_eq!(
        (&appealed["isAppealed"], &appealed["isBanned"]),
        (&json!(true), &json!(false))
    );
    assert_refused(
        &operator.run(&ban("156", &["--appeal"])),
        1,
        "no ban in force",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn history_shows_action_actor_time_and_previous_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    workspace
        .ban(
            Ban::of(156, 7)
                .permanent()
                .moderator(5)
                .reasons("first", "Be kind"),
        )
        .await;
    operator.json(&ban("156", &["--length", "7d", "--overwrite", "--yes"]));
    let lift = [
        &["unban", "156", "--reason", "mistaken", "--moderator", "3"],
        &AT[..],
    ]
    .concat();
    operator.json(&lift);
    let key = workspace.key_id(workspace.secret_key());

    let history = operator.json(&["history", "156"]);
    let told: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([
                one["decision"],
                one["keyId"],
                one["moderatorId"],
                one["reason"],
                one["principal"],
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["made", key, 5, null, null]),
            json!(["changed", "operator", 1, null, "local user unknown"]),
            json!(["lifted", "operator", 3, "mistaken", "local user unknown"]),
        ]
    );
    assert_eq!(history[0]["previous"], Value::Null);
    assert_eq!(history[1]["previous"]["expires"], 0);
    assert_eq!(history[1]["previous"]["privateReason"], "first");
    assert_eq!(
        history[2]["previous"]["expires"],
        history[1]["ban"]["expires"]
    );
    assert!(is_rfc3339(&history[0]["at"]), "{history}");

    let table = stdout(&operator.run(&["history", "156"]));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(
        lines[1].contains("made") && lines[3].contains("mistaken"),
        "{table}"
    );
    let nobody = operator.run(&["history", "157"]);
    assert!(
        stderr(&nobody).contains("no decisions"),
        "{}",
        stderr(&nobody)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_local_and_relative() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    operator.json(&ban("156", &["--length", "3d"]));
    let mut check = command();
    check.args(["--endpoint", app.database().endpoint(), "check", "156"]);
    let shown = check
        .args(AT)
        .args(["--workspace", &workspace.guid()])
        .env("TZ", "XYZ-2")
        .output()
        .unwrap();
    let table = stdout(&shown);
    assert!(table.contains(" XYZ, in "), "{table}");
    let until = table
        .lines()
        .find(|line| line.starts_with("until"))
        .unwrap();
    let ban = operator.json(&[&["check", "156"], &AT[..]].concat())["ban"].clone();
    let expires: jiff::Timestamp = ban["expiresAt"].as_str().unwrap().parse().unwrap();
    let two_hours_on = expires + jiff::SignedDuration::from_hours(2);
    let local = two_hours_on.strftime("%Y-%m-%d %H:%M:%S").to_string();
    assert!(until.contains(&local), "{until}, {local}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_apply_to_the_operator() {
    let app = TestApp::start().await;
    let workspace = app.strict_workspace().await;
    let operator = Operator::of(&workspace);
    let before = workspace.stored().await;
    assert_refused(
        &operator.run(&ban("156", &["--permanent"])),
        1,
        "portcullis experience link",
    );
    for (arguments, what) in [
        (ban("0", &["--permanent"]), "user id"),
        (ban("156", &[]), "--length"),
        (ban("156", &["--length", "soon"]), "7d"),
        (ban("156", &["--length", "7"]), "Add a unit"),
        (
            ban("156", &["--public-reason", "--permanent"]),
            "value is missing",
        ),
        (ban("156", &["--length", "2020-01-01T00:00:00Z"]), "past"),
        (
            ban("156", &["--length", "7d", "--permanent"]),
            "--permanent",
        ),
        (ban("156", &["--permanent", "--scope", "world"]), "global"),
        (
            ban("156", &["--permanent", "--public-reason", &"x".repeat(401)]),
            "at most 400",
        ),
        (
            vec!["ban", "156", "--permanent", "--experience", "7"],
            "--moderator",
        ),
        (
            vec!["ban", "156", "--permanent", "--moderator", "1"],
            "--experience",
        ),
        (
            ban("156", &["--permanent", "--public-reason", " "]),
            "empty",
        ),
        (
            ban("156", &["--permanent", "--public-reason", "a\u{202e}b"]),
            "direction",
        ),
        (
            [&["ban", "156", "--permanent"], &AT[..], &BY].concat(),
            "--public-reason",
        ),
        (vec!["unban", "156"], "--experience"),
        (vec!["check", "156"], "--experience"),
        (vec!["history", "-1"], "unexpected argument"),
        (vec!["pending"], "--experience"),
    ] {
        assert_refused(&operator.run(&arguments), 2, what);
    }
    assert_eq!(workspace.stored().await, before);

    operator.json(&["experience", "link", "7"]);
    let unban = [&["unban", "156"], &AT[..]].concat();
    assert_refused(&operator.run(&unban), 1, "never banned");
    // A place that is not linked, such as a mistyped one, is an error.
    for command in [
        ban("156", &["--permanent"]),
        vec!["unban", "156"],
        vec!["check", "156"],
        vec!["pending"],
    ] {
        let mut elsewhere: Vec<_> = command.into_iter().filter(|word| *word != "7").collect();
        elsewhere.retain(|word| *word != "--experience");
        let elsewhere = [&elsewhere[..], &["--experience", "999"]].concat();
        assert_refused(&operator.run(&elsewhere), 1, "999 is not linked");
    }
    let protect = operator.json(&["protected", "add", "156", "157"]);
    assert_eq!(protect[1]["userId"], 157);
    assert_refused(
        &operator.run(&ban("156", &["--permanent"])),
        1,
        "portcullis protected",
    );
    let call = Ban::of(156, 7).call().unchecked();
    workspace
        .send(call)
        .await
        .assert_error(403, "protected_user");
    let remove = ["protected", "remove", "157", "999"];
    assert_refused(&operator.run(&remove), 1, "999 is not protected");
    let left = operator.json(&["protected", "remove", "156"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(operator.json(&["protected", "list"]), left);
    operator.json(&ban("156", &["--permanent"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_printed_and_unusual_bans_need_confirmation() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    let reason = ["--public-reason", "-1 for spam"];
    let week = operator.run(&ban("1", &[&["--length", "7d"], &reason[..]].concat()));
    let said = stderr(&week);
    assert_eq!(week.status.code(), Some(0), "{said}");
    assert!(
        said.contains("Banned 1 in experience 7 for 7 days (until 2"),
        "{said}"
    );
    assert!(said.contains(" UTC)"), "{said}");
    assert!(stdout(&week).contains("-1 for spam"), "{}", stdout(&week));

    let until = operator.json(&ban("2", &["--length", "2100-01-31"]));
    assert_eq!(until["expires"], 4_105_036_800_u64);

    for (unusual, what) in [
        (ban("3", &["--length", "7s"]), "for 7 seconds"),
        (
            ban("3", &["--permanent", "--scope", "global"]),
            "every experience",
        ),
        (ban("1", &["--length", "30d", "--overwrite"]), "-1 for spam"),
    ] {
        app.settle().await;
        let before = workspace.stored().await;
        let refused = operator.run(&unusual);
        assert_refused(&refused, 1, "Cancelled");
        assert!(stderr(&refused).contains(what), "{}", stderr(&refused));
        let dry = operator.json(&[&unusual[..], &["--dry-run"]].concat());
        assert_eq!(dry["dryRun"], true);
        assert_eq!(workspace.stored().await, before);
        let done = operator.answering("y\n", &unusual);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    }
}
