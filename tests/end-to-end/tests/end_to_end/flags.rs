//! The format of flags, by caller.

use end_to_end::{ApiResponse, Ban, Call, KeySpec, TestApp, Unban, Workspace};
use serde_json::{Value, json};
use shared::domain::keys::PinnedFlagFormat;

use crate::routes::{EXPERIENCE, USER};

const FLAGS: [&str; 5] = [
    "isGlobal",
    "isActive",
    "isAppealed",
    "experienceUniversal",
    "experienceBanCompleted",
];

/// Calls whose responses show a ban, in an order in which each succeeds.
fn showing() -> Vec<(&'static str, Call)> {
    let ban = Ban::of(USER, EXPERIENCE).permanent();
    vec![
        ("ban-async", ban.call().prefer_representation()),
        ("a conflict", ban.no_overwrite().call()),
        (
            "pending-bans",
            Call::get("/pending-bans").query("experienceId", EXPERIENCE),
        ),
        ("bans", Call::get("/bans")),
        ("export", Call::get("/export/bans/json")),
        ("a report", ban_reported().call().prefer_representation()),
        (
            "unban-async",
            Unban::of(USER, EXPERIENCE).call().prefer_representation(),
        ),
        (
            "pending-unbans",
            Call::get("/pending-unbans").query("experienceId", EXPERIENCE),
        ),
    ]
}

fn ban_reported() -> Ban {
    Ban::of(USER, EXPERIENCE).permanent().applied()
}

/// The only ban in a response.
fn ban_in(answer: &ApiResponse) -> Value {
    let body = answer.json();
    let found = body.get("ban").or_else(|| body["list"].get(0));
    found
        .unwrap_or_else(|| panic!("no ban in {answer}"))
        .clone()
}

async fn assert_flags(workspace: &Workspace<'_>, from_roblox: bool, boolean: bool, varies: bool) {
    for (name, call) in showing() {
        let call = if from_roblox {
            call.from_roblox()
        } else {
            call
        };
        let answer = workspace.send(call).await;
        let ban = ban_in(&answer);
        for flag in FLAGS {
            let value = &ban[flag];
            assert_eq!(value.is_boolean(), boolean, "{name}: {flag} is {value}");
            assert_eq!(value.is_u64(), !boolean, "{name}: {flag} is {value}");
        }
        assert!(ban["isBanned"].is_boolean(), "{name}");
        assert_eq!(
            answer.header("vary"),
            varies.then_some("roblox-id"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn flags_are_integers_and_booleans_for_game_servers() {
    let app = TestApp::start().await;
    assert_flags(&app.workspace().await, false, false, true).await;
    assert_flags(&app.workspace().await, true, true, true).await;
}

#[tokio::test]
async fn a_key_can_be_pinned_to_either_flag_format() {
    let app = TestApp::start().await;
    for (pin, boolean) in [
        (PinnedFlagFormat::Integer, false),
        (PinnedFlagFormat::Boolean, true),
    ] {
        for from_roblox in [false, true] {
            let workspace = app.workspace().await;
            let key = workspace.make_key(KeySpec::flags(pin)).await;
            assert_flags(&workspace.with_key(&key), from_roblox, boolean, false).await;
        }
    }
}

#[tokio::test]
async fn checks_always_return_booleans() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE).permanent()).await;
    let integer = workspace
        .make_key(KeySpec::flags(PinnedFlagFormat::Integer))
        .await;
    let boolean = workspace
        .make_key(KeySpec::flags(PinnedFlagFormat::Boolean))
        .await;
    let body = json!({ "userId": USER, "experienceId": EXPERIENCE });
    for key in [
        workspace.secret_key(),
        &integer,
        &boolean,
        workspace.public_key(),
    ] {
        let check = Call::post("/is-banned").json(&body).key(key);
        for call in [check.clone(), check.from_roblox()] {
            let answer = app.send(&call).await;
            let ban = answer.success();
            for flag in FLAGS {
                assert!(ban[flag].is_boolean(), "{flag} is {}", ban[flag]);
            }
            assert_eq!(answer.header("vary"), None);
        }
    }
}

#[tokio::test]
async fn the_csv_export_uses_the_list_flag_format() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    workspace.ban(Ban::of(USER, EXPERIENCE).permanent()).await;
    let plain = workspace.send(Call::get("/export/bans/csv")).await;
    let roblox = workspace
        .send(Call::get("/export/bans/csv").from_roblox())
        .await;
    for (answer, active) in [(plain, "1"), (roblox, "true")] {
        let row = answer.text.lines().nth(1).unwrap();
        assert_eq!(row.split(',').nth(4), Some(active), "{row}");
        assert_eq!(answer.header("vary"), Some("roblox-id"));
    }
}

#[tokio::test]
async fn flags_are_accepted_in_either_format() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    for (user, yes, no) in [(1, json!(true), json!(false)), (2, json!(1), json!(0))] {
        let ban = Ban::of(user, EXPERIENCE).permanent();
        let ban = ban
            .with("overwrite", no.clone())
            .with("experienceUniversal", no.clone());
        assert_eq!(
            workspace.ban_shown(ban.clone()).await["experienceUniversal"],
            0
        );
        workspace
            .try_ban(ban.clone().moderator(8))
            .await
            .assert_error(409, "already_banned");

        let changed = ban
            .with("overwrite", yes.clone())
            .with("experienceUniversal", yes.clone());
        let call = changed.call().query("experienceBanCompleted", yes.clone());
        let shown = workspace.send(call.prefer_representation()).await.success();
        assert_eq!(shown["ban"]["experienceUniversal"], 1);
        assert_eq!(shown["ban"]["experienceBanCompleted"], 1);

        let unban = Unban::of(user, EXPERIENCE).call();
        workspace
            .send(unban.clone().query("confirmOnly", yes.clone()))
            .await
            .assert_ok();
        assert!(workspace.is_banned(user, EXPERIENCE).await);
        workspace
            .send(unban.query("confirmOnly", no))
            .await
            .assert_ok();
        assert!(!workspace.is_banned(user, EXPERIENCE).await);
    }
}
