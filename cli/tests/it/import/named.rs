//! Tests that `/sync` names imported users, and users whose bans are undone.

use end_to_end::{Ban, Call, KeySpec, Workspace, eventually};
use serde_json::Value;

use super::program::{FLAGS, Folder, import, link_named};
use crate::stack::{Operator, app};

const ARENA: u64 = 7_001;

/// The cursor and the users in the answer to a call.
async fn sync(workspace: &Workspace<'_>, cursor: Option<&str>) -> (String, Vec<u64>) {
    let mut call = Call::get("/sync");
    if let Some(cursor) = cursor {
        call = call.query("cursor", cursor);
    }
    let answer = workspace.send(call).await.success();
    let users = answer["userIds"].as_array().unwrap().iter();
    let users = users.filter_map(Value::as_u64).collect();
    (answer["cursor"].as_str().unwrap().to_owned(), users)
}

/// Waits until these users are named since a cursor, and returns the next cursor.
async fn named(workspace: &Workspace<'_>, since: &str, expected: &[u64]) -> String {
    workspace.app().settle().await;
    eventually(&format!("{expected:?} are named"), async || {
        let (cursor, users) = sync(workspace, Some(since)).await;
        (users == expected).then_some(cursor)
    })
    .await
}

#[tokio::test]
async fn imported_users_and_those_of_an_undo_are_named_by_sync() {
    let app = app().await;
    let workspace = app.workspace().await;
    let folder = Folder::new();
    let (start, users) = sync(&workspace, None).await;
    assert_eq!(users, [0; 0]);
    let text = "userId,reason\n31,a\n32,b\n33,c\n".to_owned();
    let file = folder.with("users.csv", text);
    link_named(&workspace, &FLAGS).await;
    import(&workspace, &file, &FLAGS).await;
    let next = named(&workspace, &start, &[31, 32, 33]).await;

    let leaked = workspace.make_key(KeySpec::default()).await;
    let theirs = workspace.with_key(&leaked);
    theirs.ban(Ban::of(34, ARENA).permanent()).await;
    let next = named(&workspace, &next, &[34]).await;
    let key = workspace.key_id(&leaked);
    let undo = ["undo", "--key", &key, "--since", "1h", "--yes"];
    let undone = Operator::of(&workspace).run(&undo).await;
    assert_eq!(undone.status.code(), Some(0), "{undone:?}");
    named(&workspace, &next, &[34]).await;
}
