//! Expired items do not count, although DynamoDB deletes them up to days later.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use end_to_end::{
    Ban, Call, KeySpec, Reply, TestApp, Unban, WebhookReceiver, Workspace, eventually, now,
    role_change,
};
use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{UniverseId, UserId, WorkspacePrefix};
use shared::domain::keys::NotificationSecret;
use shared::store::{ErasureIntake, ErasureMode, NotificationId, Store, Workspace as Settings};

use crate::routes::{EXPERIENCE, USER};

/// The kinds of items with a TTL. The tests skip check counts, which are only read within their
/// minute, and markers of erased bans, which hold their own end and are tested with the rules.
const KINDS: [&str; 10] = [
    "activity",
    "application",
    "checks",
    "decision",
    "delivery",
    "expiry",
    "lease",
    "notification",
    "pace",
    "request",
];

/// A user whose ban expires, one who is erased, and one who is mirrored.
const EXPIRING: u64 = 2;
const ERASED: u64 = 3;
const MIRRORED: u64 = 4;

const UNIVERSE: UniverseId = UniverseId::new(7).unwrap();

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn named_ban() -> Ban {
    let ban = Ban::of(USER, EXPERIENCE).no_overwrite();
    ban.header("idempotency-key", "once")
}

fn notification() -> NotificationId {
    NotificationId::new("notification").unwrap()
}

fn intake(workspace: &Workspace<'_>) -> ErasureIntake {
    ErasureIntake {
        guid: workspace.id(),
        secret: NotificationSecret::new("secret").unwrap(),
        mode: ErasureMode::Erase,
        created: UnixSeconds(now()),
    }
}

/// Sends the notification to erase a user.
async fn request_erasure(workspace: &Workspace<'_>) {
    let (store, intake) = (workspace.app().store(), intake(workspace));
    let (name, now) = (notification(), UnixSeconds(now()));
    let taking = store.take_in_erasure(&intake, &name, user(ERASED), now);
    taking.await.unwrap();
}

/// Creates an item of every kind with a TTL, and returns the guid of the first ban.
async fn create_all_kinds(workspace: &Workspace<'_>, capped: &Workspace<'_>) -> String {
    let (app, prefix) = (workspace.app(), workspace.id().prefix());
    workspace.ban(named_ban()).await;
    workspace.unban(Unban::of(USER, EXPERIENCE)).await;
    assert!(workspace.record(&role_change(Some(USER))).await);
    let soon = now() + 3;
    capped.ban(Ban::of(EXPIRING, EXPERIENCE).length(soon)).await;
    capped
        .try_ban(Ban::of(MIRRORED, EXPERIENCE))
        .await
        .assert_error(429, "rate_limited");
    // A gap in the log would make its readers wait, so none of its items may exist yet.
    request_erasure(workspace).await;
    let check = json!({ "userId": USER, "experienceId": EXPERIENCE });
    let check = Call::post("/is-banned").json(&check);
    let public = workspace.with_key(workspace.public_key());
    for _ in 0..10 {
        public.send(check.clone()).await;
    }
    let store = app.store();
    let application = shared::domain::rules::mirror::RestrictionSync::default();
    let noting = store.save_sync(prefix, user(MIRRORED), UNIVERSE, &application, None, false);
    noting.await.unwrap();
    let until = UnixMillis::from_millis(UnixMillis::now().millis() + 3_600_000);
    store.pause_universe(prefix, UNIVERSE, until).await.unwrap();
    eventually("the ban has run out", async || {
        (now() >= soon).then_some(())
    })
    .await;
    app.run_schedule("expire-bans", "EachMinute").await;
    app.quiet().await;
    eventually("checks are counted", async || {
        kinds(&items_with_ttl(workspace).await)
            .contains("checks")
            .then_some(())
    })
    .await;
    let bans = workspace.bans().await;
    let first = bans.iter().find(|ban| ban["robloxId"] == USER).unwrap();
    first["guid"].as_str().unwrap().to_owned()
}

/// The stored items with a TTL.
async fn items_with_ttl(workspace: &Workspace<'_>) -> Vec<Value> {
    let mut items = workspace.stored().await;
    items.retain(|item| item.get("ttl").is_some());
    items
}

fn kinds(items: &[Value]) -> BTreeSet<String> {
    let kinds = items.iter().map(|item| item["kind"]["S"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

/// Makes every item with a TTL expire.
async fn expire_all(workspace: &Workspace<'_>) {
    for mut item in items_with_ttl(workspace).await {
        item["ttl"] = json!({ "N": (now() - 1).to_string() });
        workspace.app().put_item(&item).await;
    }
}

async fn has_mirror_state(store: &Store, prefix: WorkspacePrefix) -> bool {
    let found = store
        .restriction_sync(prefix, user(MIRRORED), UNIVERSE)
        .await;
    found.unwrap().is_some()
}

/// A page of the event log: its events and the cursor.
async fn events(workspace: &Workspace<'_>, cursor: Option<&str>) -> (Vec<Value>, String) {
    let call = Call::get("/events").query("limit", 2);
    let call = match cursor {
        Some(cursor) => call.query("cursor", cursor),
        None => call,
    };
    let page = workspace.send(call).await;
    (page.list(), page.next_cursor().unwrap())
}

#[tokio::test]
async fn expired_items_of_every_kind_are_ignored_before_deletion() {
    let app = TestApp::start().await;
    let a_day = |settings: &mut Settings| settings.history_days = NonZeroU32::new(1);
    let workspace = app.workspace_with(a_day).await;
    let (store, prefix) = (app.store(), workspace.id().prefix());
    let hook = WebhookReceiver::that(|_, _| Reply::Status(200, ""));
    let endpoint = workspace.add_endpoint(&hook.url(), |_| {}).await;
    let once = KeySpec {
        bans_per_hour: NonZeroU32::new(1),
        ..KeySpec::default()
    };
    let capped = workspace.with_key(&workspace.make_key(once).await);
    let guid = create_all_kinds(&workspace, &capped).await;
    let history = Call::get(&format!("/bans/{guid}"));
    let seen = async || {
        let shown = workspace.send(history.clone()).await.success();
        let of_ban = shown["events"].as_array().unwrap().len();
        let since = UnixMillis::from_millis(0);
        let of_expiring = store
            .history(prefix, user(EXPIRING), since)
            .await
            .unwrap()
            .len();
        let deliveries = store
            .deliveries(prefix, endpoint.id, None, 100)
            .await
            .unwrap();
        let pause = store
            .universe_pause(prefix, UNIVERSE)
            .await
            .unwrap()
            .is_some();
        let application = has_mirror_state(store, prefix).await;
        let activities = store.activities(prefix, user(USER)).await.unwrap();
        let decided = (of_ban, of_expiring, activities.len());
        (decided, deliveries.len(), pause, application)
    };
    assert_eq!(
        kinds(&items_with_ttl(&workspace).await),
        KINDS.map(str::to_owned).into()
    );
    // Four decisions and an activity are delivered.
    assert_eq!(seen().await, ((2, 1, 1), 5, true, true));
    assert!(!events(&workspace, None).await.0.is_empty());

    expire_all(&workspace).await;
    assert_eq!(seen().await, ((0, 0, 0), 0, false, false));
    // Pages of the log that are now empty lead on to later ones.
    workspace.ban(Ban::of(9, EXPERIENCE)).await;
    app.quiet().await;
    let (mut found, mut cursor) = events(&workspace, None).await;
    assert!(found.is_empty());
    for _ in 0..5 {
        let (more, next) = events(&workspace, Some(&cursor)).await;
        found.extend(more);
        cursor = next;
    }
    let users = found.iter().map(|event| &event["data"]["robloxId"]);
    assert_eq!(users.collect::<Vec<_>>(), [9]);
    // An undo finds nothing to undo, and a replay makes nothing due that has left the log.
    let replayed = store.replay(&endpoint, 0, true, true).await.unwrap();
    assert_eq!(replayed.replayed.events, 1);
    // The cap, the idempotency key and the notification are free again: expired items can be
    // replaced.
    capped.ban(Ban::of(MIRRORED, EXPERIENCE)).await;
    workspace.ban(named_ban()).await;
    assert!(workspace.is_banned(USER, EXPERIENCE).await);
    workspace.ban(Ban::of(ERASED, EXPERIENCE)).await;
    request_erasure(&workspace).await;
    assert!(!workspace.is_banned(ERASED, EXPERIENCE).await);
    // Throughout, the database kept the items that were not replaced.
    let over = items_with_ttl(&workspace).await;
    let over = over.into_iter().filter(|item| {
        let ttl = item["ttl"]["N"].as_str().unwrap();
        ttl.parse::<u64>().unwrap() < now()
    });
    let over = kinds(&over.collect::<Vec<_>>());
    for kind in [
        "activity",
        "application",
        "decision",
        "delivery",
        "expiry",
        "lease",
    ] {
        assert!(over.contains(kind), "{kind}: {over:?}");
    }
}
