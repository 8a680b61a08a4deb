//! The two demo workspaces. Their keys are in the README, so they exist only locally.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Result, discord, dynamo::Dynamo};

/// The creation time of the demo workspaces, in Unix seconds.
const CREATED: &str = "1767225600";

/// The secret of the demo workspaces, which is as public as their keys and the same after each start.
const SECRET: &str = "bG9jYWwtZGVtby13b3Jrc3BhY2Utc2VjcmV0LTAwMDE";

#[derive(Debug, Clone)]
pub struct Demo {
    /// `demo-1`, `demo-2`.
    pub name: String,
    /// The workspace's GUID, which is also the UUID in both keys.
    pub guid: String,
    /// A key with every scope.
    pub secret_key: String,
    /// A key for `/is-banned` alone.
    pub public_key: String,
}

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

/// Writes the demo workspaces and their keys.
pub async fn demo_data(dynamo: &Dynamo, workspaces_table: &str) -> Result<()> {
    for demo in demos() {
        for item in items(&demo) {
            let put = json!({ "TableName": workspaces_table, "Item": item });
            dynamo.call("PutItem", &put).await?;
        }
    }
    Ok(())
}

/// Writes the addresses of the local services, for `portcullis`.
pub async fn addresses(
    dynamo: &Dynamo,
    workspaces_table: &str,
    [api, roblox, secrets, objects, discord_url]: [&str; 5],
) -> Result<()> {
    let item = json!({
        "pk": { "S": "LOCAL" }, "sk": { "S": "LOCAL" }, "kind": { "S": "local-stack" },
        "api": { "S": api }, "roblox": { "S": roblox }, "secrets": { "S": secrets },
        "objects": { "S": objects },
        "discord": { "M": {
            "url": { "S": discord_url },
            "application": { "S": discord::APPLICATION.to_string() },
            "publicKey": { "S": discord::caller::public_key()? },
        } },
    });
    let put = json!({ "TableName": workspaces_table, "Item": item });
    dynamo.call("PutItem", &put).await?;
    Ok(())
}

/// The webhook endpoint, the mirror, the group and the rules of the first demo workspace.
pub mod outward {
    /// The name of the endpoint at the receiver.
    pub const HOOK: &str = "demo";
    /// The endpoint's signing secret.
    pub const SIGNING_SECRET: &str = "whsec_bG9jYWwtZGVtby1zZWNyZXQtb2YtMzItYnl0ZXMhISE=";
    /// The mirrored place.
    pub const PLACE: u64 = 1818;
    pub const UNIVERSE: u64 = 13_058;
    /// The name of the secret with the Open Cloud key.
    pub const SECRET: &str = "portcullis/local/demo";
    pub const OPEN_CLOUD_KEY: &str = "local-open-cloud-key";
    /// The group in which ranks may be changed.
    pub const GROUP: u64 = 7;
    /// The user who owns the key, and the group's bot.
    pub const BOT: u64 = 1;
    /// A member of the group.
    pub const MEMBER: u64 = 156;
}

/// Writes the endpoint at `url`, the mirror, the group, and the rules by Discord roles of the first demo
/// workspace.
pub async fn outward_data(dynamo: &Dynamo, workspaces_table: &str, url: &str) -> Result<()> {
    let [demo, _] = demos();
    let prefix = prefix(&demo);
    let endpoint = json!({
        "pk": { "S": "V" },
        "sk": { "S": format!("{prefix}#we_000000000001") },
        "id": { "S": "we_000000000001" },
        "workspace": { "S": demo.guid },
        "name": { "S": "the local receiver" },
        "url": { "S": url },
        "events": { "L": [{ "S": "GAME_BANNED" }, { "S": "GAME_BAN_UPDATED" }, { "S": "GAME_UNBANNED" }] },
        "state": { "S": "active" },
        "secret": { "S": outward::SIGNING_SECRET },
        "created": { "N": CREATED },
    });
    let mirror = json!({
        "pk": { "S": "M" },
        "sk": { "S": format!("{prefix}#{:016}", outward::PLACE) },
        "universe": { "N": outward::UNIVERSE.to_string() },
        "secret": { "S": outward::SECRET },
        "mirror": { "M": {
            "bans": { "BOOL": true }, "unbans": { "BOOL": true }, "kicks": { "BOOL": true },
        } },
        "created": { "N": CREATED },
    });
    let group = json!({
        "pk": { "S": "G" },
        "sk": { "S": format!("{prefix}#{:016}", outward::GROUP) },
        "secret": { "S": outward::SECRET },
        "owner": { "N": outward::BOT.to_string() },
        "ceiling": { "N": "200" },
        "mode": { "S": "replace" },
        "created": { "N": CREATED },
    });
    let rules = discord::demo_rules(prefix, CREATED);
    let links = discord::demo_links(prefix, CREATED);
    let items = [endpoint, mirror, group].into_iter();
    for item in items.chain(rules).chain(links) {
        let put = json!({ "TableName": workspaces_table, "Item": item });
        dynamo.call("PutItem", &put).await?;
    }
    Ok(())
}

/// The last eight digits of the GUID, the prefix of the workspace's partitions.
fn prefix(demo: &Demo) -> &str {
    demo.guid
        .get(demo.guid.len().saturating_sub(8)..)
        .unwrap_or_default()
}

fn items(demo: &Demo) -> [Value; 3] {
    let prefix = prefix(demo);
    let key = |whole: &str, kind: &str, scopes: Value| {
        let hash = Sha256::digest(whole)
            .iter()
            .fold(String::new(), |hex, b| format!("{hex}{b:02x}"));
        json!({
            "pk": { "S": format!("K#{hash}") },
            "sk": { "S": "K" },
            "key_id": { "S": format!("{}-{kind}", demo.name) },
            "workspace": { "S": demo.guid },
            "workspace_tag": { "S": prefix },
            "name": { "S": format!("{} {kind}", demo.name) },
            "key_kind": { "S": kind },
            "scopes": scopes,
            "flags": { "S": "auto" },
            "created": { "N": CREATED },
        })
    };
    let all = json!({ "SS": [
        "bans:read", "bans:write", "bans:write-global", "bans:bulk", "evidence:read", "evidence:write", "groups:write",
        "links:read", "links:write", "links:import",
    ] });
    [
        json!({
            "pk": { "S": format!("W#{prefix}") },
            "sk": { "S": "W" },
            "guid": { "S": demo.guid },
            "name": { "S": demo.name },
            "linking": { "S": "automatic" },
            "created": { "N": CREATED },
            "secret": { "S": SECRET },
        }),
        key(&demo.secret_key, "secret", all),
        key(&demo.public_key, "public", json!({ "SS": ["bans:read"] })),
    ]
}
