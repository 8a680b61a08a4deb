//! The polls `GET /pending-bans` and `GET /pending-unbans`.

use end_to_end::{Ban, Call, TestApp, Unban, Workspace, eventually, next_second, now};
use serde_json::Value;

use crate::routes::EXPERIENCE;

fn poll(route: &str) -> Call {
    Call::get(route).query("experienceId", EXPERIENCE)
}

fn users(list: &[Value]) -> Vec<u64> {
    list.iter()
        .map(|item| item["robloxId"].as_u64().unwrap())
        .collect()
}

/// Bans users one after the other, the last of them first by number.
async fn ban_users(workspace: &Workspace<'_>, count: u64) -> Vec<u64> {
    let users: Vec<_> = (1..=count).rev().collect();
    for user in &users {
        workspace.ban(Ban::of(*user, EXPERIENCE).permanent()).await;
    }
    users
}

/// The pages of a call, each with its users.
async fn pages(workspace: &Workspace<'_>, call: &Call, limit: usize) -> Vec<Vec<u64>> {
    let mut pages = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let call = call.clone().query("limit", limit);
        let call = match &cursor {
            Some(cursor) => call.query("cursor", cursor),
            None => call,
        };
        let answer = workspace.send(call).await;
        pages.push(users(&answer.list()));
        cursor = answer.next_cursor();
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn pending_bans_are_paged_oldest_first() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let all = ban_users(&workspace, 7).await;
    workspace.await_pending_bans(EXPERIENCE, &all).await;
    for limit in [1, 2, 3, 6] {
        let expected: Vec<_> = all.chunks(limit).map(<[u64]>::to_vec).collect();
        assert_eq!(
            pages(&workspace, &poll("/pending-bans"), limit).await,
            expected,
            "{limit}"
        );
    }
    for limit in [7, 8, 1000] {
        assert_eq!(
            pages(&workspace, &poll("/pending-bans"), limit).await,
            [all.clone()]
        );
    }
}

#[tokio::test]
async fn pending_unbans_are_paged_oldest_first() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=5 {
        workspace
            .ban(Ban::of(user, EXPERIENCE).permanent().applied())
            .await;
    }
    let mut all = Vec::new();
    for user in [4, 2, 5, 1, 3] {
        workspace.unban(Unban::of(user, EXPERIENCE)).await;
        all.push(user);
        // Oldest by the second in which it became due.
        if all.len() == 2 || all.len() == 3 {
            next_second().await;
        }
    }
    let listed = workspace.pending_unbans(EXPERIENCE).await;
    let (first, rest) = (users(&listed[..2]), users(&listed[2..3]));
    assert!(
        [[4, 2], [2, 4]].iter().any(|order| first == order),
        "{listed:?}"
    );
    assert_eq!(rest, [5]);
    let all = users(&listed);
    for limit in [1, 2, 4, 5] {
        let expected: Vec<_> = all.chunks(limit).map(<[u64]>::to_vec).collect();
        assert_eq!(
            pages(&workspace, &poll("/pending-unbans"), limit).await,
            expected,
            "{limit}"
        );
    }
}

#[tokio::test]
async fn pages_hold_100_items_by_default() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let all = ban_users(&workspace, 101).await;
    let first = workspace.send(poll("/pending-bans")).await;
    assert_eq!(users(&first.list()), all[..100]);
    let cursor = first.next_cursor().expect("a cursor");
    let second = workspace
        .send(poll("/pending-bans").query("cursor", cursor))
        .await;
    assert_eq!(users(&second.list()), all[100..]);
    assert_eq!(second.next_cursor(), None);
}

#[tokio::test]
async fn paging_continues_after_entries_were_reported() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let all = ban_users(&workspace, 6).await;
    let first = workspace
        .send(poll("/pending-bans").query("limit", 3))
        .await;
    for item in first.list() {
        workspace.report(&item, EXPERIENCE).await;
    }
    let next = poll("/pending-bans").query("cursor", first.next_cursor().unwrap());
    assert_eq!(users(&workspace.send(next).await.list()), all[3..]);
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_list() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let other = app.workspace().await;
    for workspace in [&workspace, &other] {
        ban_users(workspace, 3).await;
    }
    let first = workspace
        .send(poll("/pending-bans").query("limit", 1))
        .await;
    let cursor = first.next_cursor().expect("a cursor");

    let good = poll("/pending-bans")
        .query("limit", 2)
        .query("cursor", &cursor);
    assert_eq!(workspace.send(good).await.list().len(), 2);

    let other_experience = Call::get("/pending-bans").query("experienceId", 8);
    let wrong = [
        workspace
            .send(poll("/pending-unbans").query("cursor", &cursor))
            .await,
        workspace
            .send(other_experience.query("cursor", &cursor))
            .await,
        workspace
            .send(Call::get("/bans").query("cursor", &cursor))
            .await,
        other
            .send(poll("/pending-bans").query("cursor", &cursor))
            .await,
    ];
    for answer in wrong {
        answer.assert_wrong_fields(&["cursor"]);
    }
    for at in 0..cursor.len() {
        let mut tampered = cursor.clone().into_bytes();
        tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        let answer = workspace
            .send(poll("/pending-bans").query("cursor", tampered))
            .await;
        answer.assert_wrong_fields(&["cursor"]);
    }
    let cut = &cursor[..cursor.len() - 1];
    workspace
        .send(poll("/pending-bans").query("cursor", cut))
        .await
        .assert_wrong_fields(&["cursor"]);
}

#[tokio::test]
async fn an_unban_becomes_pending_on_expiry_without_any_job() {
    let app = TestApp::builder().without_mappings().start().await;
    let workspace = app.workspace().await;
    let shown = workspace
        .ban_shown(Ban::of(1, EXPERIENCE).length(2).applied())
        .await;
    workspace
        .ban(Ban::of(2, EXPERIENCE).length(5000).applied())
        .await;
    assert_eq!(
        workspace.pending_unbans(EXPERIENCE).await,
        Vec::<Value>::new()
    );
    let before = workspace.stored().await;
    let expires = shown["expires"].as_u64().unwrap();
    let due = eventually("the unban falls due", async || {
        let seen_at = now();
        let list = workspace.pending_unbans(EXPERIENCE).await;
        assert!(list.is_empty() || now() >= expires, "due too early");
        assert!(!list.is_empty() || seen_at < expires + 1, "not due in time");
        (!list.is_empty()).then_some(list)
    })
    .await;
    let mut expected = shown.clone();
    expected["isBanned"] = false.into();
    expected["isActive"] = 0.into();
    expected["revision"] = 1.into();
    assert_eq!(due, [expected]);
    assert!(!workspace.is_banned(1, EXPERIENCE).await);
    assert_eq!(workspace.stored().await, before);
    workspace
        .unban(Unban::of(1, EXPERIENCE).reason("Ban automatically expired."))
        .await;
    assert_eq!(
        workspace.pending_unbans(EXPERIENCE).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn an_expired_pending_ban_disappears_and_leaves_the_index() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for user in 1..=3 {
        workspace.ban(Ban::of(user, EXPERIENCE).length(1)).await;
    }
    workspace.ban(Ban::of(4, EXPERIENCE).permanent()).await;
    let pending = async || {
        let items = workspace.stored().await;
        items
            .iter()
            .filter(|item| item["ban_owed"]["S"].is_string())
            .count()
    };
    assert_eq!(pending().await, 4);
    next_second().await;
    // With a page that only expired bans would fill.
    let answer = workspace
        .send(poll("/pending-bans").query("limit", 1))
        .await;
    assert_eq!(users(&answer.list()), [4]);
    assert_eq!(pending().await, 1);
    assert_eq!(users(&workspace.pending_bans(EXPERIENCE).await), [4]);
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
}

#[tokio::test]
async fn many_servers_may_poll_and_report_the_same_entries() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    ban_users(&workspace, 3).await;
    let seen_by_all = workspace.pending_bans(EXPERIENCE).await;
    for _server in 0..4 {
        for item in &seen_by_all {
            workspace.report(item, EXPERIENCE).await;
        }
    }
    workspace.await_pending_bans(EXPERIENCE, &[]).await;
    workspace.unban(Unban::of(2, EXPERIENCE)).await;
    for _server in 0..4 {
        workspace.report_unban(2, EXPERIENCE).await;
    }
    workspace.await_pending_unbans(EXPERIENCE, &[]).await;
    assert_eq!(workspace.bans().await.len(), 3);
    assert!(workspace.is_banned(1, EXPERIENCE).await);
    assert!(!workspace.is_banned(2, EXPERIENCE).await);
}

#[tokio::test]
async fn a_poll_covers_one_experience() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(1, 11).permanent()).await;
    workspace.ban(Ban::of(2, 12).permanent()).await;
    workspace.await_pending_bans(11, &[1]).await;
    workspace.await_pending_bans(12, &[2]).await;
    workspace.await_pending_bans(13, &[]).await;
}
