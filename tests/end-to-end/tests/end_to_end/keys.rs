//! API keys: who may call what.

use end_to_end::{Ban, Call, KeySpec, TestApp, Unban, now, until};
use serde_json::json;
use shared::domain::ids::WorkspaceId;
use shared::domain::keys::{KeyKind, KeyScope, PlainKey};

use crate::routes::{
    CHECKS, EXPERIENCE, USER, ban_history, every_keyed_route, every_other_route, every_route,
};

fn check() -> Call {
    Call::post("/is-banned").json(&json!({ "userId": USER, "experienceId": EXPERIENCE }))
}

#[tokio::test]
async fn every_invalid_key_gets_the_same_401() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let revoked = workspace.make_key(KeySpec::default()).await;
    workspace.revoke(&revoked).await;
    let expired = workspace
        .make_key(KeySpec {
            expires: Some(now() - 1),
            ..KeySpec::default()
        })
        .await;
    let unknown = PlainKey::random(KeyKind::Secret, workspace.id())
        .reveal()
        .to_owned();
    let foreign = PlainKey::random(KeyKind::Secret, WorkspaceId::random())
        .reveal()
        .to_owned();
    let key = workspace.secret_key();
    let sent = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(key.to_owned()),
        Some(format!("Basic {key}")),
        Some(format!("Bearer {key}0")),
        Some(format!("Bearer {}", key.to_uppercase())),
        Some(format!("Bearer {}", key.replace('-', ""))),
        Some("Bearer sentinelAPI.not-a-uuid".to_owned()),
        Some("Bearer sentinelAPI.00000000-0000-1000-8000-000000000001".to_owned()),
        Some(format!("Bearer {unknown}")),
        Some(format!("Bearer {foreign}")),
        Some(format!("Bearer {revoked}")),
        Some(format!("Bearer {expired}")),
    ];
    let mut bodies = Vec::new();
    for (name, call) in every_keyed_route() {
        for authorization in &sent {
            let call = match authorization {
                Some(value) => call.clone().header("authorization", value),
                None => call.clone(),
            };
            let answer = app.send(&call).await;
            assert_eq!(
                answer.status, 401,
                "{name} with {authorization:?}: {answer}"
            );
            answer.assert_error(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            bodies.push(answer.text);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    assert_eq!(workspace.stored().await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn invalid_keys_learn_nothing_about_other_errors() {
    let app = TestApp::start().await;
    for (name, call) in every_keyed_route() {
        let call = call
            .body("{")
            .query("experienceId", "x")
            .query("limit", "x");
        let unknown = PlainKey::random(KeyKind::Secret, WorkspaceId::random());
        for call in [call.clone(), call.key(unknown.reveal())] {
            assert_eq!(app.send(&call).await.status, 401, "{name}");
        }
    }
}

#[tokio::test]
async fn the_auth_scheme_is_case_insensitive() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let call = check().header(
            "authorization",
            format!("{scheme} {}", workspace.secret_key()),
        );
        assert_eq!(app.send(&call).await.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn a_workspace_may_have_several_live_keys() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let second = workspace.with_key(&workspace.make_key(KeySpec::default()).await);
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    assert!(second.is_banned(USER, EXPERIENCE).await);
    workspace.revoke(workspace.secret_key()).await;
    app.replace("is-banned").await;
    assert!(second.is_banned(USER, EXPERIENCE).await);
    workspace
        .try_check(USER, EXPERIENCE)
        .await
        .assert_error(401, "unauthorized");
}

#[tokio::test]
async fn new_environments_reject_a_revoked_key() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (name, call) in every_route() {
        let key = workspace.make_key(KeySpec::default()).await;
        assert_eq!(
            app.send(&call.clone().key(&key)).await.status,
            200,
            "{name}"
        );
        workspace.revoke(&key).await;
        app.replace(name).await;
        app.send(&call.key(&key))
            .await
            .assert_error(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_cached_key_still_expires() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    app.send(&check().key(workspace.secret_key())).await;
    let expires = now() + 2;
    let key = workspace
        .make_key(KeySpec {
            expires: Some(expires),
            ..KeySpec::default()
        })
        .await;
    assert_eq!(app.send(&check().key(&key)).await.status, 200);
    until(expires).await;
    app.send(&check().key(&key))
        .await
        .assert_error(401, "unauthorized");
    assert_eq!(app.runtime().starts("is-banned"), 1);
}

#[tokio::test]
async fn only_the_hash_of_a_key_is_stored() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let scan = json!({ "TableName": app.tables().workspaces, "ConsistentRead": true });
    let stored = app
        .database()
        .call("Scan", &scan)
        .await
        .unwrap()
        .to_string();
    for key in [workspace.secret_key(), workspace.public_key()] {
        let uuid = key.split_once('.').unwrap().1;
        assert!(!stored.contains(uuid));
        assert!(stored.contains(PlainKey::parse(key).unwrap().hash().as_str()));
    }
}

#[tokio::test]
async fn a_public_key_can_only_check_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let others = every_keyed_route().into_iter();
    for (name, call) in others.filter(|(name, _)| !CHECKS.contains(name)) {
        let answer = app.send(&call.key(workspace.public_key())).await;
        assert_eq!(answer.status, 403, "{name}: {answer}");
        answer.assert_error(403, "forbidden");
    }
    assert_eq!(workspace.stored().await, Vec::<serde_json::Value>::new());

    workspace
        .ban(Ban::of(USER, EXPERIENCE).global().permanent())
        .await;
    let foreign = json!({ "userId": USER, "experienceId": 99 });
    let call = Call::post("/is-banned")
        .json(&foreign)
        .key(workspace.public_key());
    let seen = app.send(&call).await.success();
    assert_eq!(seen["isBanned"], true);
    assert_eq!(seen["publicReason"], "text");
    assert_eq!(seen.get("privateReason"), None);
    assert_eq!(seen.get("moderatorId"), None);
    let links = app.items(&format!("{}#X", workspace.prefix())).await;
    assert_eq!(
        links.len(),
        1,
        "the foreign experience was linked: {links:?}"
    );
}

#[tokio::test]
async fn calls_need_their_scope() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let reader = workspace
        .make_key(KeySpec::scopes(&[KeyScope::ReadBans]))
        .await;
    let writer = workspace
        .make_key(KeySpec::scopes(&[KeyScope::WriteBans]))
        .await;
    let only_global = workspace
        .make_key(KeySpec::scopes(&[KeyScope::WriteGlobalBans]))
        .await;
    let nothing = workspace.make_key(KeySpec::scopes(&[])).await;
    let ban = workspace.ban_shown(Ban::of(USER, EXPERIENCE)).await;
    let history = ban_history(ban["guid"].as_str().unwrap());
    let routes = every_other_route().into_iter();
    for (name, call) in routes.chain([("ban-history", history)]) {
        let is_write = ["ban-async", "unban-async", "reports"].contains(&name);
        for (key, allowed) in [
            (&nothing, false),
            (&only_global, false),
            (&reader, !is_write),
            (&writer, is_write),
        ] {
            let answer = app.send(&call.clone().key(key)).await;
            assert_eq!(
                answer.status,
                if allowed { 200 } else { 403 },
                "{name}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_check_without_the_scope_succeeds_with_fewer_fields() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    let writer = workspace
        .make_key(KeySpec::scopes(&[KeyScope::WriteBans]))
        .await;
    let seen = app.send(&check().key(&writer)).await.success();
    assert_eq!(seen["isBanned"], true);
    assert_eq!(seen.get("privateReason"), None);
    assert_eq!(seen.get("moderatorId"), None);
}

/// Every call that shows a ban to a key that may write bans but not read them, and every call to a
/// public key, successful or not.
#[tokio::test]
async fn moderation_details_never_reach_a_key_without_bans_read() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let scopes = [KeyScope::WriteBans, KeyScope::WriteGlobalBans];
    let writer = workspace.make_key(KeySpec::scopes(&scopes)).await;
    let secret = "only moderators may know";
    let ban = Ban::of(USER, EXPERIENCE).reasons(secret, "public");
    workspace.ban(ban.clone()).await;
    let shown = workspace.ban_shown(Ban::of(2, EXPERIENCE)).await;
    let history = ban_history(shown["guid"].as_str().unwrap());
    let prefer = Call::prefer_representation;
    let changed = Ban::of(USER, EXPERIENCE).reasons("changed by the writer", "public");
    let own = [
        (
            "the conflicting ban",
            ban.clone().no_overwrite().call(),
            409,
        ),
        ("a Global ban", prefer(ban.clone().global().call()), 200),
        (
            "the conflicting Global ban",
            ban.clone().global().no_overwrite().call(),
            409,
        ),
        ("a change", prefer(changed.clone().call()), 200),
        ("a report", prefer(changed.applied().call()), 200),
        ("a check", check(), 200),
        ("an unban", prefer(Unban::of(USER, EXPERIENCE).call()), 200),
        (
            "the same again",
            prefer(Unban::of(USER, EXPERIENCE).call()),
            200,
        ),
        (
            "an appeal",
            prefer(Ban::of(2, EXPERIENCE).appeal().call()),
            200,
        ),
        (
            "an invalid call",
            Call::post("/ban-async").json(&json!({ "userId": USER })),
            400,
        ),
    ];
    for (name, call, status) in own {
        let answer = app.send(&call.key(&writer)).await;
        assert_eq!(answer.status, status, "{name}: {answer}");
        // The ban is shown without its details.
        let shows_a_ban = answer.text.contains("publicReason");
        assert_eq!(shows_a_ban, status != 400, "{name}: {answer}");
        for hidden in [
            "privateReason",
            "moderatorId",
            secret,
            "changed by the writer",
        ] {
            assert!(!answer.text.contains(hidden), "{name}: {answer}");
        }
    }
    let others = every_keyed_route().into_iter();
    for (name, call) in others.chain([("ban-history", history)]) {
        for key in [&writer, workspace.public_key()] {
            let answer = app.send(&prefer(call.clone()).key(key)).await;
            for hidden in ["privateReason", "moderatorId", secret] {
                assert!(!answer.text.contains(hidden), "{name}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn global_decisions_need_their_own_scope() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let key = workspace
        .make_key(KeySpec::scopes(&[KeyScope::ReadBans, KeyScope::WriteBans]))
        .await;
    let limited = workspace.with_key(&key);
    let global = Ban::of(USER, EXPERIENCE).global().permanent();

    limited
        .try_ban(global.clone())
        .await
        .assert_error(403, "forbidden");
    assert_eq!(workspace.stored().await, Vec::<serde_json::Value>::new());

    workspace.ban(global.clone()).await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let before = workspace.stored().await;
    let refused = [
        global.clone().reasons("other", "terms").call(),
        global.clone().reasons("other", "terms").applied().call(),
        global.clone().appeal().call(),
        // It would lift the Experience ban as well, and must not.
        Unban::of(USER, EXPERIENCE).call(),
    ];
    for call in refused {
        limited.send(call).await.assert_error(403, "forbidden");
        assert_eq!(workspace.stored().await, before);
    }
}

#[tokio::test]
async fn reporting_a_global_ban_needs_no_extra_scope() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let key = workspace
        .make_key(KeySpec::scopes(&[KeyScope::ReadBans, KeyScope::WriteBans]))
        .await;
    let limited = workspace.with_key(&key);
    workspace
        .ban(Ban::of(USER, EXPERIENCE).global().permanent())
        .await;
    let pending = limited.await_pending_bans(EXPERIENCE, &[USER]).await;
    limited.report(&pending[0], EXPERIENCE).await;
    limited.await_pending_bans(EXPERIENCE, &[]).await;
    limited.report_unban(USER, EXPERIENCE).await;
    limited.await_pending_bans(EXPERIENCE, &[USER]).await;
    limited
        .unban(Unban::of(USER, EXPERIENCE).reason("Ban was appealed."))
        .await;
    assert!(limited.is_banned(USER, EXPERIENCE).await);
}
