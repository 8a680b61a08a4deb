//! Environments with clock skew: decisions keep their order.

use end_to_end::{Ban, Call, TestApp, Unban, until};
use serde_json::Value;

use crate::audit::audit_items;

const ARENA: u64 = 7_001;
const BEACH: u64 = 7_002;

/// Two processes of each function, alternately three seconds fast and three seconds slow.
async fn app() -> TestApp {
    let builder = TestApp::builder().instances(2).clocks(&[3_000, -3_000]);
    builder.start().await
}

#[tokio::test]
async fn a_late_report_on_a_slow_clock_does_not_revive_a_lifted_ban() {
    let app = app().await;
    let workspace = app.workspace().await;
    for user in 1..=12 {
        let ban = Ban::of(user, ARENA).permanent();
        let shown = workspace.ban_shown(ban).await;
        workspace.unban(Unban::of(user, ARENA)).await;
        workspace.report(&shown, ARENA).await;
        workspace.report(&shown, ARENA).await;
        assert!(
            !workspace.is_banned(user, ARENA).await,
            "the ban of {user} came back"
        );
    }
    app.settle().await;
    let sound = audit_items(&workspace).await;
    for user in 1..=12 {
        assert_eq!(sound.decisions(user), 2);
    }
}

#[tokio::test]
async fn history_keeps_decision_order_despite_clock_skew() {
    let app = app().await;
    let workspace = app.workspace().await;
    let first = workspace.ban_shown(Ban::of(1, ARENA).permanent()).await;
    for moderator in 2..=8 {
        let change = Ban::of(1, ARENA).permanent().moderator(moderator);
        workspace.ban(change).await;
    }
    let call = Call::get(&format!("/bans/{}", first["guid"].as_str().unwrap()));
    let told = workspace.send(call).await.success();
    let events = told["events"].as_array().unwrap();
    let by: Vec<_> = events
        .iter()
        .map(|event| &event["actor"]["moderator"])
        .collect();
    assert_eq!(
        by,
        [1, 2, 3, 4, 5, 6, 7, 8]
            .map(Value::from)
            .iter()
            .collect::<Vec<_>>()
    );
    let at: Vec<_> = events
        .iter()
        .filter_map(|event| event["created"].as_u64())
        .collect();
    assert!(!at.is_sorted(), "the clocks agreed: {at:?}");
    assert_eq!(told["moderatorId"], 8);
}

#[tokio::test]
async fn an_experience_unaware_of_a_longer_ban_gets_no_unban() {
    let mut app = TestApp::start().await;
    {
        let workspace = app.workspace().await;
        workspace.pending_bans(BEACH).await;
        let ban = Ban::of(1, ARENA).global().length(8);
        let shown = workspace.ban_shown(ban).await;
        app.settle().await;
        workspace.report(&shown, BEACH).await;
        app.settle().await;
        let expires = shown["expires"].as_u64().unwrap();
        let key = workspace.secret_key().to_owned();
        // The decision is made, but propagates slowly.
        app.stop_mappings();
        let ban = Ban::of(1, ARENA).global().permanent();
        app.send(&ban.call().key(&key)).await.assert_ok();
        until(expires + 2).await;
        let poll = Call::get("/pending-unbans").query("experienceId", BEACH);
        let pending = app.send(&poll.key(&key)).await.list();
        assert_eq!(pending, Vec::<Value>::new(), "the user is banned there");
    }
}
