//! Joins of places that are in use: functions that write there all the time learn of the join in time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use end_to_end::{Ban, Bulk, Call, TestApp, Workspace, bulk_results};
use shared::domain::places::{ANNOUNCED_MS, Membership};

use crate::audit::audit;
use crate::places::{PART, ROOT, SETTLING, announce, complete, game, join, know};

/// The clock of the functions, which the test moves.
struct Clock<'a> {
    app: &'a TestApp,
    start: Duration,
}

impl<'a> Clock<'a> {
    fn of(app: &'a TestApp) -> Self {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self { app, start }
    }

    fn set(&self, seconds: u64) {
        self.app
            .set_clock(self.start + Duration::from_secs(seconds));
    }
}

/// Where the bans of a user were made.
async fn made_in(workspace: &Workspace<'_>, user: u64) -> Vec<u64> {
    let bans = Call::get("/bans").query("userId", user);
    let bans = workspace.all_pages(bans).await;
    let places = bans.iter().map(|ban| ban["experienceId"].as_u64().unwrap());
    places.collect()
}

#[tokio::test]
async fn place_that_bans_all_the_time_acts_in_its_root_from_the_second_phase_on() {
    let app = TestApp::builder().moving_clock().start().await;
    let workspace = game(&app).await;
    let clock = Clock::of(&app);
    clock.set(0);
    workspace.ban(Ban::of(1000, PART)).await;
    announce(&workspace, 0).await;
    for seconds in (1..=121).step_by(20) {
        clock.set(seconds);
        let user = 1000 + seconds;
        workspace.ban(Ban::of(user, PART)).await;
        assert!(workspace.is_banned(user, PART).await, "after {seconds} s");
        let expected = if seconds * 1000 < ANNOUNCED_MS {
            PART
        } else {
            ROOT
        };
        assert_eq!(
            made_in(&workspace, user).await,
            [expected],
            "after {seconds} s"
        );
    }
}

#[tokio::test]
async fn late_report_is_recognised_after_other_bans_in_a_place_that_has_left() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    let joining = join(&workspace, SETTLING).await;
    complete(&workspace, &joining).await;
    for user in [1, 2] {
        workspace.ban(Ban::of(user, ROOT)).await;
    }
    let pending = workspace.await_pending_bans(PART, &[1, 2]).await;
    let store = app.store();
    let membership = store
        .place_membership(joining.prefix, joining.part)
        .await
        .unwrap();
    let Membership::Part(join) = membership else {
        panic!("{membership:?}");
    };
    assert!(
        store
            .leave_root(joining.prefix, joining.part, join)
            .await
            .unwrap()
    );
    know(&workspace).await;
    workspace.report(&pending[0], PART).await;
    workspace.ban(Ban::of(3, PART)).await;
    workspace.report(&pending[1], PART).await;
    for user in [1, 2] {
        assert_eq!(made_in(&workspace, user).await, [ROOT], "{user}");
    }
    audit(&workspace).await;
}

#[tokio::test]
async fn dry_run_sees_the_bans_that_a_join_carries_over() {
    let app = TestApp::start().await;
    let workspace = game(&app).await;
    for user in [1, 2] {
        workspace.ban(Ban::of(user, PART)).await;
    }
    join(&workspace, SETTLING).await;
    let before = workspace.bans().await;
    // With the same terms it would repeat the first ban, if both are made in one second.
    let bans = Bulk::bans(PART, [1]).default("banPrivateReason", "Another reason");
    let unbans = Bulk::unbans(PART, [2]);
    let judged = async |call: &Bulk| {
        bulk_results(&workspace.send(call.call()).await)[0]
            .1
            .clone()
    };
    let dry = [
        judged(&bans.clone().dry_run()).await,
        judged(&unbans.clone().dry_run()).await,
    ];
    assert_eq!(workspace.bans().await, before);
    assert_eq!(dry, ["refused", "unbanned"]);
    assert_eq!(dry, [judged(&bans).await, judged(&unbans).await]);
    audit(&workspace).await;
}
