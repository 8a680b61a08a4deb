//! Keys, reasons and protected users.

use super::*;

/// The secret key that a page shows.
fn shown_key(page: &ApiResponse) -> &str {
    let start = page.text.find("sentinelAPI.").expect("a key");
    &page.text[start..start + "sentinelAPI.".len() + 36]
}

#[tokio::test]
async fn key_is_shown_once_works_and_is_revoked_by_name() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let list = "/console/settings/keys";
    let fields = [
        ("name", HOSTILE),
        ("kind", "secret"),
        ("scope", "bans:read"),
        ("scope", "bans:write"),
    ];
    let opened = ada.get(list).await;
    let wrong = [fields[0], ("scope", "bans:bulk"), ("expires", "soon")];
    let wrong = ada.submit_shown(&opened, list, &wrong).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    assert!(wrong.text.contains("requires bans:write"), "{wrong}");
    let created = ada.submit_shown(&wrong, list, &fields).await;
    assert_eq!(created.status, 200, "{created}");
    assert!(!created.text.contains("<img"), "{created}");
    let key = shown_key(&created).to_owned();
    let again = ada.submit_shown(&wrong, list, &fields).await;
    assert_eq!(again.status, 409, "{again}");
    assert!(!again.text.contains("sentinelAPI."), "{again}");
    assert!(!ada.get(list).await.text.contains("sentinelAPI."));
    let named = app.store().keys(workspace.id().prefix()).await.unwrap();
    let named: Vec<_> = named.iter().filter(|it| it.name == HOSTILE).collect();
    assert_eq!(named.len(), 1);

    let check = Call::get("/bans").key(&key);
    workspace.send(check).await.success();

    let revoke = format!("{list}/{}/revoke", named[0].key_id);
    let refused = ada.submit(&revoke, &revoke, &[("name", "no")]).await;
    assert_eq!(refused.status, 422, "{refused}");
    let revoked = ada
        .submit_shown(&refused, &revoke, &[("name", HOSTILE)])
        .await;
    let page = ada.follow(&revoked).await;
    assert!(page.text.contains("is revoked"), "{page}");
    let keys = app.store().keys(workspace.id().prefix()).await.unwrap();
    assert!(
        keys.iter()
            .any(|it| it.name == HOSTILE && it.revoked.is_some())
    );
}

#[tokio::test]
async fn reasons_are_offered_changed_and_removed_with_undo() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    app.settle().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let list = "/console/settings/presets";
    let empty = ada.get(list).await;
    assert!(empty.text.contains("No reasons yet"), "{empty}");
    let spam = [
        ("name", HOSTILE),
        ("public_reason", HOSTILE),
        ("length", "7d"),
    ];
    assert_eq!(ada.submit(list, list, &spam).await.status, 303);
    let again = ada.submit(list, list, &spam).await;
    assert_eq!(again.status, 303, "a double click adds one reason: {again}");
    let other = [("name", HOSTILE), ("public_reason", "Other")];
    let taken = ada.submit(list, list, &other).await;
    assert_eq!(taken.status, 409, "{taken}");
    let switch = format!("{list}/compulsory");
    let switched = ada.submit(list, &switch, &[("compulsory", "on")]).await;
    let page = ada.follow(&switched).await;
    assert!(!page.text.contains("<img"), "{page}");
    let stored = app.store().stored_reason_presets(workspace.id().prefix());
    let stored = stored.await.unwrap();
    assert!(stored.compulsory && stored.presets.len() == 1);

    let fields = [
        ("was", HOSTILE),
        ("name", "Flood"),
        ("public_reason", "Flood"),
    ];
    assert_eq!(ada.post_own(list, &fields).await.status, 303);
    let removed = ada.submit(list, &format!("{list}/remove"), &[]).await;
    assert!(
        removed.text.contains("The reason Flood is removed"),
        "{removed}"
    );
    let undone = ada.submit_shown(&removed, list, &[]).await;
    assert_eq!(undone.status, 303, "{undone}");
    let stored = app.store().stored_reason_presets(workspace.id().prefix());
    assert_eq!(stored.await.unwrap().presets[0].name, "Flood");
}

#[tokio::test]
async fn protected_user_cannot_be_banned_until_the_protection_ends() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    app.settle().await;
    let mut ada = workspace.signed_in("Ada", &[Administrator]).await;
    let list = "/console/settings/protected";
    let wrong = ada.submit(list, list, &[("user", HOSTILE)]).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    assert!(!wrong.text.contains("<img"), "{wrong}");
    let added = ada.submit(list, list, &[("user", "156")]).await;
    let page = ada.follow(&added).await;
    assert!(page.text.contains("is protected"), "{page}");
    let player = ada.get("/console/players/156").await;
    assert!(player.text.contains("Protected"), "{player}");
    let remove = format!("{list}/156/remove");
    let removed = ada.submit_shown(&page, &remove, &[]).await;
    let page = ada.follow(&removed).await;
    assert!(page.text.contains("no longer protected"), "{page}");
    let again = ada.submit_shown(&page, list, &[("user", "156")]).await;
    assert_eq!(again.status, 303, "{again}");
    let protected = app.store().protected_users(workspace.id().prefix());
    assert_eq!(protected.await.unwrap().len(), 1);
}
