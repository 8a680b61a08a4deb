//! The event, the history and the webhooks of a change.

use end_to_end::{Call, TestApp, WebhookReceiver, age_log, contract, eventually};
use local_stack::fault_proxy::{Fault as DatabaseFault, Rule};
use local_stack::roblox::{Fault, FaultRule};
use serde_json::{Value, json};
use shared::domain::activity::{Activity, ActivityDetails, GroupRoleChange};
use shared::domain::ids::UserId;
use shared::store::ErasureSource;

use crate::allowed_group::{GROUP, GroupWorkspace, MEMBER, STRANGER, VETERAN};

async fn activities(ours: &GroupWorkspace<'_>, user: u64) -> Vec<Activity> {
    let (prefix, user) = (ours.workspace.id().prefix(), UserId::new(user).unwrap());
    let store = ours.workspace.app().store();
    store.activities(prefix, user).await.unwrap()
}

/// The roles before and after, by id.
fn changed(activity: &Activity) -> (Vec<&str>, Vec<&str>) {
    let ActivityDetails::GroupRoleChanged(GroupRoleChange {
        previous, roles, ..
    }) = &activity.details
    else {
        panic!("{activity:?}");
    };
    (
        previous.iter().map(|role| role.id.as_str()).collect(),
        roles.iter().map(|role| role.id.as_str()).collect(),
    )
}

async fn log(ours: &GroupWorkspace<'_>, expected: usize) -> Vec<Value> {
    ours.workspace.app().settle().await;
    eventually(&format!("{expected} events"), async || {
        let events = ours.workspace.send(Call::get("/events")).await.list();
        (events.len() == expected).then_some(events)
    })
    .await
}

#[tokio::test]
async fn change_is_in_the_event_log_the_history_and_a_webhook() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let hook = WebhookReceiver::start();
    ours.workspace.add_endpoint(&hook.url(), |_| {}).await;
    let body = json!({ "userId": VETERAN, "groupId": GROUP, "rankId": 10, "moderatorId": 9,
        "reason": "Passed the trial" });
    ours.try_change(&body).await.assert_ok();

    let events = log(&ours, 1).await;
    let event = &events[0];
    let key = ours.workspace.key_id(ours.workspace.secret_key());
    assert_eq!(event["event"], "GROUP_ROLE_CHANGED");
    assert_eq!(event["robloxId"], VETERAN);
    assert_eq!(event["reason"], "Passed the trial");
    assert_eq!(event["actor"]["key"], key);
    assert_eq!(event["actor"]["moderator"], 9);
    let role = |id: u64, rank: u64| json!({ "id": id.to_string(), "name": format!("Role {id}"), "rank": rank });
    assert_eq!(
        event["data"],
        json!({
            "groupId": GROUP,
            "mode": "replace",
            "role": role(110, 10),
            "previous": [role(101, 1), role(120, 20), role(121, 20)],
            "roles": [role(101, 1), role(110, 10)],
        })
    );
    let received = eventually("a delivery", async || hook.received().into_iter().next()).await;
    let delivered = received.json();
    assert_eq!(&delivered, event);
    let problems = contract().webhook_problems(&received.headers, &delivered);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(activities(&ours, VETERAN).await.len(), 1);
}

#[tokio::test]
async fn call_that_changes_nothing_records_nothing() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.rank(MEMBER, 1).await.assert_error(409, "ambiguous");
    ours.rank(STRANGER, 10).await.assert_error(404, "not_found");
    ours.roblox()
        .fail(FaultRule::next(1, Fault::Status(403)).on(":assignRole"));
    let refused = ours.rank(MEMBER, 10).await;
    refused.assert_error(500, "roblox_refused");
    for user in [MEMBER, STRANGER] {
        assert_eq!(activities(&ours, user).await, Vec::new());
    }
    for _ in 0..2 {
        ours.rank(MEMBER, 10).await.assert_ok();
    }
    assert_eq!(activities(&ours, MEMBER).await.len(), 1);
    assert_eq!(log(&ours, 1).await.len(), 1);
}

#[tokio::test]
async fn each_part_of_an_interrupted_change_is_recorded() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.roblox()
        .fail(FaultRule::next(2, Fault::Status(503)).on(":unassignRole"));
    let stopped = ours.rank(VETERAN, 10).await;
    stopped.assert_error(503, "unavailable");
    ours.rank(VETERAN, 10).await.assert_ok();
    let found = activities(&ours, VETERAN).await;
    let found: Vec<_> = found.iter().map(changed).collect();
    let (first, between, last) = (
        vec!["101", "120", "121"],
        vec!["101", "110", "120", "121"],
        vec!["101", "110"],
    );
    assert_eq!(found, [(first, between.clone()), (between, last)]);
}

#[tokio::test]
async fn unanswered_change_is_recorded_if_roblox_made_it() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.roblox()
        .fail(FaultRule::next(1, Fault::DropAnswer).on(":assignRole"));
    let answer = ours.rank(MEMBER, 10).await;
    answer.assert_error(503, "unavailable");
    let found = activities(&ours, MEMBER).await;
    let found: Vec<_> = found.iter().map(changed).collect();
    assert_eq!(found, [(vec!["101"], vec!["101", "110"])]);
}

#[tokio::test]
async fn change_is_recorded_although_the_database_fails_for_a_while() {
    let app = TestApp::builder().with_faults().start().await;
    let ours = GroupWorkspace::open(&app).await;
    // The function has the key and the settings cached.
    ours.rank(MEMBER, 10).await.assert_ok();
    app.faults()
        .inject(Rule::from(DatabaseFault::Throttle).on("PutItem").times(6));
    ours.rank(MEMBER, 30).await.assert_ok();
    assert_eq!(activities(&ours, MEMBER).await.len(), 2);
}

#[tokio::test]
async fn erasing_a_user_removes_their_changes() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    for user in [MEMBER, VETERAN] {
        ours.rank(user, 10).await.assert_ok();
    }
    log(&ours, 2).await;
    let (prefix, user) = (ours.workspace.id().prefix(), UserId::new(MEMBER).unwrap());
    let erasing = app
        .store()
        .erase_user(prefix, user, ErasureSource::Operator);
    erasing.await.unwrap();
    assert_eq!(activities(&ours, MEMBER).await, Vec::new());
    // The log continues after a gap once nothing can fill it.
    age_log(&ours.workspace).await;
    let left = log(&ours, 1).await;
    assert_eq!(left[0]["robloxId"], VETERAN);
}
