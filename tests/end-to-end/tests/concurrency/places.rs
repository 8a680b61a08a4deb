//! Games with several places: a part acts as its root, and no banned user gets in while it joins.

use end_to_end::requests::{change_report, reports_call};
use end_to_end::{Ban, Bulk, Call, TestApp, Unban, Workspace};
use serde_json::Value;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::ExperienceId;
use shared::domain::places::Join;
use shared::domain::rules::{Change, ReportedAttempt};
use shared::store::{BackfillPosition, Joining};

use crate::audit::audit;

pub const ROOT: u64 = 7_001;
pub const PART: u64 = 7_002;

/// Ages of a join, in milliseconds, in its phases.
const ANNOUNCED: u64 = 1_000;
pub const SETTLING: u64 = 80_000;

const ROUTES: [&str; 7] = [
    "is-banned",
    "ban-async",
    "unban-async",
    "pending-bans",
    "pending-unbans",
    "bans",
    "export-bans-json",
];

fn place(id: u64) -> ExperienceId {
    ExperienceId::new(id).unwrap()
}

/// A workspace with two linked places.
pub async fn game(app: &TestApp) -> Workspace<'_> {
    let workspace = app.workspace().await;
    workspace.link(ROOT).await;
    workspace.link(PART).await;
    workspace
}

/// Begins a join this long ago. Functions that know the place do not notice.
pub async fn announce(workspace: &Workspace<'_>, age: u64) -> Joining {
    let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
    let announced = UnixMillis::from_millis(UnixMillis::now().millis() - age);
    let (part, root) = (place(PART), place(ROOT));
    let made = store.announce_join(prefix, part, root, announced).await;
    assert!(made.unwrap());
    Joining {
        prefix,
        part,
        join: Join {
            root,
            announced,
            is_complete: false,
        },
        principal: None,
        request_id: "test".to_owned(),
    }
}

/// Begins a join this long ago, and lets all functions know.
pub async fn join(workspace: &Workspace<'_>, age: u64) -> Joining {
    let joining = announce(workspace, age).await;
    know(workspace).await;
    joining
}

pub async fn know(workspace: &Workspace<'_>) {
    for route in ROUTES {
        workspace.app().replace(route).await;
    }
}

/// Carries all users over, completes the join, and lets all functions know.
pub async fn complete(workspace: &Workspace<'_>, joining: &Joining) -> u64 {
    let carried = carry_over(workspace, joining).await;
    assert!(
        workspace
            .app()
            .store()
            .complete_join(joining)
            .await
            .unwrap()
    );
    know(workspace).await;
    carried
}

async fn carry_over(workspace: &Workspace<'_>, joining: &Joining) -> u64 {
    let (mut at, mut carried) = (Some(BackfillPosition::default()), 0);
    while let Some(from) = at {
        let page = workspace
            .app()
            .store()
            .carry_over_some(joining, &from)
            .await;
        let page = page.unwrap();
        carried += page.carried;
        at = page.next;
    }
    carried
}

fn users(list: &[Value]) -> Vec<u64> {
    list.iter()
        .map(|ban| ban["robloxId"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn joined_place_acts_as_its_root() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    workspace.ban(Ban::of(1, ROOT)).await;
    let joining = join(&workspace, SETTLING).await;
    complete(&workspace, &joining).await;

    // Decisions, checks, polls and reports.
    workspace.ban(Ban::of(2, PART)).await;
    for user in [1, 2] {
        for place in [ROOT, PART] {
            assert!(workspace.is_banned(user, place).await, "{user} in {place}");
        }
    }
    assert_eq!(workspace.check(2, PART).await["experienceId"], ROOT);
    let list = workspace.await_pending_bans(PART, &[1, 2]).await;
    assert_eq!(list, workspace.pending_bans(ROOT).await);
    workspace.report(&list[0], PART).await;
    workspace.await_pending_bans(ROOT, &[2]).await;
    workspace.unban(Unban::of(1, PART)).await;
    assert!(!workspace.is_banned(1, ROOT).await);
    workspace.await_pending_unbans(ROOT, &[1]).await;
    workspace.report_unban(1, PART).await;
    workspace.await_pending_unbans(PART, &[]).await;

    // Lists and exports.
    for place in [ROOT, PART] {
        let call = Call::get("/bans").query("experienceId", place);
        assert_eq!(users(&workspace.all_pages(call).await), [2, 1]);
        let call = Call::get("/export/bans/json").query("experienceId", place);
        let exported = workspace.send(call).await.json();
        assert_eq!(users(exported["list"].as_array().unwrap()), [2, 1]);
    }
    audit(&workspace).await;
}

#[tokio::test]
async fn bans_of_both_places_hold_in_every_phase() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    workspace.ban(Ban::of(1, ROOT)).await;
    workspace.ban(Ban::of(2, PART)).await;
    workspace.ban(Ban::of(3, ROOT).global()).await;
    let holds = async |users: &[u64]| {
        for user in users {
            assert!(workspace.is_banned(*user, PART).await, "{user}");
        }
        assert!(!workspace.is_banned(9, PART).await);
    };
    let joining = join(&workspace, ANNOUNCED).await;
    holds(&[1, 2, 3]).await;
    // Decisions still act in the part.
    workspace.ban(Ban::of(4, PART)).await;
    assert!(!workspace.is_banned(4, ROOT).await);
    holds(&[1, 2, 3, 4]).await;

    let store = app.store();
    assert!(
        store
            .leave_root(joining.prefix, joining.part, joining.join)
            .await
            .unwrap()
    );
    let joining = join(&workspace, SETTLING).await;
    holds(&[1, 2, 3, 4]).await;
    // Decisions act in the root, and carry their user over first.
    workspace.ban(Ban::of(5, PART)).await;
    assert!(workspace.is_banned(5, ROOT).await);
    let again = Ban::of(2, PART).no_overwrite().moderator(77);
    workspace
        .try_ban(again)
        .await
        .assert_error(409, "already_banned");
    assert!(workspace.is_banned(2, ROOT).await);
    workspace.unban(Unban::of(4, PART)).await;
    holds(&[1, 2, 3, 5]).await;
    for place in [ROOT, PART] {
        assert!(!workspace.is_banned(4, place).await);
    }

    assert_eq!(complete(&workspace, &joining).await, 0);
    holds(&[1, 2, 3, 5]).await;
    assert!(!workspace.is_banned(4, PART).await);
    audit(&workspace).await;
}

#[tokio::test]
async fn warm_functions_that_do_not_know_a_join_let_no_banned_user_in() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    // All functions cache that the place is no part.
    workspace.ban(Ban::of(1, PART)).await;
    workspace.unban(Unban::of(1, PART)).await;
    assert!(!workspace.is_banned(1, PART).await);
    let joining = announce(&workspace, ANNOUNCED).await;
    // A warm function decides; a warm and a cold one check.
    workspace.ban(Ban::of(2, PART)).await;
    assert!(workspace.is_banned(2, PART).await);
    app.replace("is-banned").await;
    assert!(workspace.is_banned(2, PART).await);
    // A cold function decides; a warm one checks.
    app.replace("ban-async").await;
    workspace.ban(Ban::of(3, PART)).await;
    assert!(workspace.is_banned(3, PART).await);
    assert_eq!(carry_over(&workspace, &joining).await, 2);
    for user in [2, 3] {
        assert!(workspace.is_banned(user, ROOT).await, "{user}");
    }
    audit(&workspace).await;
}

#[tokio::test]
async fn what_the_place_had_applied_counts_as_applied_by_the_root() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    workspace.ban(Ban::of(1, PART).applied()).await;
    workspace.ban(Ban::of(2, PART)).await;
    workspace.ban(Ban::of(3, PART).applied()).await;
    workspace.unban(Unban::of(3, PART)).await;
    workspace.ban(Ban::of(4, ROOT).global().permanent()).await;
    app.settle().await;
    let list = workspace.await_pending_bans(PART, &[2, 4]).await;
    workspace.report(&list[1], PART).await;
    let joining = join(&workspace, SETTLING).await;
    assert_eq!(carry_over(&workspace, &joining).await, 2);
    complete(&workspace, &joining).await;
    workspace.await_pending_bans(PART, &[2]).await;
    workspace.await_pending_unbans(PART, &[3]).await;
    let call = Unban::of(3, PART).reason("[luauCRON]: done");
    workspace.unban(call).await;
    workspace.await_pending_unbans(ROOT, &[]).await;
    // A second pass finds nothing.
    let before = workspace.stored().await;
    assert_eq!(carry_over(&workspace, &joining).await, 0);
    assert_eq!(workspace.stored().await, before);
    audit(&workspace).await;
}

#[tokio::test]
async fn late_report_of_the_places_old_ban_changes_no_decision() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    workspace
        .ban(Ban::of(1, ROOT).permanent().reasons("root", "root"))
        .await;
    workspace
        .ban(Ban::of(1, PART).length("1h").reasons("part", "part"))
        .await;
    workspace.ban(Ban::of(2, PART).permanent()).await;
    let list = workspace.await_pending_bans(PART, &[1, 2]).await;
    let joining = join(&workspace, SETTLING).await;
    for ban in &list {
        workspace.report(ban, PART).await;
    }
    assert_eq!(complete(&workspace, &joining).await, 0);
    assert_eq!(workspace.check(1, PART).await["privateReason"], "root");
    // It has yet to apply the root's ban, and it has applied the carried one.
    workspace.await_pending_bans(PART, &[1]).await;
    workspace.report(&list[0], PART).await;
    assert_eq!(workspace.check(1, PART).await["privateReason"], "root");
    audit(&workspace).await;
}

#[tokio::test]
async fn report_of_the_roots_ban_is_known_before_the_place_settles_and_after_it_left() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    workspace.ban(Ban::of(1, ROOT).permanent()).await;
    let list = workspace.await_pending_bans(ROOT, &[1]).await;
    let report = change_report(&list[0], Change::Ban, ReportedAttempt::Applied);
    let call = reports_call(place(PART), &report);
    let status = async || {
        let answer = workspace.send(call.clone()).await.success();
        answer["results"][0]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status().await, "unknown");
    app.replace("reports").await;
    let joining = join(&workspace, ANNOUNCED).await;
    // Nothing of the user is in the place itself.
    assert_eq!(status().await, "superseded");
    let check = workspace.check(1, PART).await;
    assert_eq!(
        (&check["isBanned"], &check["experienceBanCompleted"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    workspace.report(&list[0], ROOT).await;
    // What the root has applied, the place has not.
    let check = workspace.check(1, PART).await;
    assert_eq!(check["experienceBanCompleted"], false);
    let (prefix, part) = (joining.prefix, joining.part);
    let left = app.store().leave_root(prefix, part, joining.join).await;
    assert!(left.unwrap());
    app.replace("reports").await;
    assert_eq!(status().await, "superseded");
    audit(&workspace).await;
}

#[tokio::test]
async fn role_of_every_deciding_route_lets_it_carry_its_user_over() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = game(&app).await;
    for user in 1..=5 {
        workspace.ban(Ban::of(user, PART).permanent()).await;
    }
    let list = workspace.await_pending_bans(PART, &[1, 2, 3, 4, 5]).await;
    for route in ["ban-async", "pending-bans"] {
        app.replace(route).await;
    }
    announce(&workspace, SETTLING).await;
    workspace.ban(Ban::of(1, PART).reasons("x", "x")).await;
    workspace.unban(Unban::of(2, PART)).await;
    let report = change_report(&list[2], Change::Ban, ReportedAttempt::Applied);
    let answers = [
        workspace.send(reports_call(place(PART), &report)).await,
        workspace.send(Bulk::bans(PART, [4]).call()).await,
        workspace.send(Bulk::unbans(PART, [5]).call()).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer}");
    }
    for user in 1..=5 {
        let is_banned = ![2, 5].contains(&user);
        assert_eq!(workspace.is_banned(user, ROOT).await, is_banned, "{user}");
    }
    assert!(app.denied().is_empty(), "{:?}", app.denied());
}

#[tokio::test]
async fn place_that_has_left_keeps_what_was_not_carried_over() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    workspace.ban(Ban::of(1, PART)).await;
    let joining = join(&workspace, SETTLING).await;
    let store = app.store();
    assert!(
        store
            .leave_root(joining.prefix, joining.part, joining.join)
            .await
            .unwrap()
    );
    // Both the pass and a function that does not know it yet.
    let page = store
        .carry_over_some(&joining, &BackfillPosition::default())
        .await;
    let mut position = page.as_ref().ok().and_then(|page| page.next.clone());
    let mut failed = page.is_err();
    while let Some(at) = position {
        let page = store.carry_over_some(&joining, &at).await;
        failed |= page.is_err();
        position = page.ok().and_then(|page| page.next);
    }
    assert!(failed, "it carried over");
    assert!(!store.complete_join(&joining).await.unwrap());
    know(&workspace).await;
    assert!(workspace.is_banned(1, PART).await);
    assert!(!workspace.is_banned(1, ROOT).await);
    audit(&workspace).await;
}
