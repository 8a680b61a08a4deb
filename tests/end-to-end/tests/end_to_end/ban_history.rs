//! `GET /bans/{guid}`: a ban and its decisions.

use end_to_end::{Ban, Call, KeySpec, TestApp, Unban, Workspace, eventually, key_order};
use serde_json::{Value, json};
use shared::domain::ban_info::BanInfo;
use shared::domain::keys::PinnedFlagFormat;

use crate::routes::{EXPERIENCE, USER, ban_history};

/// The resulting ban of a call, once its history can be found.
async fn made(workspace: &Workspace<'_>, ban: Ban) -> String {
    let shown = workspace.ban_shown(ban).await;
    let guid = shown["guid"].as_str().unwrap().to_owned();
    eventually("the ban is on record", async || {
        let answer = workspace.send(ban_history(&guid)).await;
        (answer.status == 200).then_some(())
    })
    .await;
    guid
}

fn names(history: &Value) -> Vec<&str> {
    let events = history["events"].as_array().unwrap();
    let names = events.iter().map(|event| event["event"].as_str().unwrap());
    names.collect()
}

#[tokio::test]
async fn a_bans_events_are_listed_oldest_first() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).permanent().moderator(7);
    let guid = made(&workspace, ban.clone().reasons("first", "first")).await;
    let changed = ban.moderator(8).reasons("second", "second");
    workspace.ban(changed.clone()).await;
    // A report is not a decision.
    workspace.ban(changed.applied()).await;
    let unban = Unban::of(USER, EXPERIENCE).reason("wrong user");
    workspace.unban(unban.with("moderatorId", 9)).await;

    let history = workspace.send(ban_history(&guid)).await.success();
    assert_eq!(history["guid"], *guid);
    assert_eq!(history["isActive"], 0);
    assert_eq!(history["privateReason"], "second");
    assert_eq!(
        names(&history),
        ["GAME_BANNED", "GAME_BAN_UPDATED", "GAME_UNBANNED"]
    );
    let [made, changed, lifted] = [0, 1, 2].map(|n| &history["events"][n]);
    let key = workspace.key_id(workspace.secret_key());
    for (number, moderator, event) in [(1, 7, made), (2, 8, changed), (3, 9, lifted)] {
        assert_eq!(event["id"], format!("{guid}-{number}"));
        assert_eq!(event["workspaceGuid"], workspace.guid());
        assert_eq!(event["created"], event["data"]["updated"]);
        assert_eq!(
            event["actor"],
            json!({ "type": "key", "key": key, "moderator": moderator, "channel": "api" })
        );
    }
    assert_eq!(made["previous"], Value::Null);
    assert_eq!(made["data"]["privateReason"], "first");
    assert_eq!(changed["previous"]["privateReason"], "first");
    assert_eq!(changed["data"]["privateReason"], "second");
    // The state at that time: active until it was lifted.
    for event in [made, changed] {
        assert_eq!(event["data"]["isActive"], 1);
        assert_eq!(event.get("reason"), None);
    }
    assert_eq!(lifted["previous"]["isActive"], 1);
    assert_eq!(lifted["data"]["isActive"], 0);
    assert_eq!(lifted["data"]["isBanned"], false);
    assert_eq!(lifted["reason"], "wrong user");
}

#[tokio::test]
async fn an_appeal_is_an_unban_and_a_new_ban_links_its_predecessor() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).global().permanent();
    let first = made(&workspace, ban.clone()).await;
    workspace.ban(ban.clone().appeal()).await;
    let history = workspace.send(ban_history(&first)).await.success();
    assert_eq!(names(&history), ["GAME_BANNED", "GAME_UNBANNED"]);
    assert_eq!(history["isAppealed"], 1);
    assert_eq!(history["events"][1]["data"]["isAppealed"], 1);

    let second = made(&workspace, ban.clone()).await;
    assert_ne!(first, second);
    let history = workspace.send(ban_history(&second)).await.success();
    assert_eq!(names(&history), ["GAME_BANNED"]);
    assert_eq!(history["events"][0]["previous"]["guid"], *first);
    // The user's bans in other experiences do not appear.
    workspace.ban(Ban::of(USER, EXPERIENCE).length(60)).await;
    let again = workspace.send(ban_history(&second)).await.success();
    assert_eq!(again["events"], history["events"]);
}

#[tokio::test]
async fn history_fields_come_in_the_documented_order_with_events_last() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let guid = made(&workspace, Ban::of(USER, EXPERIENCE)).await;
    workspace
        .unban(Unban::of(USER, EXPERIENCE).reason("why"))
        .await;
    let answer = workspace.send(ban_history(&guid)).await;
    let mut documented: Vec<_> = BanInfo::FIELDS.map(str::to_owned).to_vec();
    documented.push("events".to_owned());
    assert_eq!(key_order(&answer.text), documented);

    let events = answer.text.split_once(r#""events":["#).unwrap().1;
    let second = events.split_once(r#"},{"id""#).unwrap().1;
    let second = format!(r#"{{"id"{}"#, second.strip_suffix("]}").unwrap());
    assert_eq!(
        key_order(&second),
        [
            "id",
            "event",
            "created",
            "workspaceGuid",
            "data",
            "previous",
            "reason",
            "actor"
        ]
    );
}

#[tokio::test]
async fn an_event_is_completed_only_if_exactly_that_state_was_applied() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let ban = Ban::of(USER, EXPERIENCE).permanent();
    let guid = made(&workspace, ban.clone()).await;
    let changed = ban.clone().reasons("other", "other");
    workspace.ban(changed.clone()).await;
    workspace.ban(changed.applied()).await;
    workspace.ban(ban.reasons("third", "third").applied()).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    let history = workspace.send(ban_history(&guid)).await.success();
    let of = |ban: &Value| ban["experienceBanCompleted"].clone();
    let events = history["events"].as_array().unwrap().iter();
    let applied: Vec<_> = events
        .map(|event| json!([of(&event["previous"]), of(&event["data"])]))
        .collect();
    assert_eq!(
        applied,
        [
            json!([null, 0]),
            json!([0, 0]),
            // The report came in between.
            json!([1, 1]),
            json!([1, 1]),
        ]
    );
}

#[tokio::test]
async fn history_flags_use_the_list_format() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let guid = made(&workspace, Ban::of(USER, EXPERIENCE).permanent()).await;
    let integer = workspace
        .make_key(KeySpec::flags(PinnedFlagFormat::Integer))
        .await;
    let boolean = workspace
        .make_key(KeySpec::flags(PinnedFlagFormat::Boolean))
        .await;
    let call = || ban_history(&guid);
    let cases: [(Call, Value, Option<&str>); 4] = [
        (call(), json!(1), Some("roblox-id")),
        (call().from_roblox(), json!(true), Some("roblox-id")),
        (call().key(&integer).from_roblox(), json!(1), None),
        (call().key(&boolean), json!(true), None),
    ];
    for (call, active, vary) in cases {
        let answer = workspace.send(call).await;
        let history = answer.success();
        assert_eq!(history["isActive"], active);
        assert_eq!(history["events"][0]["data"]["isActive"], active);
        assert_eq!(history["isBanned"], true);
        assert_eq!(answer.header("vary"), vary);
    }
}

#[tokio::test]
async fn an_unknown_guid_is_404_and_links_nothing() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for guid in ["633197862920433664", "1", "18446744073709551615"] {
        let answer = workspace.send(ban_history(guid)).await;
        answer.assert_error(404, "not_found");
    }
    for path in ["/bans/", "/bans/1/2", "/bans/1/"] {
        let answer = workspace.send(Call::get(path)).await;
        answer.assert_error(404, "not_found");
    }
    for method in ["POST", "DELETE", "PUT"] {
        let answer = workspace.send(Call::new(method, "/bans/1")).await;
        answer.assert_error(405, "method_not_allowed");
    }
    assert_eq!(workspace.stored().await, Vec::<Value>::new());
}

/// The table's TTL deletes them; no function does.
#[tokio::test]
async fn decisions_are_kept_for_the_configured_retention() {
    let app = TestApp::start().await;
    let thirty_days = |settings: &mut shared::store::Workspace| {
        settings.history_days = std::num::NonZeroU32::new(30);
    };
    for (workspace, kept) in [
        (app.workspace().await, None),
        (app.workspace_with(thirty_days).await, Some(30 * 86_400)),
    ] {
        workspace.ban(Ban::of(USER, EXPERIENCE)).await;
        workspace.unban(Unban::of(USER, EXPERIENCE)).await;
        let stored = workspace.stored().await;
        let decisions: Vec<_> = stored
            .iter()
            .filter(|item| item["kind"]["S"] == "decision")
            .collect();
        assert_eq!(decisions.len(), 2);
        for decision in decisions {
            let number =
                |field: &str| -> Option<u64> { decision[field]["N"].as_str()?.parse().ok() };
            let leaves = number("at").zip(kept).map(|(at, kept)| at + kept);
            assert_eq!(number("ttl"), leaves);
        }
        let others = stored.iter().filter(|item| item["kind"]["S"] != "decision");
        assert!(others.clone().all(|item| item.get("ttl").is_none()));
    }
}
