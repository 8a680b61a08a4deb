//! Calls about a user after their erasure, and users with much to erase.

use end_to_end::{Ban, Notification, TestApp, Unban, Workspace, now};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::store::{ErasureMode, ErasureSource};

use crate::roblox_webhook::{assert_never_banned, items_of};
use crate::routes::{EXPERIENCE, USER};

/// Another experience of the workspace.
const ELSEWHERE: u64 = EXPERIENCE + 1;

/// A permanent ban with this private reason.
fn ban(reason: &str) -> Ban {
    Ban::of(USER, EXPERIENCE)
        .permanent()
        .reasons(reason, "Cheating")
}

/// Erases the user as requested by Roblox, or as the operator does.
async fn erase(workspace: &Workspace<'_>, source: ErasureSource) {
    let app = workspace.app();
    match source {
        ErasureSource::Roblox => {
            let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
            app.replace("roblox-webhook").await;
            let erasure = Notification::erasure(USER).signed(&secret);
            app.send(&erasure).await.assert_ok();
        }
        ErasureSource::Operator => {
            let (prefix, user) = (workspace.id().prefix(), UserId::new(USER).unwrap());
            let erased = app.store().erase_user(prefix, user, source).await;
            assert!(erased.unwrap().bans > 0);
        }
    }
}

/// No item names the user or the reasons of their bans.
async fn assert_erased(workspace: &Workspace<'_>) {
    assert_never_banned(workspace, USER).await;
    assert_eq!(items_of(workspace, USER).await, Vec::<Value>::new());
    let stored = Value::from(workspace.stored().await).to_string();
    for word in ["aimbot", "Cheating"] {
        assert!(!stored.contains(word), "{stored}");
    }
}

#[tokio::test]
async fn late_reports_for_an_erased_user_store_nothing() {
    let app = TestApp::builder().with_faults().start().await;
    for source in [ErasureSource::Roblox, ErasureSource::Operator] {
        let workspace = app.workspace().await;
        for experience in [EXPERIENCE, ELSEWHERE] {
            workspace.pending_bans(experience).await;
        }
        // One server still has the first revision, one the second, one a Global ban from elsewhere.
        let by_name = ban("aimbot").header("idempotency-key", "first");
        let first = workspace.ban_shown(by_name.clone()).await;
        let second = workspace.ban_shown(ban("aimbot again")).await;
        let global = Ban::of(USER, ELSEWHERE)
            .reasons("aimbot", "Cheating")
            .global();
        let global = workspace.ban_shown(global).await;
        app.settle().await;
        erase(&workspace, source).await;

        for _ in 0..2 {
            for (item, experience) in [
                (&first, EXPERIENCE),
                (&second, EXPERIENCE),
                (&global, ELSEWHERE),
                (&global, EXPERIENCE),
            ] {
                let call = Ban::reporting(item, experience).call();
                let answer = workspace.send(call.prefer_representation()).await;
                assert_eq!(answer.success()["ban"], Value::Null);
            }
            app.settle().await;
            assert_erased(&workspace).await;
        }
        // A moderator's call repeated with its idempotency key is recognised by that.
        workspace.ban(by_name).await;
        let unbanned = Unban::of(USER, EXPERIENCE).report_only();
        let answer = workspace.try_unban(unbanned).await;
        answer.assert_error(404, "not_found");
        assert_erased(&workspace).await;

        // With other terms, the same call bans.
        let mut other = second.clone();
        other["publicReason"] = "Exploiting".into();
        workspace.report(&other, EXPERIENCE).await;
        let banned = workspace.check(USER, EXPERIENCE).await;
        assert_eq!(banned["publicReason"], "Exploiting");
        assert_eq!(banned["experienceBanCompleted"], true);
        // A late report does not change that ban, and makes it pending again.
        workspace.report(&first, EXPERIENCE).await;
        let pending = workspace.await_pending_bans(EXPERIENCE, &[USER]).await;
        assert_eq!(pending[0]["guid"], banned["guid"]);
    }
}

/// How many changes a busy user has seen within the hour.
const CHANGES: usize = 3_000;

/// Copies the user's latest decision into this many older ones, one per millisecond, with numbered
/// private reasons and `weight` extra bytes per item.
async fn copy_decisions(workspace: &Workspace<'_>, count: usize, weight: usize) {
    let stored = items_of(workspace, USER).await;
    let is_decision = |item: &&Value| item["kind"]["S"] == "decision";
    let decision = stored.iter().rfind(is_decision).unwrap().clone();
    let at_ms: u64 = decision["at_ms"]["N"].as_str().unwrap().parse().unwrap();
    let copies = (1..=count).map(|number| {
        let mut item = decision.clone();
        let at = at_ms - 2_000_000 + u64::try_from(number).unwrap();
        item["sk"] = json!({ "S": format!("H#{at:014}#1#{number}") });
        item["at_ms"] = json!({ "N": at.to_string() });
        item["at"] = json!({ "N": (at / 1000).to_string() });
        let reason = json!({ "S": format!("aimbot {number}") });
        for ban in ["ban", "previous"] {
            item[ban] = decision["ban"].clone();
            item[ban]["M"]["private_reason"] = reason.clone();
        }
        item["weight"] = json!({ "S": "x".repeat(weight) });
        item.as_object_mut().unwrap().remove("log_shard");
        item
    });
    workspace.app().put_items(copies).await;
}

#[tokio::test]
async fn a_user_with_thousands_of_recent_changes_can_be_reported_and_erased() {
    let app = TestApp::builder()
        .with_faults()
        .without_stream()
        .start()
        .await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let latest = workspace.ban_shown(ban("latest")).await;
    copy_decisions(&workspace, CHANGES, 0).await;

    let reporting = |reason: &str| {
        let mut item = latest.clone();
        item["privateReason"] = reason.into();
        Ban::reporting(&item, EXPERIENCE).call()
    };
    // The newest is on the first page, the oldest on the last.
    let mut costs = Vec::new();
    for reason in [format!("aimbot {CHANGES}"), "aimbot 1".to_owned()] {
        let answer = workspace.send(reporting(&reason)).await;
        answer.assert_ok();
        let banned = workspace.check(USER, EXPERIENCE).await;
        assert_eq!(banned["privateReason"], "latest");
        let log = app.log_of("ban-async", &answer).await;
        costs.push(log["readUnits"].as_f64().unwrap());
    }
    assert!(costs[0] < 270.0 && costs[1] < 270.0 * 5.0, "{costs:?}");

    // Roblox sends a notification up to six times.
    let erasure = Notification::erasure(USER).signed(&secret);
    let mut attempts = 1;
    while app.send(&erasure).await.status != 200 {
        attempts += 1;
        assert!(attempts <= 6, "not erased after 6 attempts");
    }
    assert_erased(&workspace).await;
    for number in [1, CHANGES / 2, CHANGES] {
        let call = reporting(&format!("aimbot {number}"));
        workspace.send(call).await.assert_ok();
        assert_never_banned(&workspace, USER).await;
    }
    workspace.send(reporting("another")).await.assert_ok();
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
}

#[tokio::test]
async fn a_late_report_reads_at_most_16_pages_of_history() {
    let app = TestApp::builder().without_stream().start().await;
    let workspace = app.workspace().await;
    let latest = workspace.ban_shown(ban("latest")).await;
    // Three of them fill a page.
    copy_decisions(&workspace, 60, 380_000).await;
    let mut reporting = latest.clone();
    for (reason, status) in [("aimbot 40", 200), ("aimbot 1", 503)] {
        reporting["privateReason"] = reason.into();
        let call = Ban::reporting(&reporting, EXPERIENCE).call();
        let answer = workspace.send(call).await;
        assert_eq!(answer.status, status, "{answer}");
        let banned = workspace.check(USER, EXPERIENCE).await;
        assert_eq!(banned["privateReason"], "latest");
    }
}

#[tokio::test]
async fn a_repeated_notification_keeps_later_decisions() {
    let app = TestApp::builder().with_faults().start().await;
    let workspace = app.workspace().await;
    let secret = workspace.take_in_erasures(ErasureMode::Erase).await;
    let erasure = Notification::erasure(USER);
    let mark_key = json!({
        "pk": { "S": format!("{}#R#{}", workspace.prefix(), erasure.id()) },
        "sk": { "S": "R" },
    });
    // The first attempt started a minute ago and did not finish.
    let mut mark = mark_key.clone();
    mark["kind"] = json!({ "S": "notification" });
    mark["under_way"] = json!({ "BOOL": true });
    mark["at"] = json!({ "N": (now() - 60).to_string() });
    mark["ttl"] = json!({ "N": (now() + 86_400).to_string() });
    app.put_item(&mark).await;

    workspace.ban(ban("since then").applied()).await;
    app.settle().await;
    let before = items_of(&workspace, USER).await;
    for _ in 0..2 {
        app.send(&erasure.signed(&secret)).await.assert_ok();
        assert_eq!(items_of(&workspace, USER).await, before);
    }
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;

    // A marker counts until its own time, whenever DynamoDB deletes it.
    let mut expired = mark_key;
    expired["kind"] = json!({ "S": "notification" });
    expired["at"] = json!({ "N": (now() - 8 * 86_400).to_string() });
    expired["ttl"] = json!({ "N": (now() - 86_400).to_string() });
    app.put_item(&expired).await;
    app.send(&erasure.signed(&secret)).await.assert_ok();
    assert_never_banned(&workspace, USER).await;
}
