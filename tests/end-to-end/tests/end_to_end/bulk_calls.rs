//! `POST /bans/bulk` and `POST /unbans/bulk`.

mod costs;
mod dry_runs;
mod limits;
mod refusals;
mod repeats;

use end_to_end::{ApiResponse, Ban, Bulk, KeySpec, TestApp, Unban, Workspace, bulk_results};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::UserId;
use shared::domain::keys::KeyScope;

use crate::routes::EXPERIENCE;

/// Sends a bulk call that must succeed.
async fn send(workspace: &Workspace<'_>, bulk: &Bulk) -> ApiResponse {
    let answer = workspace.send(bulk.call()).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer
}

/// The result and the code of each user.
async fn outcomes(workspace: &Workspace<'_>, bulk: &Bulk) -> Vec<String> {
    let results = bulk_results(&send(workspace, bulk).await);
    let outcome = |(_, result, code): (u64, String, Option<String>)| match code {
        Some(code) => format!("{result} {code}"),
        None => result,
    };
    results.into_iter().map(outcome).collect()
}

async fn protect(workspace: &Workspace<'_>, user: u64) {
    let (store, user) = (workspace.app().store(), UserId::new(user).unwrap());
    let protected = store.protect(workspace.id().prefix(), user, UnixSeconds(1));
    protected.await.unwrap();
}

#[tokio::test]
async fn each_user_of_a_bulk_ban_is_handled_like_a_single_call() {
    // The proxy also enforces the functions' roles.
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(2, EXPERIENCE).permanent()).await;
    workspace.ban(Ban::of(3, EXPERIENCE).permanent()).await;
    workspace
        .ban(Ban::of(4, EXPERIENCE).permanent().global())
        .await;
    workspace.ban(Ban::of(5, EXPERIENCE)).await;
    workspace.unban(Unban::of(5, EXPERIENCE)).await;
    protect(&workspace, 6).await;
    let users = json!([
        1,
        "2",
        { "userId": 3, "overwrite": true, "banPublicReason": "Worse" },
        4,
        5.0,
        6,
        { "userId": 7, "banType": "Global", "banLengthType": "Permanent" },
    ]);
    let bulk = Bulk::bans(EXPERIENCE, users.as_array().unwrap().clone());
    let answer = send(&workspace, &bulk).await;
    let expected = [
        (1, "banned", None),
        (2, "refused", Some("already_banned")),
        (3, "changed", None),
        (4, "refused", Some("already_banned")),
        (5, "banned", None),
        (6, "refused", Some("protected_user")),
        (7, "banned", None),
    ];
    let text = |code: Option<&str>| code.map(str::to_owned);
    let expected = expected.map(|(user, result, code)| (user, result.to_owned(), text(code)));
    assert_eq!(bulk_results(&answer), expected);

    let results = answer.success()["results"].clone();
    for (index, user) in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 7)] {
        let check = workspace.check(user, EXPERIENCE).await;
        assert_eq!(check["guid"], results[index]["guid"], "{user}");
        assert_eq!(check["isBanned"], true, "{user}");
    }
    assert_eq!(results[5].get("guid"), None);
    let changed = workspace.check(3, EXPERIENCE).await;
    assert_eq!(
        (&changed["publicReason"], &changed["isGlobal"]),
        (&json!("Worse"), &json!(false))
    );
    assert_eq!(workspace.check(7, 1).await["isGlobal"], true);
    let listed = workspace.bans().await;
    let mut uids: Vec<_> = listed
        .iter()
        .filter_map(|ban| ban["uid"].as_u64())
        .collect();
    uids.sort_unstable();
    uids.dedup();
    assert_eq!(uids.len(), listed.len(), "a number was used twice");
    app.settle().await;
    let events = workspace
        .send(end_to_end::Call::get("/events"))
        .await
        .list();
    let made = events
        .iter()
        .filter(|event| event["event"] == "GAME_BANNED");
    assert_eq!(made.count(), 4 + 3);
}

#[tokio::test]
async fn each_user_of_a_bulk_unban_is_handled_like_a_single_call() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, EXPERIENCE).applied()).await;
    workspace.ban(Ban::of(2, EXPERIENCE).global()).await;
    workspace.ban(Ban::of(3, EXPERIENCE)).await;
    workspace.unban(Unban::of(3, EXPERIENCE)).await;
    workspace.ban(Ban::of(5, EXPERIENCE).applied()).await;
    workspace.ban(Ban::of(5, EXPERIENCE).global()).await;
    let users = json!([1, 2, 3, 4, { "userId": 5, "reason": "Both", "moderatorId": 8 }]);
    let bulk = Bulk::unbans(EXPERIENCE, users.as_array().unwrap().clone())
        .default("reason", "Wrong users");
    let limited = KeySpec::scopes(&[KeyScope::WriteBans, KeyScope::BulkBans]);
    let limited = workspace.with_key(&workspace.make_key(limited).await);
    let expected = [
        "unbanned",
        "refused forbidden",
        "unchanged",
        "refused not_found",
        "refused forbidden",
    ];
    assert_eq!(outcomes(&limited, &bulk).await, expected);
    let expected = [
        "unchanged",
        "unbanned",
        "unchanged",
        "refused not_found",
        "unbanned",
    ];
    assert_eq!(outcomes(&workspace, &bulk).await, expected);
    for user in 1..=5 {
        assert!(!workspace.is_banned(user, EXPERIENCE).await, "{user}");
    }
    workspace.await_pending_unbans(EXPERIENCE, &[1, 5]).await;
    let guid = workspace.check(5, EXPERIENCE).await["guid"].clone();
    let history = crate::routes::ban_history(guid.as_str().unwrap());
    let history = workspace.send(history).await.success();
    let lifted = &history["events"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(lifted["event"], "GAME_UNBANNED", "{history}");
}

#[tokio::test]
async fn parameters_of_the_single_call_apply_to_all_users() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let bulk = Bulk::bans(EXPERIENCE, [1, 2]).default("banLength", 4_102_444_800_u64);
    let applied = bulk.clone().query("experienceBanCompleted", true);
    assert_eq!(outcomes(&workspace, &bulk).await, ["banned"; 2]);
    workspace.await_pending_bans(EXPERIENCE, &[1, 2]).await;
    let report = applied.with("overwrite", true);
    assert_eq!(outcomes(&workspace, &report).await, ["unchanged"; 2]);
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
    let appeal = bulk.query("isAppeal", true);
    assert_eq!(outcomes(&workspace, &appeal).await, ["unbanned"; 2]);
    assert_eq!(workspace.check(1, EXPERIENCE).await["isAppealed"], true);
    assert_eq!(outcomes(&workspace, &appeal).await, ["unchanged"; 2]);
    let unban = Bulk::unbans(EXPERIENCE, [1, 2]).query("confirmOnly", true);
    assert_eq!(outcomes(&workspace, &unban).await, ["unchanged"; 2]);
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
}

#[tokio::test]
async fn first_bulk_call_links_its_experience_once() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    assert_eq!(
        outcomes(&workspace, &Bulk::bans(EXPERIENCE, 1..=40)).await,
        ["banned"; 40]
    );
    let items = workspace.stored().await;
    let is_link = |item: &&Value| item["kind"]["S"] == "link";
    assert_eq!(items.iter().filter(is_link).count(), 1);
    let slots = items.iter().find(|item| item["sk"]["S"] == "X").cloned();
    if let Some(slots) = slots {
        assert_eq!(slots["value"]["N"], "1", "{slots}");
    }
    workspace
        .await_pending_bans(EXPERIENCE, &(1..=40).collect::<Vec<_>>())
        .await;
}
