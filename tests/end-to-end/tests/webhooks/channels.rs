//! Events in a channel of Discord.

use std::time::{Duration, Instant};

use end_to_end::integrations::CHANNEL_TOKEN;
use end_to_end::{Ban, TestApp, Unban, Workspace, discord_contract, now, role_change};
use local_stack::discord::{ADA, DiscordFault, GUILD};
use local_stack::faults::Rule;
use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission::ManageBans;
use shared::domain::user_name::{RobloxName, RobloxUser};
use shared::domain::webhooks::{DeliveryState, EndpointState, PAUSES, PausedFor};
use shared::store::ErasureSource;

use crate::test_endpoint::{EXPERIENCE, TestEndpoint, last_run, publish, still};

const WEBHOOK: u64 = 613_425_648_685_547_702;

/// A webhook of the fake Discord that gets all events.
async fn channel<'a>(workspace: &'a Workspace<'a>) -> TestEndpoint<'a> {
    let id = workspace.add_channel(WEBHOOK).await.id;
    TestEndpoint { workspace, id }
}

/// The embeds in the channel, oldest first, after a look at every call.
fn embeds(app: &TestApp) -> Vec<Value> {
    for exchange in app.discord().exchanges() {
        assert!(exchange.query.is_empty() && exchange.path.starts_with("/api/v10/webhooks/"));
        if exchange.status < 400 {
            let problems = discord_contract().problems(&exchange);
            assert_eq!(problems, Vec::<String>::new());
        }
    }
    let messages = app.discord().messages(WEBHOOK);
    for message in &messages {
        assert_eq!(message["allowed_mentions"], json!({ "parse": [] }));
    }
    let all = messages
        .iter()
        .flat_map(|message| message["embeds"].as_array().unwrap());
    all.cloned().collect()
}

/// The value of a row of an embed.
fn row<'a>(embed: &'a Value, name: &str) -> &'a str {
    let rows = embed["fields"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name);
    row.and_then(|row| row["value"].as_str())
        .unwrap_or_default()
}

fn titles(embeds: &[Value]) -> Vec<&str> {
    embeds
        .iter()
        .map(|embed| embed["title"].as_str().unwrap())
        .collect()
}

/// The users of embeds, by their links.
fn users(embeds: &[Value]) -> Vec<u64> {
    let user = |embed: &Value| {
        let (_, rest) = row(embed, "Player").split_once("/users/").unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    };
    embeds.iter().map(user).collect()
}

fn assert_token_is_in_no_log(app: &TestApp) {
    let lines = app.runtime().logs("deliver-webhooks");
    assert!(!lines.is_empty());
    let with_token = lines.iter().find(|line| line.text.contains(CHANNEL_TOKEN));
    assert_eq!(with_token, None);
}

#[tokio::test]
async fn every_kind_of_event_appears_readably_in_the_channel() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    let name = |user: u64, name: &str| RobloxUser {
        id: UserId::new(user).unwrap(),
        name: RobloxName::new(name, name).unwrap(),
    };
    let known = [name(1, "built_erman"), name(9, "Mod")];
    let none = std::collections::HashSet::new();
    app.store()
        .cache_names(target.prefix(), &known, &none, UnixSeconds(now()))
        .await;
    let ban = Ban::of(1, EXPERIENCE).moderator(9);
    workspace
        .ban(ban.clone().permanent().reasons("HIDDEN", "Cheating"))
        .await;
    let changed = ban.permanent().reasons("HIDDEN", "Cheating again");
    workspace.ban(changed).await;
    workspace.unban(Unban::of(1, EXPERIENCE)).await;
    workspace
        .ban(Ban::of(2, EXPERIENCE).global().permanent())
        .await;
    assert!(workspace.record(&role_change(Some(2))).await);
    assert_eq!(publish(&workspace).await, 5);
    target.drain().await;

    let embeds = embeds(&app);
    let expected = [
        "Banned",
        "Ban changed",
        "Unbanned",
        "Banned",
        "Group role changed",
    ];
    assert_eq!(titles(&embeds), expected);
    assert_eq!(users(&embeds), [1, 1, 1, 2, 2]);
    assert_eq!(
        app.discord().messages(WEBHOOK).len(),
        1,
        "they share one message"
    );
    let player = r"[\@built\_erman](https://www.roblox.com/users/1/profile) (1)";
    assert_eq!(row(&embeds[0], "Player"), player);
    assert_eq!(
        row(&embeds[3], "Player"),
        "[2](https://www.roblox.com/users/2/profile)"
    );
    assert_eq!(
        row(&embeds[0], "Where"),
        "[7](https://www.roblox.com/games/7)"
    );
    assert_eq!(row(&embeds[3], "Where"), "Every experience");
    assert_eq!(row(&embeds[1], "Reason"), "Cheating again");
    let by = row(&embeds[0], "By");
    assert!(
        by.starts_with(r"[\@Mod](") && by.contains("through the API"),
        "{by}"
    );
    assert!(!json!(embeds).to_string().contains("HIDDEN"));
    let deliveries = target.deliveries().await;
    assert!(
        deliveries
            .iter()
            .all(|one| one.state == DeliveryState::Delivered)
    );
    // Nothing is repeated.
    target.drain().await;
    assert_eq!(app.discord().exchanges().len(), 1);
    assert_token_is_in_no_log(&app);
}

#[tokio::test]
async fn member_is_named_in_the_channel() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    workspace.link(EXPERIENCE).await;
    workspace.link_guild(GUILD).await;
    workspace.add_on_discord("Ada_1", ADA, &[ManageBans]).await;
    let ada = app.on_discord(GUILD, ADA);
    let ban = [("user", "1"), ("reason", "Spam")];
    ada.command("ban", &ban).await.says("\"title\":\"Banned\"");
    publish(&workspace).await;
    target.drain().await;
    assert_eq!(row(&embeds(&app)[0], "By"), r"Ada\_1, in Discord");
}

#[tokio::test]
async fn hostile_reason_is_shown_as_written_and_mentions_nobody() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    let reason = "@everyone <@80351110224678912> [free](https://evil.example) **x** ||y||\n# z";
    workspace
        .ban(Ban::of(1, EXPERIENCE).permanent().reasons("p", reason))
        .await;
    let longest = "*".repeat(400);
    workspace
        .ban(Ban::of(2, EXPERIENCE).permanent().reasons("p", &longest))
        .await;
    publish(&workspace).await;
    target.drain().await;
    let embeds = embeds(&app);
    let expected = r"\@everyone \<\@80351110224678912\> \[free\]\(https\://evil.example\) \*\*x\*\* \|\|y\|\| \# z";
    assert_eq!(row(&embeds[0], "Reason"), expected);
    assert_eq!(row(&embeds[1], "Reason"), r"\*".repeat(400));
}

#[tokio::test]
async fn burst_shares_a_few_messages_in_order() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    target.ban(1..=30).await;
    let endpoint = target.endpoint().await;
    let asked = app.store().request_test(&endpoint, UnixMillis::now()).await;
    asked.unwrap();
    target.drain().await;
    let embeds = embeds(&app);
    assert_eq!(embeds[0]["title"], "Test", "the operator waits for it");
    assert_eq!(users(&embeds[1..]), (1..=30).collect::<Vec<_>>());
    assert_eq!(app.discord().messages(WEBHOOK).len(), 4);
    assert_eq!(last_run(&app)["deliveriesMade"], 31);
}

#[tokio::test]
async fn rate_limit_of_the_webhook_is_kept() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    target.ban(1..=51).await;
    let begun = Instant::now();
    target.drain().await;
    let took = begun.elapsed();
    assert_eq!(users(&embeds(&app)), (1..=51).collect::<Vec<_>>());
    let refused = app
        .discord()
        .exchanges()
        .iter()
        .filter(|it| it.status == 429)
        .count();
    assert_eq!(refused, 0, "it waits before Discord refuses");
    // The sixth message has to wait until the first is two seconds old.
    assert!(took > Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn message_is_sent_again_after_a_short_rate_limit_and_that_is_no_failed_attempt() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    let limit = Rule::from(DiscordFault::TooMany(0.3))
        .on("/webhooks/")
        .times(2);
    app.discord().fail(limit);
    target.ban([1, 2]).await;
    let begun = Instant::now();
    target.drain().await;
    assert!(begun.elapsed() >= Duration::from_millis(600));
    assert_eq!(users(&embeds(&app)), [1, 2]);
    assert_eq!(app.discord().exchanges().len(), 3);
    for delivery in target.deliveries().await {
        assert_eq!(
            (delivery.state, delivery.attempts),
            (DeliveryState::Delivered, 1)
        );
    }
    assert_eq!(target.endpoint().await.failing_since, None);
}

#[tokio::test]
async fn long_rate_limit_holds_everything_back_without_an_attempt() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    let limit = Rule::from(DiscordFault::TooMany(40.0))
        .on("/webhooks/")
        .times(1);
    app.discord().fail(limit);
    target.ban(1..=12).await;
    target.drain().await;
    for delivery in target.deliveries().await {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Due, 0));
    }
    assert!(target.endpoint().await.failing_since.is_some());
    // New events wake the function, and it calls nobody before the pause is over.
    target.ban([13]).await;
    target.drain().await;
    assert_eq!(app.discord().exchanges().len(), 1);
    for lease in workspace.leases().await {
        workspace.end_lease(&lease).await;
    }
    target.drain().await;
    assert_eq!(users(&embeds(&app)), (1..=13).collect::<Vec<_>>());
    assert_eq!(target.endpoint().await.failing_since, None);
}

#[tokio::test]
async fn webhook_that_was_deleted_in_discord_is_paused() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    for is_renewed in [false, true] {
        let target = channel(&workspace).await;
        if is_renewed {
            app.discord().add_webhook(WEBHOOK, "another-token");
        } else {
            app.discord().delete_webhook(WEBHOOK);
        }
        target.ban([1 + u64::from(is_renewed)]).await;
        target.drain().await;
        let endpoint = target.endpoint().await;
        assert_eq!(endpoint.state, EndpointState::Failing);
        assert_eq!(endpoint.paused_for, Some(PausedFor::Gone));
        let delivery = target.delivery().await;
        assert_eq!(
            (delivery.state, delivery.attempts),
            (DeliveryState::Failed, 1)
        );
        assert_eq!(last_run(&app)["endpointsPaused"], 1);
        let calls = app.discord().exchanges().len();
        assert_eq!(target.ban([3 + u64::from(is_renewed)]).await, 0);
        target.drain().await;
        assert_eq!(app.discord().exchanges().len(), calls);
    }
    assert_token_is_in_no_log(&app);
}

#[tokio::test]
async fn failed_message_is_retried_by_the_rules_of_other_endpoints() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    app.discord().fail(
        Rule::from(DiscordFault::Html(502))
            .on("/webhooks/")
            .times(1),
    );
    target.ban([1, 2]).await;
    let begun = UnixMillis::now().millis();
    target.drain().await;
    for delivery in target.deliveries().await {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Due, 1));
        let paused = delivery.due_at.unwrap().millis() - begun;
        assert!(
            (PAUSES[0] * 800..PAUSES[0] * 1200 + 3000).contains(&paused),
            "{paused}"
        );
    }
    assert!(target.endpoint().await.failing_since.is_some());
    target.bring_due().await;
    target.drain().await;
    assert_eq!(users(&embeds(&app)), [1, 2]);
}

#[tokio::test]
async fn event_that_discord_refuses_costs_no_other_and_is_given_up() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    // The message of three events, its first half of two, and the first event of that.
    let refused = DiscordFault::Error(400, 50_035);
    app.discord()
        .fail(Rule::from(refused).on("/webhooks/").times(3));
    target.ban([1, 2, 3]).await;
    target.drain().await;
    assert_eq!(users(&embeds(&app)), [2, 3]);
    let deliveries = target.deliveries().await;
    let first = &deliveries[0];
    assert_eq!((first.state, first.attempts), (DeliveryState::Due, 1));
    assert_eq!(first.last.as_ref().unwrap().status, Some(400));
    assert!(
        deliveries[1..]
            .iter()
            .all(|one| one.state == DeliveryState::Delivered)
    );
    let line = last_run(&app);
    assert_eq!(line["level"], "ERROR", "it is our fault: {line}");

    app.discord().fail(Rule::from(refused).on("/webhooks/"));
    target.set(first.key, "attempts", 9).await;
    target.bring_due().await;
    target.drain().await;
    let delivery = &target.deliveries().await[0];
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Failed, 10)
    );
    assert_eq!(last_run(&app)["deliveriesFailed"], 1);
    assert_token_is_in_no_log(&app);
}

#[tokio::test]
async fn events_of_an_erased_user_do_not_appear() {
    let app = still().start().await;
    let workspace = app.workspace().await;
    let target = channel(&workspace).await;
    target.ban([1, 2]).await;
    let user = UserId::new(1).unwrap();
    let store = app.store();
    let erase = store.erase_user(target.prefix(), user, ErasureSource::Operator);
    erase.await.unwrap();
    for delivery in target.deliveries().await {
        // Longer ago than an index may be late.
        target
            .set(delivery.key, "created", UnixMillis::now().millis() - 61_000)
            .await;
    }
    target.drain().await;
    assert_eq!(users(&embeds(&app)), [2]);
    assert_eq!(target.deliveries().await[0].state, DeliveryState::Gone);
}
