//! Tests of who decided and how, in lists of bans, events and histories.

use crate::decisions::{ban, linked};
use crate::harness::{Operator, Remote, stdout};
use end_to_end::{Ban, TestApp, Workspace};
use serde_json::{Value, json};
use shared::domain::actor::Channel;
use shared::domain::ban_info::{BanPresenter, FlagFormat};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{PlaceId, UserId};
use shared::domain::rules::{BanRequest, Length, Scope};
use shared::moderation::{self, Authority, Intent};
use shared::store::{Actor, CallerLimits, WriteContext};

/// Bans a user as a member does in the console.
async fn ban_in_console(workspace: &Workspace<'_>, member: &str, user: u64) {
    let (store, guid) = (workspace.app().store(), workspace.id());
    let (user, place) = (UserId::new(user).unwrap(), PlaceId::new(7).unwrap());
    let moderator = "156".parse().unwrap();
    let request = BanRequest {
        user,
        place,
        scope: Scope::Experience,
        overwrite: false,
        applied: false,
        moderator,
        private_reason: "told twice".to_owned(),
        public_reason: "Be kind".to_owned(),
        length: Length::Permanent,
        universal: None,
    };
    let context = WriteContext {
        user,
        prefix: guid.prefix(),
        link: store.link_of(guid.prefix(), place).await.unwrap(),
        actor: Actor {
            key_id: member.to_owned(),
            channel: Channel::Console,
            moderator: Some(moderator),
            principal: None,
            request_id: "1".to_owned(),
        },
        limits: CallerLimits::Operator,
        idempotency: None,
        digest: None,
        dry_run: None,
    };
    let now = UnixMillis::now().seconds();
    let authority = Authority {
        may_decide_globally: false,
        limits: CallerLimits::Operator,
        #[expect(clippy::disallowed_methods, reason = "the answer is not read")]
        presenter: BanPresenter::of_workspace(guid, FlagFormat::Boolean, now),
        needs_vary_header: false,
    };
    let intent = Intent::Ban;
    let banned = moderation::ban(store, &context, &request, intent, &authority, None).await;
    banned.unwrap();
}

/// The actors of a list of bans, by user.
fn actors(list: &Value) -> Vec<Value> {
    let mut bans = list.as_array().unwrap().clone();
    bans.sort_by_key(|ban| ban["robloxId"].as_u64());
    bans.iter().map(|ban| ban["actor"].clone()).collect()
}

fn lines(operator: &Operator) -> String {
    stdout(&operator.run(&["events"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_events_and_histories_name_the_actor_and_the_channel() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace);
    let remote = Remote::of(&workspace, workspace.secret_key());
    let ada = operator.json(&["member", "add", "Ada", "--roblox", "156"]);
    let member = ada["memberId"].as_str().unwrap();
    ban_in_console(&workspace, member, 1).await;
    workspace.ban(Ban::of(2, 7)).await;
    operator.json(&ban("3", &["--permanent"]));
    app.settle().await;

    let key = workspace.key_id(workspace.secret_key());
    let by_key = json!({ "type": "key", "key": key, "channel": "api" });
    let by_operator = json!({ "type": "operator", "key": "operator", "channel": "cli" });
    let by_member = json!({ "type": "member", "key": member, "channel": "console" });
    let list = ["bans", "list"];
    let answered = actors(&remote.json(&list));
    assert_eq!(answered, [by_member.clone(), by_key, by_operator]);
    let mut named = answered;
    named[0]["name"] = "Ada".into();
    // A removed member keeps the name.
    for _ in 0..2 {
        assert_eq!(actors(&operator.json(&list)), named);
        operator.json(&["member", "remove", member]);
    }
    let table = stdout(&operator.run(&list));
    let unnamed = stdout(&remote.run(&list));
    for (table, by_member) in [(table, "Ada"), (unnamed, member)] {
        for who in [by_member, &key] {
            let how = if who == by_member { "console" } else { "api" };
            assert!(table.contains(&format!("  {who} ({how})  ")), "{table}");
        }
        assert!(table.contains("  operator (cli)  "), "{table}");
    }

    let events = lines(&operator);
    assert!(events.contains("  Ada (console)  told twice"), "{events}");
    assert!(
        events.contains(&format!("  {key} (api), moderator ")),
        "{events}"
    );
    let first = stdout(&operator.run(&["events", "--json"]));
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["actor"]["name"], &first["actor"]["channel"]),
        (&json!("Ada"), &json!("console"))
    );

    let history = operator.json(&["history", "1"]);
    let decision = &history[0];
    assert_eq!(
        (
            &decision["keyId"],
            &decision["member"],
            &decision["channel"]
        ),
        (&json!(member), &json!("Ada"), &json!("console"))
    );
    let table = stdout(&operator.run(&["history", "1"]));
    assert!(table.contains("Ada (console)"), "{table}");
    let table = stdout(&remote.run(&["history", "1"]));
    assert!(table.contains(&format!("{member} (console)")), "{table}");
    let table = stdout(&operator.run(&["history", "3"]));
    let by = "operator (cli, local user unknown), moderator 1";
    assert!(table.contains(by), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_finds_a_moderator_by_the_name_of_their_roblox_user() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let operator = linked(&workspace).with_names();
    operator.json(&["member", "add", "Ada", "--roblox", "@builderman"]);
    workspace.ban(Ban::of(7, 7).moderator(156)).await;
    workspace.ban(Ban::of(2, 7).moderator(157)).await;
    app.settle().await;
    let undo = |moderator| {
        [
            "undo",
            "--moderator",
            moderator,
            "--since",
            "1h",
            "--dry-run",
        ]
    };
    for moderator in [
        "@builderman",
        "https://www.roblox.com/users/156/profile",
        "Ada",
    ] {
        let would = operator.json(&undo(moderator));
        assert_eq!(would.as_array().unwrap().len(), 1, "{moderator}: {would}");
        assert_eq!(
            (&would[0]["userId"], &would[0]["name"]),
            (&json!(7), &json!("user_7"))
        );
    }
}
