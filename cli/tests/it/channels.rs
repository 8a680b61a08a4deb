//! Tests of `portcullis webhook` with channels of Discord.

use crate::harness::{Operator, assert_refused, stderr, stdout};
use crate::webhooks::{EXPERIENCE, ban, deliver, id, still};
use serde_json::{Value, json};
use shared::store::Key;

#[tokio::test(flavor = "multi_thread")]
async fn channel_of_discord_is_added_with_its_flag_and_its_token_is_never_printed() {
    const WEBHOOK: u64 = 613_425_648_685_547_702;
    const TOKEN: &str = "token-of-a-channel";
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let url = app.discord().add_webhook(WEBHOOK, TOKEN);
    let masked = format!("https://discord.com/api/webhooks/{WEBHOOK}/***");
    let mut said = Vec::new();
    let mut note = |done: &std::process::Output| {
        said.push(format!("{}{}", stdout(done), stderr(done)));
    };

    let unflagged = operator.run(&["webhook", "add", &url]);
    assert_refused(&unflagged, 2, "portcullis webhook add --discord");
    let other = format!("{url}/slack");
    for arguments in [
        ["webhook", "add", "--discord", "https://example.com/bans"],
        ["webhook", "add", "--discord", &other],
    ] {
        let refused = operator.run(&arguments);
        assert_refused(&refused, 2, "https://discord.com/api/webhooks/ID/TOKEN");
        note(&refused);
    }
    assert_refused(&operator.run(&["webhook", "add"]), 2, "URL");
    note(&unflagged);
    assert_eq!(operator.json(&["webhook", "list"]), json!([]));

    // From standard input it is in no history.
    let add = ["webhook", "add", "--discord", "--output", "json"];
    let added = operator.answering(&format!("{url}\n"), &add);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let shown: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!(
        (&shown["kind"], &shown["url"]),
        (&json!("discord"), &json!(masked))
    );
    assert_eq!(shown.get("secret"), None);
    let id = id(&shown);
    note(&added);

    ban(&workspace, &[1]).await;
    deliver(&workspace, &id).await;
    let place = EXPERIENCE.to_string();
    let terms = [
        "--permanent",
        "--reason",
        "Botting",
        "--moderator",
        "1",
        "--yes",
    ];
    operator.json(&[&["ban", "2", "--experience", &place], &terms[..]].concat());
    let items = app.items(&format!("{}#U#2", workspace.prefix())).await;
    let decision = items
        .iter()
        .find(|item| item["kind"]["S"] == "decision")
        .unwrap();
    let key = |name: &str| decision[name]["S"].as_str().unwrap().to_owned();
    let (prefix, key) = (
        workspace.id().prefix(),
        Key {
            pk: key("pk"),
            sk: key("sk"),
        },
    );
    let events = app.store().log(prefix, &[key]).await.unwrap();
    app.store().fan_out(prefix, &events).await.unwrap();
    deliver(&workspace, &id).await;
    let messages = app.discord().messages(WEBHOOK);
    assert_eq!(messages.len(), 2);
    let text = messages[1].to_string();
    assert!(
        text.contains("Botting") && text.contains("with the command"),
        "{text}"
    );

    for arguments in [
        vec!["webhook", "list"],
        vec!["webhook", "list", "--output", "json"],
        vec!["webhook", "show", &id],
        vec!["webhook", "deliveries", &id, "--body", "--wide"],
        vec!["webhook", "set", &id, "--name", "log"],
        vec!["webhook", "remove", &id, "--dry-run"],
    ] {
        let done = operator.run(&arguments);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        note(&done);
    }
    let body = operator.json(&["webhook", "deliveries", &id, "--limit", "1"]);
    assert_eq!(body[0]["body"]["embeds"][0]["title"], "Banned", "{body}");
    assert_refused(
        &operator.run(&["webhook", "rotate", &id]),
        1,
        "no signing secret",
    );
    let set = ["webhook", "set", &id, "--url", "https://example.com/x"];
    assert_refused(&operator.run(&set), 2, "Discord webhook");

    for text in said {
        assert!(!text.contains("token-of"), "{text}");
    }
}

/// The events that were lost meanwhile are sent there.
#[tokio::test(flavor = "multi_thread")]
async fn deleted_webhook_is_replaced_by_another() {
    const WEBHOOK: u64 = 613_425_648_685_547_703;
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let url = app.discord().add_webhook(WEBHOOK, "token-of-a-channel");
    let add = ["webhook", "add", "--discord", "--output", "json"];
    let added = operator.answering(&url, &add);
    let id = id(&serde_json::from_slice(&added.stdout).unwrap());
    app.discord().delete_webhook(WEBHOOK);
    ban(&workspace, &[3]).await;
    deliver(&workspace, &id).await;
    let listed = operator.run(&["webhook", "list"]);
    assert!(
        stdout(&listed).contains("deleted in Discord"),
        "{}",
        stdout(&listed)
    );
    let doctor = operator.run(&["doctor"]);
    assert!(
        stdout(&doctor).contains("deleted in Discord"),
        "{}",
        stdout(&doctor)
    );
    let new = app.discord().add_webhook(WEBHOOK, "token-of-another");
    let moved = operator.answering(&new, &["webhook", "set", &id, "--url", "-"]);
    assert_eq!(moved.status.code(), Some(0), "{}", stderr(&moved));
    operator.json(&["webhook", "resume", &id]);
    operator.json(&["webhook", "replay", &id, "--since", "1h"]);
    deliver(&workspace, &id).await;
    let messages = app.discord().messages(WEBHOOK);
    assert!(
        messages[0].to_string().contains("/users/3/profile"),
        "{messages:?}"
    );
    for done in [listed, doctor, moved] {
        let said = format!("{}{}", stdout(&done), stderr(&done));
        assert!(!said.contains("token-of"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_webhook_does_not_move_to_discord() {
    let app = still().await;
    let workspace = app.workspace().await;
    let operator = Operator::of(&workspace);
    let id = id(&operator.json(&["webhook", "add", "https://example.com/bans"]));
    let url = "https://discord.com/api/webhooks/1/token";
    let refused = operator.run(&["webhook", "set", &id, "--url", url]);
    assert_refused(&refused, 2, "portcullis webhook add --discord");
    assert!(!stderr(&refused).contains("token"), "{}", stderr(&refused));
}
