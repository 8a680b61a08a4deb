//! `POST /ban-async`: decisions.

use end_to_end::{Ban, TestApp, Unban, next_second, now};
use serde_json::{Value, json};

use crate::routes::{EXPERIENCE, USER};

const ELSEWHERE: u64 = 7;

#[tokio::test]
async fn a_new_ban_has_the_requested_terms() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let before = now();
    let ban = Ban::of(USER, EXPERIENCE)
        .moderator(744_482_898)
        .reasons("evidence", "Cheating");
    let shown = workspace.ban_shown(ban).await;
    let created = shown["created"].as_u64().unwrap();
    assert!((before..=now()).contains(&created), "{shown}");
    let guid: u64 = shown["guid"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        ((guid >> 22) + 1_577_836_800_000) / 1000,
        created,
        "not a Snowflake of its time"
    );
    assert!(guid > 1 << 53);
    let expected = json!({
        "isBanned": true,
        "guid": guid.to_string(),
        "workspaceGuid": workspace.guid(),
        "isGlobal": 0,
        "isActive": 1,
        "privateReason": "evidence",
        "publicReason": "Cheating",
        "robloxId": USER,
        "moderatorId": 744_482_898,
        "created": created,
        "updated": created,
        "experienceId": EXPERIENCE,
        "expires": created + 7 * 86_400,
        "isAppealed": 0,
        "experienceUniversal": 1,
        "uid": 1,
        "experienceBanCompleted": 0,
    });
    assert_eq!(shown, expected);
    assert_eq!(workspace.bans().await, [expected]);
}

#[tokio::test]
async fn every_documented_length_format_is_accepted() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let day = 86_400_u64;
    let soon = now() + 1000;
    let relative = [
        (json!(3600), 3600),
        (json!(3600.0), 3600),
        (json!("3600"), 3600),
        (json!("30m"), 1800),
        (json!("12h"), day / 2),
        (json!("7d"), 7 * day),
        (json!("2w"), 14 * day),
        (json!("1d12h"), day * 3 / 2),
        (json!("1y"), 365 * day),
        (json!("P7D"), 7 * day),
        (json!("PT36H"), day * 3 / 2),
    ];
    let absolute = [json!(soon), json!(soon.to_string()), json!(soon as f64)];
    for (user, (length, seconds)) in (1..).zip(relative) {
        let shown = workspace
            .ban_shown(Ban::of(user, EXPERIENCE).length(length.clone()))
            .await;
        let lasts = shown["expires"].as_u64().unwrap() - shown["created"].as_u64().unwrap();
        // The calendar decides whether a year has 365 or 366 days.
        assert!(
            [seconds, seconds + u64::from(length == "1y") * day].contains(&lasts),
            "{length}"
        );
    }
    for (user, length) in (101..).zip(absolute) {
        let shown = workspace
            .ban_shown(Ban::of(user, EXPERIENCE).length(length.clone()))
            .await;
        assert_eq!(shown["expires"], soon, "{length}");
    }
    let shown = workspace
        .ban_shown(Ban::of(200, EXPERIENCE).length("2099-01-31T18:00:00Z"))
        .await;
    assert_eq!(shown["expires"], 4_073_565_600_u64);
    for (user, length) in (300..).zip([json!(false), json!(0), json!("nonsense"), json!({})]) {
        let ban = Ban::of(user, EXPERIENCE)
            .permanent()
            .with("banLength", length);
        assert_eq!(workspace.ban_shown(ban).await["expires"], 0);
    }
}

#[tokio::test]
async fn an_existing_ban_is_409_and_nothing_changes() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let here = Ban::of(USER, EXPERIENCE).no_overwrite();
    let first = workspace.ban_shown(here.clone()).await;
    app.settle().await;
    let before = workspace.stored().await;
    let other_terms = here
        .clone()
        .moderator(9)
        .reasons("other", "other")
        .permanent();
    for again in [other_terms, here.clone().applied()] {
        let answer = workspace.try_ban(again).await;
        answer.assert_error(409, "already_banned");
        assert_eq!(answer.json()["ban"], first);
    }
    // The same call may repeat one whose answer was lost.
    assert_eq!(workspace.ban_shown(here.clone()).await, first);
    assert_eq!(workspace.stored().await, before);

    // Another scope does not conflict, and an Experience ban does not block a Global one.
    workspace.ban(Ban::of(USER, ELSEWHERE).no_overwrite()).await;
    let global = Ban::of(USER, EXPERIENCE).global().no_overwrite();
    let standing = workspace.ban_shown(global.clone()).await;

    // But a Global ban blocks an Experience ban, even in an experience without one.
    for stopped in [global.moderator(9), Ban::of(USER, 99).no_overwrite()] {
        let answer = workspace.try_ban(stopped).await;
        answer.assert_error(409, "already_banned");
        assert_eq!(answer.json()["ban"]["guid"], standing["guid"]);
    }
}

#[tokio::test]
async fn an_ended_ban_never_conflicts() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = || Ban::of(USER, EXPERIENCE).no_overwrite();
    workspace.ban(ban()).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    workspace.ban(ban()).await;
    workspace.ban(ban().appeal()).await;
    workspace.ban(ban().length(1)).await;
    next_second().await;
    let fourth = workspace.ban_shown(ban()).await;
    assert_eq!(fourth["uid"], 4);
    let ended: Vec<_> = workspace
        .bans()
        .await
        .iter()
        .map(|ban| ban["isActive"] == 0)
        .collect();
    assert_eq!(ended, [false, true, true, true]);
}

#[tokio::test]
async fn overwriting_changes_an_active_ban_in_place() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, ELSEWHERE)).await;
    let made = workspace
        .ban_shown(Ban::of(USER, EXPERIENCE).global())
        .await;
    next_second().await;
    let terms = Ban::of(USER, ELSEWHERE)
        .global()
        .permanent()
        .moderator(9)
        .reasons("p", "q");
    let changed = workspace.ban_shown(terms).await;
    for kept in [
        "guid",
        "uid",
        "created",
        "experienceId",
        "isGlobal",
        "workspaceGuid",
    ] {
        assert_eq!(changed[kept], made[kept], "{kept}");
    }
    let new = json!([9, "p", "q", 0]);
    let read = ["moderatorId", "privateReason", "publicReason", "expires"];
    assert_eq!(json!(read.map(|field| &changed[field])), new);
    assert!(changed["updated"].as_u64() > made["updated"].as_u64());
    assert_eq!(workspace.bans().await.len(), 2);
}

#[tokio::test]
async fn overwriting_without_a_ban_makes_a_new_one() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for number in 1..=3 {
        let shown = workspace.ban_shown(Ban::of(USER, EXPERIENCE)).await;
        assert_eq!(shown["uid"], number);
        workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    }
    let other = app.workspace().await;
    assert_eq!(other.ban_shown(Ban::of(USER, EXPERIENCE)).await["uid"], 1);
}

#[tokio::test]
async fn each_changed_term_is_pending_again() {
    let app = TestApp::start().await;
    let end = now() + 5000;
    let base = || Ban::of(USER, EXPERIENCE).length(end);
    let changes = [
        ("moderatorId", base().moderator(2)),
        ("privateReason", base().reasons("b", "text")),
        ("publicReason", base().reasons("text", "b")),
        ("expires", base().length(end + 1)),
        (
            "experienceUniversal",
            base().with("experienceUniversal", false),
        ),
    ];
    for (field, change) in changes {
        let workspace = app.workspace().await;
        let before = workspace.ban_shown(base().applied()).await;
        workspace.await_pending_bans(EXPERIENCE, &[]).await;
        let mut after = workspace.ban_shown(change).await;
        assert_ne!(after[field], before[field], "{field}");
        let pending = workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
        after["revision"] = 2.into();
        assert_eq!(pending[0], after);
        workspace.report(&pending[0], EXPERIENCE).await;
        workspace.await_pending_bans(EXPERIENCE, &[]).await;
    }
}

#[tokio::test]
async fn repeating_the_current_terms_changes_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).length(now() + 5000);
    workspace.ban(ban.clone().applied()).await;
    app.settle().await;
    let before = workspace.stored().await;
    workspace.ban(ban).await;
    assert_eq!(workspace.stored().await, before);
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
}

#[tokio::test]
async fn a_repeated_relative_length_is_the_same_request() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let first = workspace.ban_shown(Ban::of(USER, EXPERIENCE)).await;
    app.settle().await;
    let before = workspace.stored().await;
    next_second().await;
    assert_eq!(workspace.ban_shown(Ban::of(USER, EXPERIENCE)).await, first);
    assert_eq!(workspace.stored().await, before);
}

#[tokio::test]
async fn an_omitted_experience_universal_stays_unchanged() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).permanent();
    let off = ban.clone().with("experienceUniversal", false);
    assert_eq!(workspace.ban_shown(off).await["experienceUniversal"], 0);
    let changed = workspace.ban_shown(ban.reasons("a", "b")).await;
    assert_eq!(changed["experienceUniversal"], 0);
}

#[tokio::test]
async fn the_ban_that_ends_last_counts() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let end = now() + 5000;
    let here = Ban::of(USER, EXPERIENCE);
    let global = || Ban::of(USER, ELSEWHERE).global();
    workspace.ban(here.clone().length(end)).await;
    workspace.ban(global().length(end - 1)).await;
    assert_eq!(workspace.check(USER, EXPERIENCE).await["isGlobal"], false);
    // On a tie the Global ban counts.
    workspace.ban(global().length(end)).await;
    assert_eq!(workspace.check(USER, EXPERIENCE).await["isGlobal"], true);
    workspace.ban(here.permanent()).await;
    assert_eq!(workspace.check(USER, EXPERIENCE).await["isGlobal"], false);
    assert_eq!(workspace.check(USER, ELSEWHERE).await["isGlobal"], true);
    assert_eq!(workspace.check(USER, 99).await["isGlobal"], true);
}

#[tokio::test]
async fn a_caller_that_applied_its_decision_has_nothing_pending() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link(ELSEWHERE).await;
    let shown = workspace
        .ban_shown(Ban::of(1, EXPERIENCE).no_overwrite().applied())
        .await;
    assert_eq!(shown["experienceBanCompleted"], 1);
    workspace
        .ban(Ban::of(2, EXPERIENCE).global().applied())
        .await;
    app.settle().await;
    workspace.await_pending_bans(ELSEWHERE, &[2]).await;
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
}

#[tokio::test]
async fn an_accepted_appeal_ends_the_ban_in_its_scope() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let here = || Ban::of(USER, EXPERIENCE).permanent();
    let global = || here().global();
    workspace
        .try_ban(here().appeal())
        .await
        .assert_error(404, "not_found");
    assert_eq!(workspace.stored().await, Vec::<Value>::new());

    workspace.ban(here().applied()).await;
    workspace
        .try_ban(global().appeal())
        .await
        .assert_error(404, "not_found");
    workspace.ban(global()).await;
    let ended = workspace.ban_shown(here().appeal()).await;
    assert_eq!(
        (&ended["isAppealed"], &ended["isActive"]),
        (&json!(1), &json!(0))
    );
    // The Global ban keeps the user out, so it is pending in the experience, and no unban is.
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    // The same call repeats the one that ended the ban; a different call finds no ban to end.
    workspace.ban(here().appeal()).await;
    workspace
        .try_ban(here().moderator(2).appeal())
        .await
        .assert_error(404, "not_found");

    workspace.ban(global().appeal()).await;
    let seen = workspace.check(USER, EXPERIENCE).await;
    assert_eq!(
        (&seen["isBanned"], &seen["isAppealed"]),
        (&json!(false), &json!(true))
    );
    workspace.await_pending_unbans(EXPERIENCE, &[USER]).await;
    // With the same terms it would be a late report; without `overwrite` it is a new ban.
    workspace.ban(here().no_overwrite().applied()).await;
    assert_eq!(workspace.check(USER, EXPERIENCE).await["uid"], 3);
    let own = here().applied().appeal();
    workspace.ban(own).await;
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
}
