//! Links between Discord and Roblox accounts.

// Outside of test functions clippy does not know that this is a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod codes;
mod erasure;
mod importing;
mod limits;
mod lookups;
mod scopes;

use end_to_end::{ApiResponse, Call, Workspace, eventually, now};
use serde_json::{Value, json};
use shared::domain::clock::UnixSeconds;

/// A Roblox user and a Discord user.
const ROBLOX: u64 = 8_123_456_701;
const DISCORD: &str = "80351110224678912";

/// Others.
const OTHER_ROBLOX: u64 = 8_123_456_702;
const OTHER_DISCORD: &str = "175928847299117063";

/// No code of a test.
const WRONG: &str = "000-000";

fn of_roblox(method: &str, user: u64) -> Call {
    Call::new(method, &format!("/links/roblox/{user}"))
}

fn of_discord(user: &str) -> Call {
    Call::get(&format!("/links/discord/{user}"))
}

fn import(roblox: u64, discord: &str) -> Call {
    of_roblox("PUT", roblox).json(&json!({ "discordId": discord }))
}

fn make(body: &Value) -> Call {
    Call::post("/links/codes").json(body)
}

fn redeem(body: &Value) -> Call {
    Call::post("/links/codes/redeem").json(body)
}

/// A code that was made in Discord.
async fn code_of(workspace: &Workspace<'_>, discord: &str) -> String {
    let made = workspace.send(make(&json!({ "discordId": discord }))).await;
    made.success()["code"].as_str().unwrap().to_owned()
}

/// What the game sends when a player types a code.
async fn typed(workspace: &Workspace<'_>, code: &str, roblox: u64) -> ApiResponse {
    let body = json!({ "code": code, "userId": roblox });
    workspace.send(redeem(&body)).await
}

/// Records that a Discord user agrees to be linked.
async fn agree(workspace: &Workspace<'_>, discord: &str) {
    let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
    let agreeing = store.agree_to_link(prefix, discord.parse().unwrap(), UnixSeconds(now()));
    agreeing.await.unwrap();
}

/// Links two accounts by a code.
async fn link(workspace: &Workspace<'_>, roblox: u64, discord: &str) {
    let code = code_of(workspace, discord).await;
    typed(workspace, &code, roblox).await.assert_ok();
}

/// The link of a Roblox user, without the time.
async fn linked(workspace: &Workspace<'_>, roblox: u64) -> Option<Value> {
    let answer = workspace.send(of_roblox("GET", roblox)).await;
    if answer.status == 404 {
        answer.assert_error(404, "not_found");
        return None;
    }
    let mut link = answer.success();
    assert!(link["created"].is_u64(), "{link}");
    link.as_object_mut().unwrap().remove("created");
    Some(link)
}

fn expected(roblox: u64, discord: &str, method: &str) -> Option<Value> {
    Some(json!({
        "status": "ok", "robloxId": roblox, "discordId": discord, "method": method, "confirmed": false,
    }))
}

/// The stored items of a kind.
async fn stored(workspace: &Workspace<'_>, kind: &str) -> Vec<Value> {
    let mut items = workspace.stored().await;
    items.retain(|item| item["kind"]["S"] == kind);
    items
}

/// The events of links in the log, once there are this many.
async fn events(workspace: &Workspace<'_>, count: usize) -> Vec<(String, u64, Value)> {
    eventually("the events are logged", async || {
        let answer = workspace.send(Call::get("/events")).await;
        // A busy machine is no failure of this test.
        if answer.status == 503 {
            return None;
        }
        let list = answer.list();
        let links = list.iter().filter(|it| {
            let name = it["event"].as_str().unwrap();
            name.starts_with("LINK_")
        });
        let read = |it: &Value| {
            let name = it["event"].as_str().unwrap().to_owned();
            (name, it["robloxId"].as_u64().unwrap(), it["data"].clone())
        };
        let links: Vec<_> = links.map(read).collect();
        if links.len() != count {
            eprintln!("the events so far: {links:?}");
        }
        (links.len() == count).then_some(links)
    })
    .await
}
