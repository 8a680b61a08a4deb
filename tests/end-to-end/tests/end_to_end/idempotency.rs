//! The `Idempotency-Key` header distinguishes a repeated request from a new one.

use end_to_end::{Ban, Call, KeySpec, TestApp, Unban};
use serde_json::json;
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

use crate::routes::{EXPERIENCE, USER};

const NAME: &str = "0f8b9c6e-2f0e-4d0a-9d0c-5c1f2a7be111";

fn named_ban() -> Ban {
    Ban::of(USER, EXPERIENCE)
        .no_overwrite()
        .header("idempotency-key", NAME)
}

#[tokio::test]
async fn a_repeated_ban_succeeds_and_changes_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(named_ban()).await;
    app.settle().await;
    let before = workspace.stored().await;
    for _ in 0..3 {
        workspace.ban(named_ban()).await;
    }
    assert_eq!(workspace.stored().await, before);
    workspace
        .try_ban(Ban::of(USER, EXPERIENCE).no_overwrite())
        .await
        .assert_error(409, "already_banned");
}

#[tokio::test]
async fn a_repeated_unban_with_a_key_does_not_count_as_a_report() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE).applied()).await;
    let unban = Unban::of(USER, EXPERIENCE).header("idempotency-key", NAME);
    for _ in 0..2 {
        workspace.unban(unban.clone()).await;
        workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
    }
}

#[tokio::test]
async fn an_idempotency_key_is_valid_for_one_request() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(named_ban()).await;
    app.settle().await;
    let before = workspace.stored().await;
    let others = [
        named_ban().with("userId", 2).call(),
        named_ban().with("overwrite", true).call(),
        named_ban().applied().call(),
        Unban::of(USER, EXPERIENCE)
            .header("idempotency-key", NAME)
            .call(),
    ];
    for call in others {
        workspace
            .send(call)
            .await
            .assert_wrong_fields(&["idempotency-key"]);
    }
    assert_eq!(workspace.stored().await, before);

    // For another API key the idempotency key means nothing.
    let second = workspace.make_key(KeySpec::default()).await;
    let second = workspace.with_key(&second);
    second.ban(named_ban().with("userId", 3)).await;
}

#[tokio::test]
async fn a_failed_call_does_not_consume_its_idempotency_key() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    workspace
        .try_ban(named_ban())
        .await
        .assert_error(409, "already_banned");
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    workspace.ban(named_ban()).await;
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
    let unban = Unban::of(99, EXPERIENCE).header("idempotency-key", "b");
    workspace
        .try_unban(unban.clone())
        .await
        .assert_error(404, "not_found");
    workspace.ban(Ban::of(99, EXPERIENCE)).await;
    workspace.unban(unban).await;
    assert!(!workspace.is_banned(99, EXPERIENCE).await);
}

#[tokio::test]
async fn invalid_idempotency_keys_are_rejected() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for name in ["", "two words", &"a".repeat(256), "é"] {
        for call in [
            Ban::of(USER, EXPERIENCE)
                .header("idempotency-key", name)
                .call(),
            Unban::of(USER, EXPERIENCE)
                .header("idempotency-key", name)
                .call(),
        ] {
            workspace
                .send(call)
                .await
                .assert_wrong_fields(&["idempotency-key"]);
        }
    }
    workspace
        .ban(named_ban().header("idempotency-key-x", "two words"))
        .await;
    let longest = "a".repeat(255);
    workspace
        .ban(Ban::of(1, EXPERIENCE).header("idempotency-key", &longest))
        .await;
}

#[tokio::test]
async fn equivalent_requests_count_as_the_same() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let named = |body: &str| {
        Call::post("/ban-async")
            .header("idempotency-key", NAME)
            .body(body.to_owned())
    };
    let first = r#"{"overwrite":false,"userId":1,"experienceId":120001,"banModerator":9,
        "banType":"Experience","banLengthType":"Temporary","banLength":604800,
        "banPrivateReason":"aimbot","banPublicReason":"Cheating"}"#;
    workspace.send(named(first)).await.assert_ok();
    app.settle().await;
    let before = workspace.stored().await;
    let same = r#"{"experienceUniversal":1,"banPublicReason":" Cheating ","userId":"1","overwrite":0,
        "banLength":"7d","experienceId":120001.0,"banModerator":9e0,"banType":"Experience",
        "ignored":[1],"banPrivateReason":"aimbot","banLengthType":"Temporary"}"#;
    workspace.send(named(same)).await.assert_ok();
    let spelled_out = named(same)
        .query("experienceBanCompleted", false)
        .query("isAppeal", 0)
        .query("ignored", 1);
    workspace.send(spelled_out).await.assert_ok();
    let other = same.replace("7d", "8d");
    workspace
        .send(named(&other))
        .await
        .assert_wrong_fields(&["idempotency-key"]);
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn a_call_without_effect_consumes_its_idempotency_key() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    let named = Unban::of(USER, EXPERIENCE).header("idempotency-key", NAME);
    workspace.unban(named.clone()).await;
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    workspace.unban(named).await;
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_despite_later_decisions() {
    // The proxy also enforces the functions' roles.
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let shown = async |call: Call| {
        let answer = workspace.send(call.prefer_representation()).await;
        answer.success()["ban"].clone()
    };
    let reported = Ban::of(USER, EXPERIENCE)
        .applied()
        .header("idempotency-key", "ban");
    let lift = Unban::of(USER, EXPERIENCE).header("idempotency-key", "lift");
    let nothing = Unban::of(USER, EXPERIENCE).header("idempotency-key", "nothing");

    let made = shown(reported.clone().call()).await;
    assert_eq!(made["experienceBanCompleted"], 1);
    workspace
        .ban(Ban::of(USER, EXPERIENCE).with("banPrivateReason", "changed"))
        .await;
    assert_eq!(shown(reported.clone().call()).await, made, "changed since");
    let lifted = shown(lift.clone().call()).await;
    assert_eq!(
        (&lifted["isActive"], &lifted["privateReason"]),
        (&0.into(), &"changed".into())
    );
    let unchanged = shown(nothing.clone().call()).await;
    assert_eq!(unchanged["guid"], made["guid"]);
    workspace.ban(Ban::of(USER, EXPERIENCE).permanent()).await;
    for (call, first) in [
        (reported.clone().call(), &made),
        (lift.clone().call(), &lifted),
        (nothing.call(), &unchanged),
    ] {
        assert_eq!(shown(call).await, *first, "banned again since");
    }
    assert!(workspace.is_banned(USER, EXPERIENCE).await);

    // No data of an erased user comes back, and the repeat still counts as one.
    let prefix = workspace.id().prefix();
    let user = UserId::new(USER).unwrap();
    let erasure = app
        .store()
        .erase_user(prefix, user, ErasureSource::Operator);
    assert!(erasure.await.unwrap().bans > 0);
    for call in [reported.call(), lift.call()] {
        let answer = workspace.send(call.prefer_representation()).await;
        assert_eq!(answer.json(), json!({ "status": "ok" }));
    }
    assert!(!workspace.is_banned(USER, EXPERIENCE).await);
}
