//! User names: from Roblox, from the cache, and within a short time.

use std::time::{Duration, Instant};

use end_to_end::{Ban, TestApp, Workspace, now, roblox_contract};
use local_stack::roblox::{Fault, FaultRule, Roblox};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::integrations::roblox::UsersApi;
use shared::moderation::names::Names;
use shared::store::ErasureSource;

use crate::routes::{EXPERIENCE, USER};

/// More time than a look-up takes on a busy machine.
const LONG: Duration = Duration::from_secs(5);

/// The path of a look-up by id.
const BY_ID: &str = "/v1/users";

fn names(app: &TestApp) -> Names {
    Names::new(UsersApi::at(app.roblox().endpoint()).unwrap())
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

/// The shown names of users, in the order of their ids, after what was looked up is cached.
async fn shown(names: &Names, workspace: &Workspace<'_>, users: &[u64]) -> Vec<String> {
    let users = users.iter().copied().map(user);
    let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
    let found = names.shown(store, prefix, users, LONG).await;
    names.finish(LONG).await;
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(user, _)| *user);
    let shown = found.into_iter().map(|(_, name)| name.name().to_owned());
    shown.collect()
}

async fn cached(workspace: &Workspace<'_>) -> Vec<Value> {
    let mut items = workspace.stored().await;
    items.retain(|item| item["kind"]["S"] == "name");
    items
}

/// Makes a stored name expire.
async fn expire(app: &TestApp, item: &Value) {
    let mut item = item.clone();
    item["ttl"] = json!({ "N": (now() - 1).to_string() });
    app.put_item(&item).await;
}

fn assert_calls_are_documented(roblox: &Roblox) {
    for exchange in roblox.exchanges() {
        let problems = roblox_contract().problems(&exchange);
        assert_eq!(problems, Vec::<String>::new(), "{exchange:?}");
    }
}

#[tokio::test]
async fn name_is_looked_up_once_a_day() {
    let app = TestApp::start().await;
    let (workspace, names) = (app.workspace().await, names(&app));
    let roblox = app.roblox();
    assert_eq!(shown(&names, &workspace, &[USER, 7]).await.len(), 2);
    let items = cached(&workspace).await;
    assert_eq!(items.len(), 2);
    let ttl: u64 = items[0]["ttl"]["N"].as_str().unwrap().parse().unwrap();
    assert!((now() + 86_000..=now() + 86_400).contains(&ttl), "{ttl}");

    let calls = roblox.calls();
    roblox.set_user(7, "renamed", "Re");
    assert_eq!(shown(&names, &workspace, &[7]).await, ["user_7"]);
    assert_eq!(roblox.calls(), calls);

    // An expired item is not deleted yet.
    let seven = items.iter().find(|item| item["name"]["S"] == "user_7");
    expire(&app, seven.unwrap()).await;
    assert_eq!(shown(&names, &workspace, &[7]).await, ["renamed"]);
    assert_eq!(shown(&names, &workspace, &[7]).await, ["renamed"]);
    assert_eq!(roblox.calls(), calls + 1);
    assert_calls_are_documented(roblox);
}

#[tokio::test]
async fn unknown_users_have_no_name() {
    let app = TestApp::start().await;
    let (workspace, names) = (app.workspace().await, names(&app));
    app.roblox().remove_user(8);
    assert_eq!(shown(&names, &workspace, &[7, 8]).await, ["user_7"]);
    assert_eq!(cached(&workspace).await.len(), 1);
}

#[tokio::test]
async fn a_hundred_names_are_looked_up_at_once_and_the_rest_later() {
    let app = TestApp::start().await;
    let (workspace, names) = (app.workspace().await, names(&app));
    let users: Vec<_> = (1000..1150).collect();
    assert_eq!(shown(&names, &workspace, &users).await.len(), 100);
    assert_eq!(shown(&names, &workspace, &users).await.len(), 150);
    assert_calls_are_documented(app.roblox());
}

#[tokio::test]
async fn failing_roblox_delays_nothing_and_is_not_asked_again() {
    let app = TestApp::start().await;
    let workspace = app.workspace().await;
    let (roblox, prefix) = (app.roblox(), workspace.id().prefix());
    assert_eq!(shown(&names(&app), &workspace, &[7]).await, ["user_7"]);
    for fault in [
        Fault::Status(500),
        Fault::TooMany(Some(60)),
        Fault::TooMany(None),
        Fault::Drop,
        Fault::Html(200),
        Fault::Truncated,
        Fault::Delay(Duration::from_secs(30)),
    ] {
        let names = names(&app);
        roblox.fail(FaultRule::next(1, fault.clone()).on(BY_ID));
        let (began, within) = (Instant::now(), Duration::from_millis(1500));
        let users = [7, 9].map(user);
        let found = names.shown(app.store(), prefix, users, within).await;
        assert!(began.elapsed() < LONG, "{fault:?}");
        // The cached name is shown.
        assert_eq!(found.len(), 1, "{fault:?}: {found:?}");
        let calls = roblox.calls();
        assert_eq!(shown(&names, &workspace, &[9]).await, [""; 0], "{fault:?}");
        assert_eq!(roblox.calls(), calls, "{fault:?}");
    }
    assert_eq!(shown(&names(&app), &workspace, &[9]).await, ["user_9"]);
}

#[tokio::test]
async fn look_up_that_an_erasure_overtakes_does_not_bring_the_name_back() {
    let app = TestApp::start().await;
    let (workspace, names) = (app.workspace().await, names(&app));
    let (store, prefix) = (app.store(), workspace.id().prefix());
    workspace.ban(Ban::of(USER, EXPERIENCE)).await;
    assert_eq!(shown(&names, &workspace, &[USER]).await.len(), 1);
    let item = cached(&workspace).await.remove(0);
    expire(&app, &item).await;

    let slow = Fault::Delay(Duration::from_secs(2));
    app.roblox().fail(FaultRule::next(1, slow).on(BY_ID));
    let calls = app.roblox().calls();
    let looking = shown(&names, &workspace, &[USER]);
    let erasing = async {
        while app.roblox().calls() == calls {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        store
            .erase_user(prefix, user(USER), ErasureSource::Operator)
            .await
            .unwrap()
    };
    let (found, receipt) = tokio::join!(looking, erasing);
    assert_eq!(found.len(), 1);
    assert!(receipt.items > 1, "{receipt:?}");
    assert_eq!(cached(&workspace).await, [Value::Null; 0]);
}

#[tokio::test]
async fn action_by_name_uses_no_cache() {
    let app = TestApp::start().await;
    let (workspace, names) = (app.workspace().await, names(&app));
    let resolved = async |text: &str| names.resolve(&text.parse().unwrap()).await;
    let (id, name) = resolved("@USER_7").await.unwrap();
    assert_eq!((id, name.unwrap().display_name()), (user(7), "User 7"));
    app.roblox().set_user(7, "renamed", "Re");
    let error = resolved("user_7").await.unwrap_err().to_string();
    assert!(error.contains("@renamed (7)"), "{error}");
    let several = ["@renamed", "156", "builderman"].map(|text| text.parse().unwrap());
    let several = names.resolve_all(&several).await.unwrap();
    let ids: Vec<_> = several.iter().map(|(id, _)| id.get()).collect();
    assert_eq!(ids, [7, 156, 156]);
    assert_eq!(cached(&workspace).await, [Value::Null; 0]);
    assert_calls_are_documented(app.roblox());
}
