//! Letting time pass for what is stored.

use serde_json::json;

use crate::workspace::Workspace;

/// How long ago an aged log was written, in milliseconds: longer than any index trails.
const AGO: u64 = 3_600_000;

/// Lets the whole log of a workspace have been written an hour before.
pub async fn age_log(workspace: &Workspace<'_>) {
    let app = workspace.app();
    for item in app.items(&workspace.prefix()).await {
        let Some(logged) = item["logged_at"]["N"].as_str() else {
            continue;
        };
        let logged: u64 = logged.parse().expect("a time");
        let update = json!({
            "TableName": app.tables().bans,
            "Key": { "pk": item["pk"], "sk": item["sk"] },
            "UpdateExpression": "SET logged_at = :then",
            "ExpressionAttributeValues": { ":then": { "N": (logged - AGO).to_string() } },
        });
        let updated = app.database().call("UpdateItem", &update).await;
        updated.expect("an older entry");
    }
}
