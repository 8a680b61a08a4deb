//! Roblox is slow, limits the rate, or fails between two changes.

use end_to_end::TestApp;
use local_stack::roblox::{Fault, FaultRule};

use crate::allowed_group::{GroupWorkspace, MEMBER, TOO_LONG, VETERAN};

#[tokio::test]
async fn failure_after_the_assignment_strips_nobody_and_a_repeat_completes_it() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    for (times, fault, status, code) in [
        (1, Fault::Status(403), 500, "roblox_refused"),
        (2, Fault::Status(503), 503, "unavailable"),
        (2, Fault::Drop, 503, "unavailable"),
    ] {
        let (roblox, group) = (ours.roblox(), crate::allowed_group::GROUP);
        let before = ours.roles_of(VETERAN);
        assert_eq!((group, before.len()), (7, 3));
        roblox.fail(FaultRule::next(times, fault).on(":unassignRole"));
        let answer = ours.rank(VETERAN, 10).await;
        answer.assert_error(status, code);
        assert_eq!(ours.roles_of(VETERAN), [101, 110, 120, 121]);
        ours.rank(VETERAN, 10).await.assert_ok();
        assert_eq!(ours.roles_of(VETERAN), [101, 110]);
        let again = local_roles();
        roblox.set_group(group, again);
    }
}

/// The veteran's roles before a change.
fn local_roles() -> local_stack::roblox::Group {
    let roles = [(101, 1), (110, 10), (120, 20), (121, 20), (250, 250)];
    local_stack::roblox::Group::new(&roles)
        .with(crate::allowed_group::BOT, &[101, 250])
        .with(VETERAN, &[101, 120, 121])
}

#[tokio::test]
async fn change_that_roblox_neither_answers_nor_makes_is_sent_again() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    for part in [":assignRole", ":unassignRole"] {
        ours.roblox().fail(FaultRule::next(1, Fault::Drop).on(part));
    }
    ours.rank(VETERAN, 10).await.assert_ok();
    assert_eq!(ours.roles_of(VETERAN), [101, 110]);
    let made = ["assign 110 157", "unassign 120 157", "unassign 121 157"];
    assert_eq!(ours.roblox().role_changes(), made);
    ours.assert_calls_are_documented();
}

#[tokio::test]
async fn unanswered_change_is_looked_up() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let lost = FaultRule::next(1, Fault::DropAnswer).on(":assignRole");
    ours.roblox().fail(lost);
    let answer = ours.rank(MEMBER, 10).await;
    answer.assert_error(503, "unavailable");
    assert_eq!(ours.roles_of(MEMBER), [101, 110]);
    ours.rank(MEMBER, 10).await.assert_ok();
    assert_eq!(ours.roblox().role_changes(), ["assign 110 156"]);
}

#[tokio::test]
async fn rate_limit_of_roblox_gives_its_retry_after() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    let limit = FaultRule::next(1, Fault::TooMany(Some(17))).on("memberships");
    ours.roblox().fail(limit);
    let answer = ours.rank(MEMBER, 10).await;
    answer.assert_error(503, "unavailable");
    assert_eq!(answer.header("retry-after"), Some("17"));
    let before = ours.roblox().calls();
    let paused = ours.rank(MEMBER, 10).await;
    paused.assert_error(503, "unavailable");
    assert_eq!(ours.roblox().calls(), before, "the owner is paused");
}

#[tokio::test]
async fn calls_beyond_the_limit_of_an_owner_get_503_with_retry_after_and_do_not_reach_roblox() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.rank(MEMBER, 10).await.assert_ok();
    // A repeat asks Roblox once.
    let calls = ours.roblox().calls();
    for _ in calls..300 {
        ours.rank(MEMBER, 10).await.assert_ok();
    }
    let refused = ours.rank(MEMBER, 10).await;
    refused.assert_error(503, "unavailable");
    let pause = refused.header("retry-after").unwrap();
    let pause: u64 = pause.parse().unwrap();
    assert!((1..=61).contains(&pause), "{pause}");
    assert_eq!(ours.roblox().calls(), 300);
}

#[tokio::test]
async fn slow_roblox_times_out_with_503() {
    let app = TestApp::start().await;
    let ours = GroupWorkspace::open(&app).await;
    ours.roblox().set_delay(TOO_LONG);
    let answer = ours.rank(MEMBER, 10).await;
    answer.assert_error(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(ours.roles_of(MEMBER), [101]);
}
