//! Workspace 2 attacks everything that belongs to workspace 1.

use end_to_end::{Ban, Call, KeySpec, TestApp, Unban, Workspace};
use serde_json::{Value, json};
use shared::domain::keys::{KeyKind, PlainKey};

use crate::routes::{EXPERIENCE, USER, ban_history};

/// A workspace with a ban of each kind, a pending unban, and a cursor.
async fn with_all_kinds<'a>(app: &'a TestApp) -> (Workspace<'a>, Vec<String>) {
    let workspace = app.workspace().await;
    let secret = |ban: Ban| ban.reasons("a secret of workspace 1", "a secret of workspace 1");
    workspace
        .ban(secret(Ban::of(USER, EXPERIENCE).permanent()))
        .await;
    workspace
        .ban(secret(Ban::of(2, EXPERIENCE).global().permanent()))
        .await;
    workspace
        .ban(secret(Ban::of(3, EXPERIENCE).permanent().applied()))
        .await;
    workspace.unban(Unban::of(3, EXPERIENCE)).await;
    workspace
        .ban(secret(Ban::of(4, EXPERIENCE).permanent().applied()))
        .await;
    workspace.unban(Unban::of(4, EXPERIENCE)).await;
    app.settle().await;
    let mut cursors = Vec::new();
    for route in ["/pending-bans", "/pending-unbans", "/bans"] {
        let call = Call::get(route)
            .query("experienceId", EXPERIENCE)
            .query("limit", 1);
        cursors.push(workspace.send(call).await.next_cursor().expect("a cursor"));
    }
    (workspace, cursors)
}

#[tokio::test]
async fn a_workspace_sees_nothing_of_another() {
    let app = TestApp::start().await;
    let (first, cursors) = with_all_kinds(&app).await;
    let second = app.workspace().await;
    for key in [second.secret_key(), second.public_key()] {
        let second = second.with_key(key);
        for user in [USER, 2, 3] {
            let answer = second.try_check(user, EXPERIENCE).await;
            let never = r#"{"isBanned":false,"isAppealed":false,"isActive":false,"expires":0}"#;
            assert_eq!(answer.text, never);
        }
    }
    assert_eq!(second.pending_bans(EXPERIENCE).await, Vec::<Value>::new());
    assert_eq!(second.pending_unbans(EXPERIENCE).await, Vec::<Value>::new());
    for filter in ["experienceId", "userId", "moderatorId"] {
        let value = if filter == "experienceId" {
            EXPERIENCE
        } else {
            USER
        };
        let list = second
            .all_pages(Call::get("/bans").query(filter, value))
            .await;
        assert_eq!(list, Vec::<Value>::new());
    }
    assert_eq!(second.bans().await, Vec::<Value>::new());
    for ban in first.bans().await {
        let guid = ban["guid"].as_str().unwrap();
        let answer = second.send(ban_history(guid)).await;
        answer.assert_error(404, "not_found");
        assert_eq!(first.send(ban_history(guid)).await.status, 200);
    }
    for route in ["/export/bans/json", "/export/bans/csv"] {
        for call in [
            Call::get(route),
            Call::get(route).query("experienceId", EXPERIENCE),
        ] {
            let answer = second.send(call.query("workspaceGuid", first.guid())).await;
            assert!(!answer.text.contains("secret"), "{answer}");
            assert!(!answer.text.contains(&first.guid()), "{answer}");
        }
    }
    for (route, cursor) in ["/pending-bans", "/pending-unbans", "/bans"]
        .iter()
        .zip(&cursors)
    {
        let call = Call::get(route)
            .query("experienceId", EXPERIENCE)
            .query("cursor", cursor);
        second.send(call).await.assert_wrong_fields(&["cursor"]);
    }
}

#[tokio::test]
async fn a_workspace_changes_nothing_in_another() {
    let app = TestApp::start().await;
    let (first, _) = with_all_kinds(&app).await;
    let second = app.workspace().await;
    let before = first.stored().await;
    let item = first.pending_bans(EXPERIENCE).await.remove(0);

    second
        .try_unban(Unban::of(USER, EXPERIENCE))
        .await
        .assert_error(404, "not_found");
    let report = Unban::of(3, EXPERIENCE).report_only();
    second
        .try_unban(report)
        .await
        .assert_error(404, "not_found");
    let appeal = Ban::of(2, EXPERIENCE).global().appeal();
    second.try_ban(appeal).await.assert_error(404, "not_found");
    // A report of the other workspace's ban, with its names in the body, is a ban in one's own
    // workspace.
    let report = Ban::reporting(&item, EXPERIENCE)
        .with("workspaceGuid", first.guid())
        .with("guid", item["guid"].clone())
        .with("uid", item["uid"].clone());
    let own = second.ban_shown(report).await;
    assert_ne!(own["guid"], item["guid"]);
    assert_eq!(own["workspaceGuid"], second.guid());
    second
        .ban(
            Ban::of(2, EXPERIENCE)
                .global()
                .length(60)
                .reasons("mine", "mine"),
        )
        .await;
    second.unban(Unban::of(2, EXPERIENCE)).await;
    app.settle().await;

    assert_eq!(first.stored().await, before);
    assert!(first.is_banned(2, EXPERIENCE).await);
    assert_eq!(first.pending_bans(EXPERIENCE).await.len(), 2);
    assert_eq!(first.pending_unbans(EXPERIENCE).await.len(), 2);
    assert!(!second.is_banned(2, EXPERIENCE).await);
}

#[tokio::test]
async fn a_forged_key_with_a_valid_suffix_is_rejected() {
    let app = TestApp::start().await;
    let (first, _) = with_all_kinds(&app).await;
    for kind in [KeyKind::Secret, KeyKind::Public] {
        let forged = PlainKey::random(kind, first.id()).reveal().to_owned();
        let answer = first.with_key(&forged).try_check(USER, EXPERIENCE).await;
        answer.assert_error(401, "unauthorized");
        assert!(!answer.text.contains("secret"), "{answer}");
    }
    // A public key is not a secret key with another prefix, or vice versa.
    let swapped = [
        first
            .public_key()
            .replace("sentinelPublicAPI", "sentinelAPI"),
        first
            .secret_key()
            .replace("sentinelAPI", "sentinelPublicAPI"),
    ];
    for key in swapped {
        first
            .with_key(&key)
            .try_check(USER, EXPERIENCE)
            .await
            .assert_error(401, "unauthorized");
    }
}

#[tokio::test]
async fn workspaces_keep_separate_bans_for_the_same_user_and_experience() {
    let app = TestApp::start().await;
    let (first, second) = (app.workspace().await, app.workspace().await);
    first
        .ban(
            Ban::of(USER, EXPERIENCE)
                .permanent()
                .reasons("first", "first"),
        )
        .await;
    second
        .ban(
            Ban::of(USER, EXPERIENCE)
                .length(60)
                .reasons("second", "second"),
        )
        .await;
    second.unban(Unban::of(USER, EXPERIENCE)).await;
    let limited = second.make_key(KeySpec::default()).await;
    let seen = [
        first.check(USER, EXPERIENCE).await,
        second.check(USER, EXPERIENCE).await,
        second.with_key(&limited).check(USER, EXPERIENCE).await,
    ];
    let told: Vec<_> = seen
        .iter()
        .map(|ban| (ban["isBanned"].clone(), ban["publicReason"].clone()))
        .collect();
    let expected = [(true, "first"), (false, "second"), (false, "second")];
    assert_eq!(json!(told), json!(expected));
}
