//! Tests of exports that are imported again.

use end_to_end::{Ban, Call, TestApp, Unban, Workspace, next_second};
use serde_json::json;

use super::program::{
    Folder, assert_sums, export, finished, import, program, said, wipe, without_actors,
};

const ARENA: u64 = 7_001;
const BEACH: u64 = 7_002;

/// Creates bans of every kind.
async fn fill(workspace: &Workspace<'_>) {
    let ban = |user| Ban::of(user, ARENA);
    workspace.ban(ban(1).permanent()).await;
    workspace.ban(ban(2).length("7d").applied()).await;
    workspace.ban(ban(3).permanent().global()).await;
    workspace.ban(ban(4).length("30d").global().applied()).await;
    workspace.ban(Ban::of(4, BEACH).permanent()).await;
    // Lifted, with the unban pending and without.
    for (user, reports) in [(5, false), (6, true)] {
        workspace.ban(ban(user).permanent().applied()).await;
        workspace.unban(Unban::of(user, ARENA)).await;
        if reports {
            workspace.report_unban(user, ARENA).await;
        }
    }
    // Lifted, and banned again.
    workspace.ban(ban(5).length("2d")).await;
    workspace.ban(ban(7).permanent()).await;
    workspace.ban(ban(7).appeal()).await;
    workspace.ban(ban(8).length(1).applied()).await;
    workspace.ban(ban(9).permanent()).await;
    workspace
        .ban(ban(9).permanent().reasons("changed", "changed").applied())
        .await;
    let reasons = [
        "=1+1",
        "'=1+1",
        "'''@x",
        "-1",
        "'quoted'",
        "\"quoted\", and a comma",
        "two\r\nlines\nor three\tä 🚫 日本",
        "\\\"]}",
    ];
    for (user, reason) in (20..).zip(reasons) {
        let with = |ban: Ban| {
            ban.reasons(reason, reason)
                .with("experienceUniversal", false)
        };
        workspace.ban(with(ban(user).permanent())).await;
        workspace
            .ban(with(ban(user + 100).length("1y").global()))
            .await;
    }
    next_second().await;
}

/// The pending changes, read consistently.
async fn pending(workspace: &Workspace<'_>) -> Vec<serde_json::Value> {
    let mut pending = Vec::new();
    for experience in [ARENA, BEACH] {
        pending.extend(workspace.pending_bans(experience).await);
        pending.extend(workspace.pending_unbans(experience).await);
    }
    pending
}

#[tokio::test]
async fn export_survives_a_round_trip_through_an_empty_workspace() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    fill(&workspace).await;
    let formats: [(&str, &[&str], &[&str]); 4] = [
        ("json", &["--format", "json"], &[]),
        ("csv", &["--format", "csv"], &[]),
        ("raw.csv", &["--format", "csv", "--raw"], &["--raw"]),
        ("excel.csv", &["--format", "csv", "--excel"], &[]),
    ];
    let before = pending(&workspace).await;
    let mut files = Vec::new();
    for (name, exporting, _) in formats {
        let text = export(&workspace, exporting).await;
        assert_eq!(text.matches(&workspace.guid()).count(), 27, "{text}");
        files.push((folder.with(name, &text), text));
    }
    let through_the_api = workspace.send(Call::get("/export/bans/csv")).await;
    assert_eq!(through_the_api.text, files[1].1);

    for ((file, text), (name, _, importing)) in files.iter().zip(formats) {
        wipe(&workspace).await;
        let sums = import(&workspace, file, importing).await;
        assert_sums(
            &sums,
            serde_json::json!({ "read": 27, "added": 27, "failed": 0 }),
        );
        for ((_, expected), (other, exporting, _)) in files.iter().zip(formats) {
            let out = export(&workspace, exporting).await;
            let (out, expected) = (without_actors(&out), without_actors(expected));
            assert_eq!(out, expected, "{name} imported, {other} exported");
        }
        assert_eq!(pending(&workspace).await, before, "{name}");
        // The next ban gets the next number.
        let next = workspace.ban_shown(Ban::of(9_999, ARENA)).await;
        assert!(next["uid"].as_u64() > Some(27), "{next}");
        // A second import changes nothing.
        let stored = workspace.stored().await;
        let sums = import(&workspace, file, importing).await;
        assert_sums(
            &sums,
            serde_json::json!({ "added": 0, "unchanged": 27, "differing": 0 }),
        );
        assert_eq!(workspace.stored().await, stored);
        assert!(text.contains(&workspace.guid()));
    }
}

#[tokio::test]
async fn import_into_another_workspace_keeps_the_bans() {
    let app = TestApp::builder().without_stream().start().await;
    let (from, to) = (app.workspace().await, app.workspace().await);
    let folder = Folder::new();
    fill(&from).await;
    let text = export(&from, &[]).await;
    let file = folder.with("bans.json", &text);
    import(&to, &file, &[]).await;
    let expected = text.replace(&from.guid(), &to.guid());
    let imported = export(&to, &[]).await;
    assert_eq!(without_actors(&imported), without_actors(&expected));

    // Later bans there get unused numbers.
    let own = to.ban_shown(Ban::of(500, ARENA)).await;
    from.ban(Ban::of(600, ARENA)).await;
    let file = folder.with("later.json", export(&from, &[]).await);
    let sums = import(&to, &file, &[]).await;
    assert_sums(&sums, serde_json::json!({ "added": 1, "unchanged": 27 }));
    let mut numbers: Vec<_> = to
        .bans()
        .await
        .iter()
        .map(|ban| ban["uid"].as_u64())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 29, "one of {own} is there twice");
    // A workspace with bans assigns its own numbers.
    let third = app.workspace().await;
    third.ban(Ban::of(700, ARENA)).await;
    let sums = import(&third, &file, &[]).await;
    assert_sums(&sums, serde_json::json!({ "added": 28 }));
    assert_eq!(third.bans().await.len(), 29);
}

#[tokio::test]
async fn export_writes_a_private_file_or_uses_the_api() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    workspace.ban(Ban::of(1, ARENA).reasons("=1", "=1")).await;
    workspace.ban(Ban::of(2, BEACH).permanent()).await;
    let expected = export(&workspace, &["--format", "csv"]).await;

    let direct = folder.file("direct.csv");
    let mut command = program(&app, app.database().endpoint());
    command.args([
        "export",
        "--format",
        "csv",
        "--workspace",
        &workspace.guid(),
    ]);
    let done = finished(command.arg(&direct).spawn().unwrap()).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(std::fs::read_to_string(&direct).unwrap(), expected);
    let mode = std::os::unix::fs::PermissionsExt::mode(&direct.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let remote = folder.file("remote.csv");
    let ask = |key: Option<&str>, more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .env_clear()
            .envs(key.map(|key| ("PORTCULLIS_KEY", key)));
        command.arg("export").arg(&remote).args(["--format", "csv"]);
        command.args(["--from-api", app.address()]).args(more);
        let piped = std::process::Stdio::piped;
        finished(command.stdout(piped()).stderr(piped()).spawn().unwrap())
    };
    let done = ask(None, &[]).await;
    assert!(said(&done).contains("PORTCULLIS_KEY"), "{}", said(&done));
    let done = ask(Some(workspace.public_key()), &[]).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("403"), "{}", said(&done));
    assert!(!remote.exists());
    let done = ask(Some(workspace.secret_key()), &[]).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(std::fs::read_to_string(&remote).unwrap(), expected);
    // The file exists, and nobody answers the prompt to overwrite it.
    let narrowed = ["--raw", "--experience", "7001"];
    let done = ask(Some(workspace.secret_key()), &narrowed).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("Overwrite it?"), "{}", said(&done));
    assert_eq!(std::fs::read_to_string(&remote).unwrap(), expected);
    let narrowed = [&narrowed[..], &["--yes"]].concat();
    let done = ask(Some(workspace.secret_key()), &narrowed).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let text = std::fs::read_to_string(&remote).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains(",=1,"), "{text}");
}

/// Exports that exceed the size of a response are returned as a link.
#[tokio::test]
async fn large_api_export_follows_the_link() {
    const COUNT: u64 = 4500;
    let app = TestApp::builder().without_stream().start().await;
    let (old, folder) = (app.workspace().await, Folder::new());
    let reason = "x".repeat(900);
    let rows: Vec<_> = (1..=COUNT)
        .map(|user| {
            json!({
                "guid": (633_197_862_920_433_664 + (user << 22)).to_string(),
                "isGlobal": 0, "isActive": 1, "privateReason": reason, "publicReason": "public",
                "robloxId": user, "moderatorId": 1, "created": 1_728_802_934 + user,
                "updated": 1_728_802_934 + user, "experienceId": 7001, "expires": 0,
                "isAppealed": 0, "experienceUniversal": 1, "uid": user,
                "experienceBanCompleted": 0,
            })
            .to_string()
        })
        .collect();
    let file = folder.with("bans.json", format!("[\n{}\n]", rows.join(",\n")));
    let sums = import(&old, &file, &[]).await;
    assert_eq!(sums["added"], COUNT);

    let target = folder.file("from-api.json");
    let mut command = program(&app, "http://127.0.0.1:1");
    command
        .env("PORTCULLIS_KEY", old.secret_key())
        .arg("export")
        .arg(&target)
        .args(["--from-api", app.address()]);
    let done = finished(command.spawn().unwrap()).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let text = std::fs::read_to_string(&target).unwrap();
    assert!(
        text.len() > 5 * 1024 * 1024,
        "it would have fitted an answer"
    );
    assert_eq!(text, export(&old, &[]).await);
}
