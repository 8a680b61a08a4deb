//! The two demo workspaces. Their keys stand in the README, so they exist only here.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Result, dynamo::Dynamo};

/// One demo workspace.
#[derive(Debug, Clone)]
pub struct Demo {
    /// `demo-1`, `demo-2`.
    pub name: String,
    /// The workspace's GUID; the UUID of both its keys as well.
    pub guid: String,
    /// A key with every scope.
    pub secret_key: String,
    /// A key for `/is-banned` alone.
    pub public_key: String,
}

/// The demo workspaces, 1 and 2.
#[must_use]
pub fn demos() -> [Demo; 2] {
    [1, 2].map(|number| {
        let guid = format!("00000000-0000-4000-8000-{number:012}");
        Demo {
            name: format!("demo-{number}"),
            secret_key: format!("sentinelAPI.{guid}"),
            public_key: format!("sentinelPublicAPI.{guid}"),
            guid,
        }
    })
}

/// Writes the demo workspaces and their keys into the table of that name.
pub async fn demo_data(dynamo: &Dynamo, workspaces_table: &str) -> Result<()> {
    for demo in demos() {
        for item in items(&demo) {
            let put = json!({ "TableName": workspaces_table, "Item": item });
            dynamo.call("PutItem", &put).await?;
        }
    }
    Ok(())
}

fn items(demo: &Demo) -> [Value; 3] {
    // The last eight digits of the GUID lead to everything a workspace owns.
    let tag = demo
        .guid
        .get(demo.guid.len().saturating_sub(8)..)
        .unwrap_or_default();
    let created = "1767225600";
    let key = |whole: &str, kind: &str, scopes: Value| {
        let hash = Sha256::digest(whole)
            .iter()
            .fold(String::new(), |hex, b| format!("{hex}{b:02x}"));
        json!({
            "pk": { "S": format!("K#{hash}") },
            "sk": { "S": "K" },
            "key_id": { "S": format!("{}-{kind}", demo.name) },
            "workspace": { "S": demo.guid },
            "workspace_tag": { "S": tag },
            "name": { "S": format!("{} {kind}", demo.name) },
            "key_kind": { "S": kind },
            "scopes": scopes,
            "flags": { "S": "auto" },
            "created": { "N": created },
        })
    };
    let all = json!({ "SS": ["bans:read", "bans:write", "bans:write-global"] });
    [
        json!({
            "pk": { "S": format!("W#{tag}") },
            "sk": { "S": "W" },
            "guid": { "S": demo.guid },
            "name": { "S": demo.name },
            "linking": { "S": "automatic" },
            "created": { "N": created },
        }),
        key(&demo.secret_key, "secret", all),
        key(&demo.public_key, "public", json!({ "SS": ["bans:read"] })),
    ]
}
