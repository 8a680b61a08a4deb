//! Snapshots: correct readers, and each kind of violation.

use serde_json::json;
use shared::domain::ids::UserId;

use super::scenario::*;
use crate::history::Operation;

fn others() -> Vec<UserId> {
    [7, 9].into_iter().filter_map(UserId::new).collect()
}

#[test]
fn a_reader_that_knows_every_banned_user_is_accepted() {
    let mut scenario = Scenario::new();
    scenario.snapshot(&others(), 0);
    scenario.ban(ban(1));
    // Not logged yet.
    scenario.sync(0, &[], 0);
    scenario.sync(0, &[user()], 1);
    scenario.snapshot(&[user()], 1);
    scenario.unban(unban(Some(2)));
    // The build has read the lift, which the log up to its position does not contain.
    scenario.snapshot(&[], 1);
    scenario.sync(1, &[user()], 2);
    assert_accepted(&scenario.history());
}

#[test]
fn a_snapshot_that_lacks_a_banned_user_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(ban(1));
    scenario.snapshot(&others(), 1);
    assert_found(&scenario.history(), "would let 156 in");
    // Also if the user is lifted later.
    scenario.wait(10_000);
    scenario.unban(unban(Some(2)));
    assert_found(&scenario.history(), "would let 156 in");
}

#[test]
fn changes_that_omit_a_banned_user_are_found() {
    let mut scenario = Scenario::new();
    scenario.snapshot(&others(), 0);
    scenario.ban(ban(1));
    scenario.sync(0, &others(), 1);
    assert_found(&scenario.history(), "would let 156 in");
}

#[test]
fn a_user_who_was_carried_over_and_is_unknown_is_found() {
    let mut scenario = Scenario::new();
    scenario.ban(shared::domain::rules::BanRequest {
        place: beach().into(),
        ..ban(1)
    });
    scenario.announce();
    scenario.settle();
    scenario.carry_over();
    scenario.complete();
    scenario.snapshot(&[user()], 3);
    assert_accepted(&scenario.history());
    scenario.snapshot(&[], 3);
    assert_found(&scenario.history(), "would let 156 in");
}

#[test]
fn a_snapshot_that_cannot_be_used_is_found() {
    let mut scenario = Scenario::new();
    let body = json!({ "count": 2, "users": "nAE=", "cursor": "x" });
    scenario.read_as_game(Operation::Snapshot, 200, body);
    assert_found(&scenario.history(), "cannot be decoded");

    let mut scenario = Scenario::new();
    let body = json!({ "count": 1, "users": "nAE=", "cursor": "x" });
    scenario.read_as_game(Operation::Snapshot, 200, body);
    assert_found(&scenario.history(), "has no cursor");

    let mut scenario = Scenario::new();
    scenario.snapshot(&[], 0);
    let call = scenario.sync(0, &[], 0);
    if let crate::history::CallResult::Answered { body, .. } = &mut call.result {
        body["reset"] = json!(1);
    }
    assert_found(&scenario.history(), "has to start over");
}

#[test]
fn a_snapshot_that_is_gone_after_its_first_build_is_found() {
    let unavailable = || json!({ "code": "unavailable" });
    let mut scenario = Scenario::new();
    scenario.read_as_game(Operation::Snapshot, 503, unavailable());
    scenario.snapshot(&[], 0);
    assert_accepted(&scenario.history());
    scenario.read_as_game(Operation::Snapshot, 503, unavailable());
    assert_found(&scenario.history(), "503 without a database fault");
}
