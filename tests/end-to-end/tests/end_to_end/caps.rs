//! How many bans a key and a moderator may make within an hour.

use std::num::NonZeroU32;

use end_to_end::{Answer, Ban, KeySpec, TestApp, Unban, Workspace};

use crate::routes::EXPERIENCE;

const HOUR: u64 = 3600;

/// The same workspace, called with a key that may make so many bans.
async fn capped<'a>(workspace: &Workspace<'a>, bans: u32) -> Workspace<'a> {
    let spec = KeySpec {
        bans_per_hour: NonZeroU32::new(bans),
        ..KeySpec::default()
    };
    workspace.with_key(&workspace.make_key(spec).await)
}

#[track_caller]
fn assert_capped(answer: &Answer) {
    answer.assert_error(429, "rate_limited");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    // The hour that a ban counts, and at most one step of five minutes.
    assert!((1..=HOUR + 300).contains(&wait), "{answer}");
}

#[tokio::test]
async fn a_key_makes_as_many_bans_as_its_cap_allows_and_others_go_on() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let three = capped(&workspace, 3).await;
    three.ban(Ban::of(1, EXPERIENCE)).await;
    three.ban(Ban::of(2, EXPERIENCE).global()).await;
    // A change counts as well: it bans just as hard.
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
async fn a_refused_ban_takes_no_number_and_leaves_no_trace() {
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
async fn what_decides_no_ban_does_not_count_and_is_not_refused() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let two = capped(&workspace, 2).await;
    let ban = Ban::of(1, EXPERIENCE).permanent();
    two.ban(ban.clone()).await;
    for _ in 0..5 {
        two.ban(ban.clone()).await;
        two.ban(ban.clone().completed()).await;
        let answer = two.try_ban(ban.clone().no_overwrite()).await;
        answer.assert_error(409, "already_banned");
        let answer = two.try_ban(ban.clone().with("banType", "x")).await;
        answer.assert_error(400, "invalid_request");
    }
    two.ban(Ban::of(2, EXPERIENCE).permanent()).await;
    assert_capped(&two.try_ban(Ban::of(3, EXPERIENCE)).await);
    // At the cap, too: confirmations, repetitions, appeals and unbans go through.
    two.ban(ban.clone()).await;
    two.ban(Ban::of(2, EXPERIENCE).permanent().completed())
        .await;
    two.ban(ban.appeal()).await;
    two.unban(Unban::of(2, EXPERIENCE)).await;
    two.confirm_unban(2, EXPERIENCE).await;
    assert!(!workspace.is_banned(1, EXPERIENCE).await);
    assert!(!workspace.is_banned(2, EXPERIENCE).await);
    // An unban gives nothing back.
    assert_capped(&two.try_ban(Ban::of(3, EXPERIENCE)).await);
}

#[tokio::test]
async fn each_moderator_has_a_cap_of_their_own_whatever_key_they_use() {
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
    // The cap is of the workspace: the same moderator goes on in another.
    app.workspace().await.ban(by(3, 7)).await;
}

#[tokio::test]
async fn a_ban_counts_for_its_key_and_its_moderator_or_for_neither() {
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
async fn a_cap_is_free_again_when_its_hour_is_over() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let one = capped(&workspace, 1).await;
    one.ban(Ban::of(1, EXPERIENCE)).await;
    assert_capped(&one.try_ban(Ban::of(2, EXPERIENCE)).await);
    // The ban is made to be an hour and two steps old.
    let prefix = format!("{}#C#K#", workspace.prefix());
    let mut item = app.items(&prefix).await.remove(0);
    let step = &mut item["steps"]["L"][0]["L"][0]["N"];
    let old: u64 = step.as_str().unwrap().parse().unwrap();
    *step = (old - HOUR / 300 - 2).to_string().into();
    let put = serde_json::json!({ "TableName": app.tables().bans, "Item": item });
    app.database().call("PutItem", &put).await.unwrap();
    one.ban(Ban::of(2, EXPERIENCE)).await;
    assert_capped(&one.try_ban(Ban::of(3, EXPERIENCE)).await);
}
