//! `POST /roblox/webhook`: Roblox's notifications and their effect on users.

use end_to_end::{Ban, Call, Notification, TestApp, Unban, Workspace, now, sign};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::store::{ErasureMode, NotificationId};

use crate::routes::{EXPERIENCE, USER, ban_history};

const NEVER_BANNED: &str = r#"{"isBanned":false,"isAppealed":false,"isActive":false,"expires":0}"#;

/// Another experience of the workspace.
const ELSEWHERE: u64 = EXPERIENCE + 1;

/// `/is-banned` answers as for a user who was never banned.
pub async fn assert_never_banned(workspace: &Workspace<'_>, user: u64) {
    for experience in [EXPERIENCE, ELSEWHERE] {
        let answer = workspace.try_check(user, experience).await;
        assert_eq!(answer.text, NEVER_BANNED);
    }
}

/// The items whose key names a user.
pub async fn items_of(workspace: &Workspace<'_>, user: u64) -> Vec<Value> {
    let mut items = workspace.stored().await;
    items.retain(|item| {
        let (pk, sk) = (item["pk"]["S"].as_str(), item["sk"]["S"].as_str());
        let partition = format!("{}#U#{user}", workspace.prefix());
        let is_global = pk.is_some_and(|pk| pk.contains("#G#"));
        pk == Some(&partition) || (is_global && sk == Some(&user.to_string()))
    });
    items
}

/// Bans of every kind, reported and pending.
async fn ban_all_over(workspace: &Workspace<'_>, user: u64) {
    workspace.ban(Ban::of(user, EXPERIENCE).applied()).await;
    workspace.unban(Unban::of(user, EXPERIENCE)).await;
    workspace.ban(Ban::of(user, EXPERIENCE).permanent()).await;
    workspace.ban(Ban::of(user, ELSEWHERE).applied()).await;
    workspace
        .ban(Ban::of(user, ELSEWHERE).global().permanent())
        .await;
    workspace.app().settle().await;
}

#[tokio::test]
async fn an_erased_user_leaves_no_trace_of_a_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    for user in [USER, 2] {
        ban_all_over(&workspace, user).await;
    }
    let other = items_of(&workspace, 2).await;
    let guids: Vec<_> = workspace.bans().await;

    let answer = app.send(&Notification::erasure(USER).signed(&secret)).await;
    answer.assert_ok();

    assert_never_banned(&workspace, USER).await;
    assert_eq!(items_of(&workspace, USER).await, Vec::<Value>::new());
    assert_eq!(items_of(&workspace, 2).await, other);
    // The stream brings nothing back, and no list names them.
    app.settle().await;
    assert_never_banned(&workspace, USER).await;
    for experience in [EXPERIENCE, ELSEWHERE] {
        workspace.await_pending_bans(experience, &[2]).await;
        workspace.await_pending_unbans(experience, &[]).await;
    }
    let listed = workspace.bans().await;
    assert!(listed.iter().all(|ban| ban["robloxId"] == 2), "{listed:?}");
    for ban in guids.iter().filter(|ban| ban["robloxId"] == USER) {
        let answer = workspace
            .send(ban_history(ban["guid"].as_str().unwrap()))
            .await;
        answer.assert_error(404, "not_found");
    }
    let answer = workspace.try_unban(Unban::of(USER, EXPERIENCE)).await;
    answer.assert_error(404, "not_found");
    // They can be banned like anyone.
    workspace
        .ban(Ban::of(USER, EXPERIENCE).no_overwrite())
        .await;
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
}

#[tokio::test]
async fn erasing_a_user_who_was_never_banned_succeeds() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    app.send(&Notification::erasure(USER).signed(&secret))
        .await
        .assert_ok();
    assert_never_banned(&workspace, USER).await;
}

#[tokio::test]
async fn a_queued_erasure_waits_for_the_operator() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let secret = workspace.take_in_erasures(ErasureMode::Queue).await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    let erasure = Notification::erasure(USER);
    let from = now();
    for _ in 0..3 {
        app.send(&erasure.signed(&secret)).await.assert_ok();
    }
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
    let queue = store.erasure_queue(prefix).await.unwrap();
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0].user, UserId::new(USER).unwrap());
    assert_eq!(queue[0].notification.as_str(), erasure.id());
    assert!((from..=now()).contains(&queue[0].at.0));

    // A second request is separate; each is removed by its name.
    let second = Notification::erasure(USER);
    app.send(&second.signed(&secret)).await.assert_ok();
    assert_eq!(store.erasure_queue(prefix).await.unwrap().len(), 2);
    let taken = NotificationId::new(erasure.id()).unwrap();
    for _ in 0..2 {
        store.take_from_erasure_queue(prefix, &taken).await.unwrap();
    }
    // A removed request does not come back when Roblox resends it.
    app.send(&erasure.signed(&secret)).await.assert_ok();
    let queue = store.erasure_queue(prefix).await.unwrap();
    let left: Vec<_> = queue
        .iter()
        .map(|queued| queued.notification.as_str())
        .collect();
    assert_eq!(left, [second.id()]);
    let another = app.workspace().await;
    let queue = store.erasure_queue(another.id().prefix()).await.unwrap();
    assert_eq!(queue, []);
}

#[tokio::test]
async fn a_replayed_notification_keeps_a_new_ban() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let erasure = Notification::erasure(USER);
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.send(&erasure.signed(&secret)).await.assert_ok();
    assert_never_banned(&workspace, USER).await;

    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    let later = erasure.clone().at(now() + 5);
    for call in [erasure.signed(&secret), later.signed(&secret)] {
        app.send(&call).await.assert_ok();
        assert!(workspace.is_banned(USER, EXPERIENCE).await);
    }
    // A new request is a new one.
    app.send(&Notification::erasure(USER).signed(&secret))
        .await
        .assert_ok();
    assert_never_banned(&workspace, USER).await;
}

#[tokio::test]
async fn a_replayed_notification_has_no_effect_after_a_mode_change() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    for modes in [
        [ErasureMode::Queue, ErasureMode::Erase],
        [ErasureMode::Erase, ErasureMode::Queue],
    ] {
        let erasure = Notification::erasure(USER);
        let mut queued = Vec::new();
        for mode in modes {
            let secret = workspace.take_in_erasures(mode).await;
            app.replace("roblox-webhook").await;
            workspace.ban(Ban::of(USER, EXPERIENCE)).await;
            app.send(&erasure.signed(&secret)).await.assert_ok();
            queued.push(store.erasure_queue(prefix).await.unwrap().len());
        }
        assert!(workspace.is_banned(USER, EXPERIENCE).await);
        assert_eq!(queued[0], queued[1], "{modes:?}");
    }
}

#[tokio::test]
async fn stored_notifications_name_no_user_and_expire_after_a_week() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let erasure = Notification::erasure(987_654_321);
    app.send(&erasure.signed(&secret)).await.assert_ok();
    let pk = format!("{}#R#{}", workspace.prefix(), erasure.id());
    let marks = app.items(&pk).await;
    assert_eq!(marks.len(), 1);
    assert!(!marks[0].to_string().contains("987654321"), "{marks:?}");
    let ttl: u64 = marks[0]["ttl"]["N"].as_str().unwrap().parse().unwrap();
    let week = 7 * 86_400;
    assert!((now() + week - 60..=now() + week).contains(&ttl));
}

#[tokio::test]
async fn other_events_are_accepted_and_ignored() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let before = workspace.stored().await;
    let erasure = Notification::erasure(USER);
    let others = [
        erasure.clone().with("EventType", "SampleNotification"),
        erasure.clone().with("EventType", "SubscriptionPurchased"),
        erasure.clone().with("EventType", "righttoerasurerequest"),
        erasure
            .with("EventType", "SampleNotification")
            .without("NotificationId")
            .with("EventPayload", Value::Null),
    ];
    for notification in others {
        app.send(&notification.signed(&secret)).await.assert_ok();
    }
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn malformed_signed_bodies_are_rejected_by_field() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let before = workspace.stored().await;
    let (event, id, user) = ("EventType", "NotificationId", "EventPayload.UserId");
    let erasure = || Notification::erasure(USER);
    let payload = |user: Value| erasure().with("EventPayload", json!({ "UserId": user }));
    let wrong: Vec<(Notification, Vec<&str>)> = vec![
        (erasure().without(event), vec![event]),
        (erasure().with(event, 5), vec![event]),
        (erasure().with(event, ""), vec![event]),
        (erasure().without(id), vec![id]),
        (erasure().with(id, ""), vec![id]),
        (erasure().with(id, "a b"), vec![id]),
        (erasure().with(id, "é"), vec![id]),
        (erasure().with(id, "a".repeat(101)), vec![id]),
        (erasure().with(id, 5), vec![id]),
        (erasure().without("EventPayload"), vec![user]),
        (erasure().with("EventPayload", "x"), vec![user]),
        (erasure().with("EventPayload", json!([])), vec![user]),
        (payload(Value::Null), vec![user]),
        (payload(json!(0)), vec![user]),
        (payload(json!(-1)), vec![user]),
        (payload(json!(1.5)), vec![user]),
        (payload(json!("x")), vec![user]),
        (payload(json!([1])), vec![user]),
        (payload(json!(9_007_199_254_740_992_u64)), vec![user]),
        (
            erasure().without(id).without("EventPayload"),
            vec![id, user],
        ),
    ];
    for (notification, fields) in wrong {
        let answer = app.send(&notification.signed(&secret)).await;
        answer.assert_wrong_fields(&fields);
    }
    let time = now().to_string();
    let raw = |body: &'static str| {
        let signature = sign(&secret, &time, body.as_bytes());
        let call = Call::post("/roblox/webhook").body(body);
        call.header("roblox-signature", signature)
    };
    for body in ["", "{", "null x", "\u{0}"] {
        app.send(&raw(body)).await.assert_error(400, "invalid_json");
    }
    for body in ["1", "null", "[1]"] {
        app.send(&raw(body)).await.assert_wrong_fields(&["body"]);
    }
    for body in ["{}", "[]"] {
        let answer = app.send(&raw(body)).await;
        answer.assert_wrong_fields(&["EventType", "NotificationId", "EventPayload.UserId"]);
    }
    let large = erasure().with("x", "x".repeat(70_000));
    let answer = app.send(&large.signed(&secret)).await;
    answer.assert_error(413, "payload_too_large");
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn user_and_secret_are_never_logged() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let user = 987_654_321;
    workspace.ban(Ban::of(user, EXPERIENCE)).await;
    let erasure = Notification::erasure(user);
    let done = app.send(&erasure.signed(&secret)).await;
    done.assert_ok();
    let refused = [
        erasure.signed("do-not-log-this"),
        erasure.unsigned(),
        erasure
            .clone()
            .with("NotificationId", "987654321 x")
            .signed(&secret),
    ];
    let mut last = done;
    for call in refused {
        last = app.send(&call).await;
        assert!(last.status >= 400, "{last}");
    }
    let event = app.log_of("roblox-webhook", &last).await;
    assert_eq!(event["workspace"], workspace.guid());
    assert_eq!(event["keyId"], "roblox");
    let lines = app.runtime().logs("roblox-webhook");
    assert_eq!(lines.len(), 4);
    for line in lines {
        assert!(line.json().is_some(), "{}", line.text);
        for secret in ["987654321", &secret, "do-not-log-this"] {
            assert!(!line.text.contains(secret), "{}", line.text);
        }
    }
}
