//! Ages a workspace's event log.

use serde_json::json;

use crate::workspace::Workspace;

/// The age of an aged log, in milliseconds: more than any index lags.
const AGO: u64 = 3_600_000;

/// Makes the whole event log of a workspace an hour old.
pub async fn age_log(workspace: &Workspace<'_>) {
    let app = workspace.app();
    for item in app.items(&workspace.prefix()).await {
        // An entry, and the end of the log.
        for name in ["logged_at", "moved"] {
            let Some(time) = item[name]["N"].as_str() else {
                continue;
            };
            let time: u64 = time.parse().expect("a time");
            let then = json!({ ":then": { "N": (time - AGO).to_string() } });
            app.update_item(&item, &format!("SET {name} = :then"), &then)
                .await;
        }
    }
}
