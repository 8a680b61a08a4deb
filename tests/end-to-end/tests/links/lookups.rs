//! Many accounts in one call.

use end_to_end::{Call, TestApp};
use serde_json::json;

use super::{DISCORD, OTHER_DISCORD, OTHER_ROBLOX, ROBLOX, import, link};

#[tokio::test]
async fn each_account_is_answered_in_order() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    link(&workspace, ROBLOX, DISCORD).await;
    let body = json!({
        "discord": [OTHER_DISCORD, DISCORD],
        "roblox": [OTHER_ROBLOX, ROBLOX.to_string(), ROBLOX],
    });
    let answer = workspace
        .send(Call::post("/links/lookup").json(&body))
        .await;
    let mut results = answer.success()["results"].as_array().unwrap().clone();
    let found = |input| {
        json!({
            "input": input, "found": true, "robloxId": ROBLOX, "discordId": DISCORD,
            "method": "code", "confirmed": false,
        })
    };
    for result in &mut results {
        result.as_object_mut().unwrap().remove("created");
    }
    let expected = [
        json!({ "input": OTHER_DISCORD, "found": false }),
        found(json!(DISCORD)),
        json!({ "input": OTHER_ROBLOX, "found": false }),
        found(json!(ROBLOX)),
        found(json!(ROBLOX)),
    ];
    assert_eq!(results, expected);
}

#[tokio::test]
async fn hundred_accounts_are_read_in_one_batch() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let discord = |n: u64| (80_351_110_224_680_000 + n).to_string();
    for n in 1..=5 {
        workspace.send(import(n, &discord(n))).await.assert_ok();
    }
    let body = json!({
        "discord": (1..=50).map(discord).collect::<Vec<_>>(),
        "roblox": (1..=50).collect::<Vec<u64>>(),
    });
    let call = Call::post("/links/lookup").json(&body);
    // With the key in the cache, the batch is all that is read.
    workspace.send(call.clone()).await.success();
    let answer = workspace.send(call).await;
    let results = answer.success()["results"].as_array().unwrap().clone();
    let found = results.iter().filter(|it| it["found"] == true).count();
    assert_eq!((results.len(), found), (100, 10));
    let line = app.log_of("links-lookup", &answer).await;
    assert_eq!(line["databaseCalls"], 1, "{line}");

    let more = json!({ "discord": [DISCORD], "roblox": (1..=100).collect::<Vec<u64>>() });
    for wrong in [more, json!({}), json!({ "discord": [], "roblox": null })] {
        let refused = workspace
            .send(Call::post("/links/lookup").json(&wrong))
            .await;
        refused.assert_wrong_fields(&["discord"]);
    }
}
