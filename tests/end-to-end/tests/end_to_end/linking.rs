//! Which experiences a ban reaches, and how they become linked.

use std::time::Duration;

use end_to_end::{Ban, Call, KeySpec, TestApp, Unban, Workspace, eventually, next_second};
use futures::future::join_all;
use serde_json::{Value, json};
use shared::domain::ids::ExperienceId;
use shared::domain::keys::KeyScope;
use shared::store::SELF_LINKED;

use crate::routes::{CHECKS, EXPERIENCE, USER, every_route};

async fn linked(workspace: &Workspace<'_>) -> Vec<u64> {
    let items = workspace
        .app()
        .items(&format!("{}#X", workspace.prefix()))
        .await;
    items
        .iter()
        .map(|item| item["sk"]["S"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn a_global_ban_reaches_250_linked_experiences() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.link_all(1..=250).await;
    let shown = workspace
        .ban_shown(Ban::of(USER, 1).global().permanent())
        .await;
    app.settle().await;
    let mut item = shown.clone();
    item["revision"] = 1.into();
    for experience in 1..=250 {
        let pending = workspace.await_pending_bans(experience, &[USER]).await;
        assert_eq!(pending[0], item, "{experience}");
    }
    for experience in [7, 250] {
        workspace.report(&shown, experience).await;
    }
    workspace.unban(Unban::of(USER, 1)).await;
    app.settle().await;
    for experience in 1..=250 {
        let users: &[u64] = if [7, 250].contains(&experience) {
            &[USER]
        } else {
            &[]
        };
        workspace.await_pending_bans(experience, &[]).await;
        workspace.await_pending_unbans(experience, users).await;
    }
}

#[tokio::test]
async fn a_changed_global_ban_is_pending_again_everywhere() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for experience in 1..=3 {
        workspace.link(experience).await;
    }
    let ban = || Ban::of(USER, 1).global().permanent();
    let shown = workspace.ban_shown(ban()).await;
    app.settle().await;
    for experience in 1..=3 {
        workspace.report(&shown, experience).await;
        workspace.await_pending_bans(experience, &[]).await;
    }
    let mut changed = workspace.ban_shown(ban().reasons("more", "more")).await;
    changed["revision"] = 2.into();
    app.settle().await;
    for experience in 1..=3 {
        assert_eq!(
            workspace.await_pending_bans(experience, &[USER]).await,
            [changed.clone()]
        );
    }
}

#[tokio::test]
async fn a_newly_linked_experience_gets_the_active_global_bans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let standing: Vec<u64> = (1..=60).collect();
    for user in &standing {
        workspace
            .ban(Ban::of(*user, EXPERIENCE).global().permanent())
            .await;
    }
    workspace
        .ban(Ban::of(101, EXPERIENCE).global().permanent())
        .await;
    workspace.unban(Unban::of(101, EXPERIENCE)).await;
    workspace
        .ban(Ban::of(102, EXPERIENCE).global().length(1))
        .await;
    workspace.ban(Ban::of(103, EXPERIENCE).permanent()).await;
    next_second().await;
    app.settle().await;

    assert!(
        workspace.is_banned(1, 9).await,
        "a check does not wait for a link"
    );
    assert_eq!(linked(&workspace).await, [EXPERIENCE]);
    workspace
        .send(Call::get("/pending-bans").query("experienceId", 9))
        .await
        .success();
    workspace.await_pending_bans(9, &standing).await;
    assert!(!workspace.is_banned(103, 9).await);
    assert_eq!(linked(&workspace).await, [9, EXPERIENCE]);
}

#[tokio::test]
async fn only_a_decision_report_or_poll_links_an_experience() {
    let app = TestApp::start().await;
    let linking = [
        "ban-async",
        "unban-async",
        "reports",
        "pending-bans",
        "pending-unbans",
    ];
    for (name, call) in every_route() {
        let workspace = app.workspace().await;
        if name == "unban-async" {
            // Another experience's Global ban, since no one was banned here before.
            workspace.ban(Ban::of(USER, 7).global()).await;
        }
        assert_eq!(workspace.send(call).await.status, 200, "{name}");
        let is_linked = linked(&workspace).await.contains(&EXPERIENCE);
        assert_eq!(is_linked, linking.contains(&name), "{name}");
    }
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, 7).permanent().global()).await;
    workspace
        .ban(Ban::of(USER, EXPERIENCE).permanent().global().applied())
        .await;
    assert_eq!(linked(&workspace).await, [7, EXPERIENCE], "a report");
}

#[tokio::test]
async fn a_read_only_key_links_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let reader = workspace
        .make_key(KeySpec::scopes(&[KeyScope::ReadBans]))
        .await;
    for (name, call) in every_route() {
        if !["ban-async", "unban-async", "reports"].contains(&name) {
            let answer = workspace.send(call.key(&reader)).await;
            assert_eq!(answer.status, 200, "{name}: {answer}");
        }
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

/// Leaves this many slots for automatic linking.
pub async fn leave_slots(workspace: &Workspace<'_>, left: u64) {
    let counter = json!({
        "pk": { "S": format!("{}#Y", workspace.prefix()) }, "sk": { "S": "links" },
        "kind": { "S": "counter" }, "value": { "N": (SELF_LINKED - left).to_string() },
    });
    workspace.app().put_item(&counter).await;
}

fn poll(experience: u64) -> Call {
    Call::get("/pending-bans").query("experienceId", experience)
}

#[tokio::test]
async fn over_the_link_limit_bans_hold_but_nothing_is_pending_until_linked() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    leave_slots(&workspace, 1).await;
    workspace.ban(Ban::of(1, 7).permanent()).await;
    assert_eq!(linked(&workspace).await, [7]);

    let answer = workspace.try_ban(Ban::of(2, 8).permanent()).await;
    answer.assert_ok();
    let line = app.log_of("ban-async", &answer).await;
    assert_eq!(line["linkLimitReached"], 1, "{line}");
    workspace.ban(Ban::of(3, 8).permanent().applied()).await;
    workspace.unban(Unban::of(3, 8)).await;
    workspace.ban(Ban::of(4, 7).permanent().global()).await;
    app.settle().await;
    for user in [2, 4] {
        assert!(workspace.is_banned(user, 8).await, "{user}");
    }
    let answer = workspace.send(poll(8)).await;
    assert_eq!(answer.list(), Vec::<Value>::new());
    let line = app.log_of("pending-bans", &answer).await;
    assert_eq!(line["linkLimitReached"], 1, "{line}");
    assert_eq!(workspace.pending_unbans(8).await, Vec::<Value>::new());
    assert_eq!(linked(&workspace).await, [7]);
    let slots = app
        .store()
        .link_slots(workspace.id().prefix())
        .await
        .unwrap();
    assert_eq!(
        (slots.taken, slots.refused),
        (SELF_LINKED, ExperienceId::new(8))
    );

    // Linked experiences continue as before.
    workspace.await_pending_bans(7, &[1, 4]).await;
    // The operator links any number, and earlier bans become pending.
    workspace.link(8).await;
    app.settle().await;
    workspace.await_pending_bans(8, &[2, 4]).await;
    workspace.await_pending_unbans(8, &[3]).await;
}

#[tokio::test]
async fn concurrent_first_calls_link_only_up_to_the_limit() {
    let app = TestApp::builder().instances(4).start().await;
    let workspace = app.workspace().await;
    leave_slots(&workspace, 5).await;
    let calls = (1..=20).flat_map(|place| [poll(place), Ban::of(place, place).call()]);
    let answers = join_all(calls.map(|call| workspace.send(call))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer}");
    }
    // Two calls of one experience may briefly take a slot each, so that another experience finds
    // none.
    let links = linked(&workspace).await.len();
    assert!((1..=5).contains(&links), "{links}");
    let slots = app
        .store()
        .link_slots(workspace.id().prefix())
        .await
        .unwrap();
    let used = u64::try_from(links).unwrap();
    assert_eq!(slots.taken, SELF_LINKED - 5 + used);
}

#[tokio::test]
async fn concurrent_first_calls_of_one_experience_use_one_slot() {
    let app = TestApp::builder().instances(4).start().await;
    let workspace = app.workspace().await;
    let calls = (1..=20).map(|user| Ban::of(user, 7).permanent().call());
    for answer in join_all(calls.map(|call| workspace.send(call))).await {
        answer.assert_ok();
    }
    let slots = app
        .store()
        .link_slots(workspace.id().prefix())
        .await
        .unwrap();
    assert_eq!((linked(&workspace).await, slots.taken), (vec![7], 1));
    eventually("all bans are pending", async || {
        let pending = workspace.pending_bans(7).await;
        let users = pending.iter().filter_map(|ban| ban["robloxId"].as_u64());
        let users: std::collections::BTreeSet<u64> = users.collect();
        (users == (1..=20).collect()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_failed_call_links_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, 7).global()).await;
    let failing = [
        Ban::of(USER, EXPERIENCE).no_overwrite().call(),
        Ban::of(1, EXPERIENCE).appeal().call(),
        Ban::of(1, EXPERIENCE).moderator(0).call(),
        Unban::of(1, EXPERIENCE).call(),
        Call::get("/bans")
            .query("experienceId", EXPERIENCE)
            .query("limit", 0),
        Call::get("/pending-bans")
            .query("experienceId", EXPERIENCE)
            .query("cursor", "x"),
    ];
    for call in failing {
        let answer = workspace.send(call).await;
        assert!(answer.status >= 400, "{answer}");
        assert_eq!(linked(&workspace).await, [7], "{answer}");
    }
}

#[tokio::test]
async fn under_strict_linking_only_the_operator_links() {
    let app = TestApp::start().await;
    let workspace = app.strict_workspace().await;
    for (name, call) in every_route() {
        let answer = workspace.send(call).await;
        match name {
            _ if CHECKS.contains(&name) => assert_eq!(answer.status, 200, "{answer}"),
            _ => answer.assert_error(403, "forbidden"),
        }
    }
    assert_eq!(workspace.stored().await, Vec::<Value>::new());

    workspace.link(EXPERIENCE).await;
    for (name, call) in every_route() {
        assert_eq!(workspace.send(call).await.status, 200, "{name}");
    }
    // Lists that name no experience need no link.
    for route in ["/bans", "/export/bans/json", "/export/bans/csv"] {
        assert_eq!(
            workspace.send(Call::get(route)).await.status,
            200,
            "{route}"
        );
    }
    assert_eq!(linked(&workspace).await, [EXPERIENCE]);
}

#[tokio::test]
async fn under_strict_linking_a_global_ban_holds_everywhere() {
    let app = TestApp::start().await;
    let workspace = app.strict_workspace().await;
    for experience in [1, 2] {
        workspace.link(experience).await;
    }
    workspace.ban(Ban::of(USER, 1).global().permanent()).await;
    app.settle().await;
    workspace.await_pending_bans(2, &[USER]).await;
    assert!(workspace.is_banned(USER, 3).await);
    workspace.link(3).await;
    app.settle().await;
    workspace.await_pending_bans(3, &[USER]).await;
}

#[tokio::test]
async fn a_ban_records_where_it_was_made() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, 7).global()).await;
    let seen = workspace.check(USER, EXPERIENCE).await;
    assert_eq!(seen["experienceId"], 7);
    let recorded = |experience: u64| Call::get("/bans").query("experienceId", experience);
    assert_eq!(workspace.all_pages(recorded(7)).await.len(), 1);
    assert_eq!(
        json!(workspace.all_pages(recorded(EXPERIENCE)).await),
        json!([])
    );
}
