//! A reader that has followed `/sync` from the beginning.

use std::collections::BTreeSet;

use end_to_end::{Call, Workspace, age_log, eventually};
use serde_json::Value;

/// The cursor of now.
pub async fn begin(workspace: &Workspace<'_>) -> String {
    let answer = workspace.send(Call::get("/sync")).await.success();
    answer["cursor"].as_str().unwrap().to_owned()
}

/// The users named since a cursor are exactly those of whom the workspace has a ban on record.
pub async fn assert_everyone_is_named(workspace: &Workspace<'_>, since: &str) {
    workspace.app().settle().await;
    // Erased users leave gaps, at which a reader waits for a minute.
    age_log(workspace).await;
    let bans = workspace.all_pages(Call::get("/bans")).await;
    let users = bans.iter().map(|ban| ban["robloxId"].as_u64().unwrap());
    let users: BTreeSet<u64> = users.collect();
    eventually("every user is named", async || {
        (named(workspace, since).await == users).then_some(())
    })
    .await;
}

async fn named(workspace: &Workspace<'_>, since: &str) -> BTreeSet<u64> {
    let (mut named, mut cursor) = (BTreeSet::new(), since.to_owned());
    loop {
        let call = Call::get("/sync")
            .query("cursor", &cursor)
            .query("limit", 7);
        let answer = workspace.send(call).await.success();
        assert_eq!(answer["reset"], 0, "{answer}");
        let users = answer["userIds"].as_array().unwrap().iter();
        named.extend(users.filter_map(Value::as_u64));
        if answer["more"] == 0 {
            return named;
        }
        answer["cursor"].as_str().unwrap().clone_into(&mut cursor);
    }
}
