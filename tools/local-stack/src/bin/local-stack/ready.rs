//! Waits until every function answers, and prints calls to try.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use hyper::Request;
use local_stack::{
    discord,
    event_source_mapping::{HttpInvoke, Invoke, InvokeError},
    http::Client,
    seed::{self, outward},
    template::{Function, Template},
};
use serde_json::json;

use crate::beside::Beside;

/// How long to wait for a function before printing so.
const PATIENCE: Duration = Duration::from_secs(20);

/// Calls each function until it answers. One that fails to start may start after the next change.
pub(crate) async fn wait(template: &Template, address: &str) {
    for function in template.functions() {
        let answered = async {
            while !answers(function, address).await {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::pin!(answered);
        while tokio::time::timeout(PATIENCE, &mut answered).await.is_err() {
            eprintln!("local-stack: still compiling or starting {}", function.name);
        }
    }
}

/// Whether a function answers. A call without a key changes nothing. A function without a route is called
/// like its schedule or with an empty batch, and an error counts as an answer.
async fn answers(function: &Function, address: &str) -> bool {
    let (method, path) = match function.routes.first() {
        Some(route) => (route.method.as_str(), route.path.as_str()),
        None if function.is_default_route => ("GET", "/no/such/route"),
        None => {
            let nothing = json!({ "Records": [] });
            let scheduled = function.schedules.first().map(|it| it.input.clone());
            let event = scheduled.unwrap_or(nothing);
            let function = HttpInvoke::new(address, &function.name);
            let call = function.invoke(event).await;
            return !matches!(call, Err(InvokeError::Unreachable(_)));
        }
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("{address}{path}"))
        .header("content-type", "application/json")
        .body(Bytes::new());
    let Ok(request) = request else { return false };
    match Client::new().send(request).await {
        Ok(response) => !response.status().is_server_error(),
        Err(_) => false,
    }
}

/// Prints the address and calls to copy.
pub(crate) fn announce(address: &str, beside: &Beside, log: &Path) {
    let [demo, _] = seed::demos();
    let base = format!("{address}/api/v1");
    let key = demo.secret_key;
    let ban = json!({
        "overwrite": false,
        "userId": 156,
        "experienceId": 1818,
        "banModerator": 1,
        "banType": "Experience",
        "banLengthType": "Temporary",
        "banLength": "7d",
        "banPrivateReason": "tried it out",
        "banPublicReason": "A test",
    });
    let check = json!({ "userId": 156, "experienceId": 1818 });
    let text = json!({
        "caseId": "GUID",
        "evidenceType": "Metadata",
        "evidenceContent": "c2VlbiBhdCBzcGF3bg==",
    });
    let rank = json!({ "userId": outward::MEMBER, "groupId": outward::GROUP, "rankId": 10 });
    let (hooks, secrets) = (beside.receiver.url(""), beside.secrets.endpoint());
    let (roblox, discord_page) = (beside.roblox.endpoint(), beside.discord.endpoint());
    let (place, universe) = (outward::PLACE, outward::UNIVERSE);
    let group = outward::GROUP;
    let (webhook, token) = (discord::WEBHOOK, discord::WEBHOOK_TOKEN);
    let open_cloud_key = outward::OPEN_CLOUD_KEY;
    let log = log.display();
    println!(
        "
ready: {base}

# ban a user, check the ban, see what the game server must apply
curl -X POST {base}/ban-async -H 'authorization: Bearer {key}' -d '{ban}'
curl -X POST {base}/is-banned -H 'authorization: Bearer {key}' -d '{check}'
curl '{base}/pending-bans?experienceId=1818' -H 'authorization: Bearer {key}'

# within 2 seconds Roblox's own list (here a fake) has the ban, the player is kicked, and a webhook
# receiver has printed the signed event; this lists the events in order, and the ban on Roblox
curl '{base}/events' -H 'authorization: Bearer {key}'
curl {roblox}/cloud/v2/universes/{universe}/user-restrictions/156 -H 'x-api-key: {open_cloud_key}'

# add a text as evidence, with the guid of the ban for GUID, and change the rank of a member of the
# fake Roblox's group {group}
curl -X POST {base}/evidence/create -H 'authorization: Bearer {key}' -d '{text}'
curl -X PATCH {base}/group-role -H 'authorization: Bearer {key}' -d '{rank}'

# the moderators' console: {address}/console
# sign in with Discord (here a fake, {discord_page}) as Kim, an administrator of demo-1, or Ada, a moderator

# a command on Discord, as Ada, who has signed in to the console once
#   cargo run --example discord -- ada ban user=156 length=7d reason=Spam

# place {place} of demo-1 is mirrored to universe {universe} of the fake Roblox, {roblox}
# webhooks to {hooks}<name> are verified and printed once the receiver has their secret:
#   curl -X PUT {hooks}<name> -d whsec_…
# messages to this webhook of the fake Discord are printed:
#   portcullis webhook add --discord https://discord.com/api/webhooks/{webhook}/{token}
# Secrets Manager: {secrets}; `portcullis --endpoint` finds it, Roblox and Discord
# requests are printed below; the functions' JSON log is in {log}
"
    );
}
