//! How late the event log may be.

use end_to_end::{Ban, TestApp, Workspace, eventually, now};
use local_stack::fault_proxy::{Fault, Rule};
use serde_json::json;
use shared::domain::clock::UnixSeconds;

use super::sync;
use crate::routes::{EXPERIENCE, USER};

/// The lag that an environment with empty caches answers.
async fn lag(workspace: &Workspace<'_>) -> u64 {
    workspace.app().replace("sync").await;
    sync(workspace, None, 500).await["lag"].as_u64().unwrap()
}

/// Lets a tick come through the stream.
async fn tick(app: &TestApp) {
    app.run_schedule("expire-bans", "EachMinute").await;
    app.settle().await;
}

#[tokio::test]
async fn lag_is_the_age_of_the_last_tick_that_came_through() {
    let app = TestApp::start().await;
    let old = |settings: &mut shared::store::Workspace| {
        settings.created = UnixSeconds(now() - 5_000);
    };
    let workspace = app.workspace_with(old).await;
    let unknown = lag(&workspace).await;
    assert!((5_000..5_060).contains(&unknown), "no tick yet: {unknown}");
    tick(&app).await;
    let fresh = lag(&workspace).await;
    assert!(fresh < 60, "{fresh}");
    let ticks = app.items("T").await;
    let passed = ticks.iter().find(|item| item["sk"]["S"] == "L").unwrap();
    let mut earlier = passed.clone();
    earlier["at"] = json!({ "N": (now() - 700).to_string() });
    app.put_item(&earlier).await;
    let late = lag(&workspace).await;
    assert!((700..760).contains(&late), "{late}");
    let young = app.workspace().await;
    let own = lag(&young).await;
    assert!(own < 60, "it has no older decision: {own}");
}

#[tokio::test]
async fn a_decision_that_cannot_be_logged_is_noted_in_the_log_until_it_is() {
    let mut app = TestApp::builder().with_faults().start().await;
    let decided = now();
    let (prefix, key) = {
        let workspace = app.workspace().await;
        workspace.ban(Ban::of(USER, EXPERIENCE)).await;
        (workspace.prefix(), workspace.secret_key().to_owned())
    };
    app.settle().await;
    app.stop_mappings();
    let ban = Ban::of(2, EXPERIENCE).call().key(&key);
    app.send(&ban).await.assert_ok();
    app.faults()
        .inject(Rule::from(Fault::Throttle).on("TransactWriteItems"));
    app.start_mappings();
    let head = async |app: &TestApp| {
        let items = app.items(&format!("{prefix}#L")).await;
        items.into_iter().find(|item| item["kind"]["S"] == "log")
    };
    let noted = eventually("the unlogged decision is noted", async || {
        let head = head(&app).await?;
        head["unlogged_since"]["N"].as_str()?.parse::<u64>().ok()
    })
    .await;
    // The restarted stream repeats the first decision, which counts until both are processed.
    let noted = noted / 1_000;
    assert!((decided..=now()).contains(&noted), "{noted}, not {decided}");
    app.faults().clear();
    app.settle().await;
    let head = head(&app).await.unwrap();
    assert_eq!(head["log_position"]["N"], "2", "{head}");
    assert_eq!(head.get("unlogged_since"), None, "{head}");
}
