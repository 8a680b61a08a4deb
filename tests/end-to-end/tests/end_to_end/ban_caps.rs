//! Caps on the bans of a key and of a moderator per hour.

use std::num::NonZeroU32;

use end_to_end::{ApiResponse, Ban, KeySpec, TestApp, Unban, Workspace};

use crate::routes::EXPERIENCE;

const HOUR: u64 = 3600;

/// The same workspace, called with a key with this cap.
async fn capped<'a>(workspace: &Workspace<'a>, bans: u32) -> Workspace<'a> {
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(bans),
        ..KeySpec::default()
    };
    workspace.with_key(&workspace.make_key(spec).await)
}

#[track_caller]
fn assert_capped(answer: &ApiResponse) {
    answer.assert_error(429, "rate_limited");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    // A ban counts for an hour, plus at most one step of five minutes.
    assert!((1..=HOUR + 300).contains(&wait), "{answer}");
}

#[tokio::test]
async fn a_key_at_its_cap_is_refused_and_others_continue() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let three = capped(&workspace, 3).await;
    three.ban(Ban::of(1, EXPERIENCE)).await;
    three.ban(Ban::of(2, EXPERIENCE).global()).await;
    // A change counts as well: its effect is the same.
    three.ban(Ban::of(1, EXPERIENCE).permanent()).await;
    for ban in [
        Ban::of(3, EXPERIENCE),
        Ban::of(3, EXPERIENCE).global(),
        Ban::of(1, EXPERIENCE).length(60),
    ] {
        assert_capped(&three.try_ban(ban).await);
    }
    assert!(!workspace.is_banned(3, EXPERIENCE).await);
    workspace.ban(Ban::of(3, EXPERIENCE)).await;
    let another = capped(&workspace, 3).await;
    another.ban(Ban::of(4, EXPERIENCE)).await;
}

#[tokio::test]
async fn a_ban_refused_by_a_cap_uses_no_number_and_leaves_no_trace() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let one = capped(&workspace, 1).await;
    one.ban(Ban::of(1, EXPERIENCE)).await;
    app.settle().await;
    let before = workspace.stored().await;
    for user in 2..6 {
        let ban = Ban::of(user, EXPERIENCE + 1).header("idempotency-key", "name");
        assert_capped(&one.try_ban(ban).await);
    }
    assert_eq!(workspace.stored().await, before);
    let next = workspace.ban_shown(Ban::of(6, EXPERIENCE)).await;
    assert_eq!(next["uid"], 2);
}

#[tokio::test]
async fn calls_that_decide_no_ban_do_not_count_against_a_cap() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let two = capped(&workspace, 2).await;
    let ban = Ban::of(1, EXPERIENCE).permanent();
    two.ban(ban.clone()).await;
    for _ in 0..5 {
        two.ban(ban.clone()).await;
        two.ban(ban.clone().applied()).await;
        let answer = two.try_ban(ban.clone().no_overwrite()).await;
        answer.assert_error(409, "already_banned");
        let answer = two.try_ban(ban.clone().with("banType", "x")).await;
        answer.assert_error(400, "invalid_request");
    }
    two.ban(Ban::of(2, EXPERIENCE).permanent()).await;
    assert_capped(&two.try_ban(Ban::of(3, EXPERIENCE)).await);
    // At the cap, reports, repeats, appeals and unbans still succeed.
    two.ban(ban.clone()).await;
    two.ban(Ban::of(2, EXPERIENCE).permanent().applied()).await;
    two.ban(ban.appeal()).await;
    two.unban(Unban::of(2, EXPERIENCE)).await;
    two.report_unban(2, EXPERIENCE).await;
    assert!(!workspace.is_banned(1, EXPERIENCE).await);
    assert!(!workspace.is_banned(2, EXPERIENCE).await);
    // An unban does not free any of the cap.
    assert_capped(&two.try_ban(Ban::of(3, EXPERIENCE)).await);
}

#[tokio::test]
async fn moderator_caps_apply_across_keys() {
    let app = TestApp::start().await;
    let workspace = app
        .workspace_with(|settings| settings.moderator_bans_per_hour = NonZeroU32::new(2))
        .await;
    let second = workspace.with_key(&workspace.make_key(KeySpec::default()).await);
    let by = |user, moderator| Ban::of(user, EXPERIENCE).moderator(moderator);
    workspace.ban(by(1, 7)).await;
    second.ban(by(2, 7)).await;
    assert_capped(&workspace.try_ban(by(3, 7)).await);
    assert_capped(&second.try_ban(by(3, 7)).await);
    workspace.ban(by(3, 8)).await;
    // The cap is per workspace: the same moderator continues in another.
    app.workspace().await.ban(by(3, 7)).await;
}

#[tokio::test]
async fn a_ban_counts_against_both_caps_or_neither() {
    let app = TestApp::start().await;
    let workspace = app
        .workspace_with(|settings| settings.moderator_bans_per_hour = NonZeroU32::new(2))
        .await;
    let three = capped(&workspace, 3).await;
    let by = |user, moderator| Ban::of(user, EXPERIENCE).moderator(moderator);
    three.ban(by(1, 7)).await;
    three.ban(by(2, 7)).await;
    // Refused for the moderator, so the key still has one left.
    assert_capped(&three.try_ban(by(3, 7)).await);
    three.ban(by(3, 8)).await;
    // Refused for the key, so the moderator still has one left.
    assert_capped(&three.try_ban(by(4, 8)).await);
    workspace.ban(by(4, 8)).await;
    assert_capped(&workspace.try_ban(by(5, 8)).await);
}

#[tokio::test]
async fn a_cap_resets_after_an_hour() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let one = capped(&workspace, 1).await;
    one.ban(Ban::of(1, EXPERIENCE)).await;
    assert_capped(&one.try_ban(Ban::of(2, EXPERIENCE)).await);
    // Make the ban an hour and two steps old.
    let prefix = format!("{}#C#K#", workspace.prefix());
    let mut item = app.items(&prefix).await.remove(0);
    let step = &mut item["steps"]["L"][0]["L"][0]["N"];
    let old: u64 = step.as_str().unwrap().parse().unwrap();
    *step = (old - HOUR / 300 - 2).to_string().into();
    app.put_item(&item).await;
    one.ban(Ban::of(2, EXPERIENCE)).await;
    assert_capped(&one.try_ban(Ban::of(3, EXPERIENCE)).await);
}
