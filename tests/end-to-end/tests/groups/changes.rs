//! What a call changes at Roblox.

use end_to_end::TestApp;
use serde_json::json;
use shared::domain::rules::group_roles::RoleMode;

use crate::allowed_group::{GROUP, GroupWorkspace, MEMBER, VETERAN, call, rank_body};

#[tokio::test]
async fn rank_replaces_the_other_roles_except_the_base() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let changed = ours.rank(VETERAN, 10).await;
    changed.assert_ok();
    assert_eq!(changed.json(), json!({ "status": "ok" }));
    assert_eq!(ours.roles_of(VETERAN), [101, 110]);
    assert_eq!(
        ours.roblox().role_changes(),
        ["assign 110 157", "unassign 120 157", "unassign 121 157"]
    );
    ours.assert_calls_are_documented();
}

#[tokio::test]
async fn add_mode_keeps_the_other_roles() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::with(&app, |policy| policy.mode = RoleMode::Add).await;
    ours.rank(VETERAN, 10).await.assert_ok();
    assert_eq!(ours.roles_of(VETERAN), [101, 110, 120, 121]);
}

#[tokio::test]
async fn role_on_the_second_page_is_found() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.rank(MEMBER, 49).await.assert_ok();
    assert_eq!(ours.roles_of(MEMBER), [101, 1049]);
    ours.assert_calls_are_documented();
}

#[tokio::test]
async fn repeated_call_writes_nothing() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.rank(MEMBER, 10).await.assert_ok();
    app.settle().await;
    let before = ours.workspace.stored().await;
    for _ in 0..3 {
        ours.rank(MEMBER, 10).await.assert_ok();
    }
    assert_eq!(ours.roblox().role_changes(), ["assign 110 156"]);
    app.settle().await;
    assert_eq!(ours.workspace.stored().await, before);
    let posts = ours.roblox().exchanges();
    let posts = posts.iter().filter(|it| it.method == "POST").count();
    assert_eq!(posts, 1, "a repeat only reads");
}

#[tokio::test]
async fn representation_shows_the_roles_afterwards() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let preferring = call(&rank_body(VETERAN, 10)).prefer_representation();
    let answer = ours.workspace.send(preferring).await;
    let applied = answer.header("preference-applied");
    assert_eq!(applied, Some("return=representation"));
    let expected = json!([
        { "id": "101", "name": "Role 101", "rank": 1 },
        { "id": "110", "name": "Role 110", "rank": 10 },
    ]);
    assert_eq!(answer.json()["roles"], expected);
}

#[tokio::test]
async fn simultaneous_calls_for_two_ranks_leave_one_of_them() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    for _ in 0..5 {
        let (one, other) = tokio::join!(ours.rank(MEMBER, 10), ours.rank(MEMBER, 30));
        one.assert_ok();
        other.assert_ok();
        let held = ours.roles_of(MEMBER);
        assert!(held.contains(&110) || held.contains(&1030), "{held:?}");
        assert!(held.contains(&101), "{held:?}");
    }
}

#[tokio::test]
async fn idempotency_key_repeats_without_asking_roblox() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let named = |user| call(&rank_body(user, 10)).header("idempotency-key", "a");
    ours.workspace.send(named(MEMBER)).await.assert_ok();
    let before = ours.roblox().calls();
    ours.workspace.send(named(MEMBER)).await.assert_ok();
    assert_eq!(ours.roblox().calls(), before);
    let other = ours.workspace.send(named(VETERAN)).await;
    other.assert_wrong_fields(&["idempotency-key"]);
    assert_eq!(ours.roles_of(VETERAN), [101, 120, 121]);
}

#[tokio::test]
async fn role_id_chooses_among_roles_of_one_rank() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let ambiguous = ours.rank(MEMBER, 20).await;
    ambiguous.assert_error(409, "ambiguous");
    let errors = &ambiguous.json()["errors"];
    assert_eq!(
        (&errors[0]["message"], &errors[1]["message"]),
        (&json!("120"), &json!("121"))
    );
    let role = json!({ "userId": MEMBER, "groupId": GROUP, "roleId": "121", "reason": "r" });
    ours.try_change(&role).await.assert_ok();
    assert_eq!(ours.roles_of(MEMBER), [101, 121]);
}

#[tokio::test]
async fn role_created_after_the_list_was_cached_is_found() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.rank(MEMBER, 10).await.assert_ok();
    let roles = [(100, 0), (101, 1), (110, 10), (160, 60), (250, 250)];
    let group = local_stack::roblox::Group::new(&roles)
        .with(crate::allowed_group::BOT, &[101, 250])
        .with(MEMBER, &[101, 110]);
    ours.roblox().set_group(GROUP, group);
    ours.rank(MEMBER, 60).await.assert_ok();
    assert_eq!(ours.roles_of(MEMBER), [101, 160]);
}
