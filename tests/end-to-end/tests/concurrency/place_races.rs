//! Races between calls and the carrying over of a place's users: no ban is lost, doubled or lifted by
//! mistake.

use end_to_end::{ApiResponse, Ban, TestApp, Unban};
use futures::future::{join, join_all};
use shared::domain::ids::UserId;

use crate::audit::audit;
use crate::places::{PART, ROOT, announce, game};

#[tokio::test]
async fn calls_during_the_carry_over_see_each_ban_exactly_once() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    let users: Vec<u64> = (1..=24).collect();
    for user in &users {
        workspace.ban(Ban::of(*user, PART).permanent()).await;
    }
    let list = workspace.await_pending_bans(PART, &users).await;
    for function in ["ban-async", "unban-async", "is-banned", "pending-bans"] {
        app.replace(function).await;
    }
    let joining = announce(&workspace, 80_000).await;
    let races = users.iter().zip(&list).map(|(user, ban)| {
        let (workspace, joining) = (&workspace, &joining);
        async move {
            let store = workspace.app().store();
            let id = UserId::new(*user).unwrap();
            let carry = || async { store.carry_over(joining, id).await.unwrap() };
            let carried = join(carry(), carry());
            let check = workspace.try_check(*user, PART);
            let call: ApiResponse;
            let (_, check) = match user % 4 {
                0 => {
                    let done = join(
                        join(carried, check),
                        workspace.try_unban(Unban::of(*user, PART)),
                    );
                    let (both, answer) = done.await;
                    call = answer;
                    both
                }
                1 => {
                    let report = workspace.try_ban(Ban::reporting(ban, PART));
                    let (both, answer) = join(join(carried, check), report).await;
                    call = answer;
                    both
                }
                2 => {
                    let change = Ban::of(*user, PART).permanent().reasons("worse", "worse");
                    let done = join(join(carried, check), workspace.try_ban(change));
                    let (both, answer) = done.await;
                    call = answer;
                    both
                }
                _ => {
                    let again = Ban::of(*user, PART)
                        .permanent()
                        .no_overwrite()
                        .moderator(99);
                    let done = join(join(carried, check), workspace.try_ban(again));
                    let (_, answer) = done.await;
                    answer.assert_error(409, "already_banned");
                    return;
                }
            };
            call.assert_ok();
            assert!(
                user % 4 == 0 || check.json()["isBanned"] == true,
                "{user}: {check}"
            );
        }
    });
    join_all(races).await;
    let sound = audit(&workspace).await;
    for user in users {
        let is_banned = user % 4 != 0;
        for place in [ROOT, PART] {
            assert_eq!(
                workspace.is_banned(user, place).await,
                is_banned,
                "{user} in {place}"
            );
        }
        // The place's ban and the one that was carried over.
        assert_eq!(sound.records(user).len(), 2, "{user}");
    }
    // What was reported is applied; the rest is pending.
    let pending: Vec<u64> = (1..=24).filter(|user| user % 4 > 1).collect();
    let listed = workspace.pending_bans(PART).await;
    let mut listed: Vec<_> = listed
        .iter()
        .filter_map(|ban| ban["robloxId"].as_u64())
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, pending);
}

#[tokio::test]
async fn decisions_at_the_root_race_with_the_carry_over() {
    let app = TestApp::builder().instances(2).start().await;
    let workspace = game(&app).await;
    let users: Vec<u64> = (1..=16).collect();
    for user in &users {
        workspace
            .ban(Ban::of(*user, PART).permanent().reasons("part", "part"))
            .await;
    }
    let joining = announce(&workspace, 80_000).await;
    let races = users.iter().map(|user| {
        let (workspace, joining) = (&workspace, &joining);
        async move {
            let id = UserId::new(*user).unwrap();
            let store = workspace.app().store();
            let ban = Ban::of(*user, ROOT).length("1h").reasons("root", "root");
            let global = Ban::of(*user, ROOT).global().length("1h");
            let call = workspace.try_ban(if user % 2 == 0 { ban } else { global });
            let (carried, answer) = join(store.carry_over(joining, id), call).await;
            carried.unwrap();
            answer.assert_ok();
        }
    });
    join_all(races).await;
    for user in users {
        assert!(workspace.is_banned(user, ROOT).await, "{user}");
    }
    app.settle().await;
    audit(&workspace).await;
}
