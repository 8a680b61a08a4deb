//! `GET /bans`.

use std::time::Duration;

use end_to_end::{Ban, Call, TestApp, Unban, Workspace};
use serde_json::{Value, json};

use crate::bulk::copy_bans;

fn uids(list: &[Value]) -> Vec<u64> {
    list.iter()
        .map(|item| item["uid"].as_u64().unwrap())
        .collect()
}

/// Seven bans, numbered in the order they were made; 3 is lifted, 5 appealed.
async fn seven_bans(workspace: &Workspace<'_>) {
    let bans = [
        Ban::of(1, 11).moderator(100),
        Ban::of(2, 11).moderator(200),
        Ban::of(3, 12).moderator(100),
        Ban::of(1, 12).moderator(200).applied(),
        Ban::of(2, 12).moderator(200),
        Ban::of(1, 11).moderator(100).global(),
        Ban::of(4, 11).moderator(100).permanent(),
    ];
    for ban in bans {
        workspace.ban(ban).await;
    }
    workspace.unban(Unban::of(3, 12)).await;
    workspace.ban(Ban::of(2, 12).appeal()).await;
}

#[tokio::test]
async fn bans_are_listed_newest_first() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    assert_eq!(workspace.bans().await, Vec::<Value>::new());
    seven_bans(&workspace).await;
    let list = workspace.bans().await;
    assert_eq!(uids(&list), [7, 6, 5, 4, 3, 2, 1]);
    let column = |field: &str| {
        list.iter()
            .map(|item| item[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(json!(column("isActive")), json!([1, 1, 0, 1, 0, 1, 1]));
    assert_eq!(json!(column("isAppealed")), json!([0, 0, 1, 0, 0, 0, 0]));
    assert_eq!(json!(column("isGlobal")), json!([0, 1, 0, 0, 0, 0, 0]));
    assert_eq!(
        json!(column("experienceBanCompleted")),
        json!([0, 0, 0, 1, 0, 0, 0])
    );
    assert_eq!(
        json!(column("experienceId")),
        json!([11, 11, 12, 12, 12, 11, 11])
    );
}

#[tokio::test]
async fn filters_narrow_the_list_and_combine() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    seven_bans(&workspace).await;
    let table: Vec<(Vec<(&str, &str)>, Vec<u64>)> = vec![
        (vec![("userId", "1")], vec![6, 4, 1]),
        (vec![("userId", "99")], vec![]),
        (vec![("experienceId", "11")], vec![7, 6, 2, 1]),
        (vec![("experienceId", "99")], vec![]),
        (vec![("moderatorId", "200")], vec![5, 4, 2]),
        (vec![("isActive", "true")], vec![7, 6, 4, 2, 1]),
        (vec![("isActive", "1")], vec![7, 6, 4, 2, 1]),
        (vec![("isActive", "false")], vec![5, 3]),
        (vec![("isActive", "0")], vec![5, 3]),
        (vec![("banType", "Global")], vec![6]),
        (vec![("banType", "Experience")], vec![7, 5, 4, 3, 2, 1]),
        (vec![("userId", "1"), ("experienceId", "11")], vec![6, 1]),
        (vec![("userId", "1"), ("banType", "Experience")], vec![4, 1]),
        (vec![("experienceId", "12"), ("isActive", "true")], vec![4]),
        (
            vec![
                ("moderatorId", "100"),
                ("isActive", "true"),
                ("experienceId", "11"),
            ],
            vec![7, 6, 1],
        ),
    ];
    for (filters, expected) in table {
        for limit in [1, 2, 1000] {
            let mut call = Call::get("/bans").query("limit", limit);
            for (name, value) in &filters {
                call = call.query(name, value);
            }
            assert_eq!(
                uids(&workspace.all_pages(call).await),
                expected,
                "{filters:?} by {limit}"
            );
        }
    }
}

#[tokio::test]
async fn pages_hold_100_bans_by_default_and_join_without_gaps() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    copy_bans(&workspace, Ban::of(1, 11).applied(), 2..=250).await;
    let first = workspace.send(Call::get("/bans")).await;
    assert_eq!(first.list().len(), 100);
    let whole = workspace
        .send(Call::get("/bans").query("limit", 1000))
        .await;
    assert_eq!(whole.list().len(), 250);
    assert_eq!(whole.next_cursor(), None);
    for limit in [7, 100, 249, 250] {
        for filter in [None, Some(("experienceId", 11)), Some(("userId", 9))] {
            let call = Call::get("/bans").query("limit", limit);
            let (call, expected) = match filter {
                None => (call, whole.list()),
                Some((name, value)) => {
                    let fits = |ban: &Value| name == "experienceId" || ban["robloxId"] == value;
                    (
                        call.query(name, value),
                        whole.list().into_iter().filter(fits).collect(),
                    )
                }
            };
            let joined = workspace.all_pages(call).await;
            assert_eq!(joined, expected, "{filter:?} by {limit}");
        }
    }
    let times: Vec<u64> = whole
        .list()
        .iter()
        .map(|ban| ban["guid"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a > b));
}

#[tokio::test]
async fn a_new_ban_does_not_disturb_paging() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    seven_bans(&workspace).await;
    let first = workspace.send(Call::get("/bans").query("limit", 3)).await;
    assert_eq!(uids(&first.list()), [7, 6, 5]);
    workspace.ban(Ban::of(9, 11)).await;
    let call = Call::get("/bans")
        .query("limit", 100)
        .query("cursor", first.next_cursor().unwrap());
    assert_eq!(uids(&workspace.send(call).await.list()), [4, 3, 2, 1]);
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_filters_and_workspace() {
    let app = TestApp::start().await;
    let (workspace, other) = (app.workspace().await, app.workspace().await);
    for workspace in [&workspace, &other] {
        seven_bans(workspace).await;
    }
    let list = || Call::get("/bans").query("experienceId", 11);
    let cursor = workspace
        .send(list().query("limit", 1))
        .await
        .next_cursor()
        .unwrap();
    let good = list().query("limit", 5).query("cursor", &cursor);
    assert_eq!(uids(&workspace.send(good).await.list()), [6, 2, 1]);
    let wrong = [
        other.send(list().query("cursor", &cursor)).await,
        workspace
            .send(Call::get("/bans").query("cursor", &cursor))
            .await,
        workspace
            .send(list().query("isActive", true).query("cursor", &cursor))
            .await,
        workspace
            .send(
                Call::get("/bans")
                    .query("experienceId", 12)
                    .query("cursor", &cursor),
            )
            .await,
    ];
    for answer in wrong {
        answer.assert_wrong_fields(&["cursor"]);
    }
}

#[tokio::test]
async fn a_rare_match_is_found_across_short_pages() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(5000, 11).moderator(7)).await;
    // The copies are up to two seconds older than their original.
    tokio::time::sleep(Duration::from_millis(2200)).await;
    copy_bans(&workspace, Ban::of(1, 12).applied(), 2..=2100).await;
    let call = Call::get("/bans").query("moderatorId", 7);
    let first = workspace.send(call.clone()).await;
    assert_eq!(first.list(), Vec::<Value>::new());
    assert!(
        first.next_cursor().is_some(),
        "one call looks at a bounded number of bans"
    );
    assert_eq!(workspace.all_pages(call).await.len(), 1);
}
