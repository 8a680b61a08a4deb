//! Activities in a restore: put back and logged again like decisions, and never brought back after an
//! erasure.

use std::collections::BTreeSet;
use std::time::Duration;

use super::PLACE;
use super::helpers::{COPY, copy, damage, ids, marked, read};
use crate::stack::Operator;
use end_to_end::{Ban, TestApp, age_log, role_change};
use serde_json::json;
use shared::domain::activity::Activity;
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

/// Users without bans, and one with.
const LOST: u64 = 820_001;
const ERASED: u64 = 820_002;
const BANNED: u64 = 820_003;

fn named(activities: &[&Activity]) -> BTreeSet<String> {
    let names = activities.iter().map(|it| it.id.as_str().to_owned());
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_activities_are_put_back_and_erased_ones_are_not() {
    let app = TestApp::start().await;
    app.control().set_timeout(Duration::from_secs(1));
    let workspace = app.workspace().await;
    let (operator, prefix) = (Operator::of(&workspace), workspace.prefix());
    workspace.ban(Ban::of(BANNED, PLACE).permanent()).await;
    let [lost, erased, kept] = [LOST, ERASED, BANNED].map(|user| role_change(Some(user)));
    let (lost_of_none, late_of_none) = (role_change(None), role_change(None));
    for activity in [&lost, &erased, &kept, &lost_of_none] {
        assert!(workspace.record(activity).await);
    }
    app.quiet().await;
    read(&workspace, None, 5).await;
    copy(&app).await;

    let user = UserId::new(ERASED).unwrap();
    let store = app.store();
    let erasing = store.erase_user(workspace.id().prefix(), user, ErasureSource::Operator);
    erasing.await.unwrap();
    for partition in [format!("U#{LOST}"), "A".to_owned(), "L".to_owned()] {
        damage(&app, &format!("{prefix}#{partition}")).await;
    }
    // The log starts again from 1.
    assert!(workspace.record(&late_of_none).await);
    app.quiet().await;

    let restore = ["--stack", "portcullis", "restore", "--from", COPY];
    let erased_id = ERASED.to_string();
    let absent = ["--absent", "bring-back", "--erased", &erased_id];
    // The first run lists the users whose items are gone, and restores the rest.
    let listing = operator.run(&[&restore[..], &["--yes"]].concat()).await;
    assert_eq!(listing.status.code(), Some(1));
    let all = [&restore[..], &absent, &["--yes"]].concat();
    let done = operator.json(&all).await;
    let mut workspaces = done.as_array().unwrap().iter();
    let done = workspaces.find(|one| one["workspaceGuid"] == workspace.guid());
    let done = done.unwrap();
    assert_eq!(done["putBack"]["activity"], 1, "{done}");
    assert_eq!(done["leftOut"], json!([ERASED]), "{done}");
    app.quiet().await;

    let stored = json!(workspace.stored().await).to_string();
    assert!(!stored.contains(&erased_id), "{stored}");
    age_log(&workspace).await;
    let (events, _) = read(&workspace, None, 5).await;
    let again = [&lost, &lost_of_none, &late_of_none];
    assert!(ids(&events).is_superset(&named(&again)));
    assert_eq!(marked(&events), named(&again));
    assert_eq!(events.len(), 5, "a ban and four activities");
    // Positions were assigned after all earlier ones.
    let head = store.log_head(workspace.id().prefix(), true).await.unwrap();
    assert!(head.position > 1_000_000 && head.epoch == 1, "{head:?}");

    let dry = operator
        .json(&[&restore[..], &["--dry-run"]].concat())
        .await;
    let mut workspaces = dry.as_array().unwrap().iter();
    let dry = workspaces.find(|one| one["workspaceGuid"] == workspace.guid());
    assert_eq!(dry.unwrap()["putBack"], json!({}));
}
