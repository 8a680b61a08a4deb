//! Faults of Roblox.

use end_to_end::{Ban, eventually};
use local_stack::roblox::{Fault, FaultRule};

use crate::mirrored_workspace::{ARENA, MALLORY, MirroredWorkspace, UNIVERSE, app};

#[tokio::test]
async fn a_failed_request_is_retried_and_applied_once() {
    let app = app().without_mappings().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let faults = [
        Fault::Status(500),
        Fault::DropAnswer,
        Fault::Truncated,
        Fault::Html(502),
    ];
    let users: Vec<u64> = (2_000..2_006).collect();
    for (user, fault) in users.iter().zip(faults) {
        mirrored
            .roblox()
            .fail(FaultRule::updates(1, fault).on(user.to_string()));
    }
    for user in &users {
        mirrored
            .workspace
            .ban(Ban::of(*user, ARENA).permanent())
            .await;
    }
    mirrored.drain().await;
    mirrored.assert_all_applied(&[ARENA]).await;
    let logs = mirrored.roblox().logs();
    assert_eq!(logs.len(), users.len(), "each was applied once");
    assert_eq!(mirrored.roblox().active(UNIVERSE).len(), users.len());
    assert_eq!(mirrored.line()["robloxFailures"], 4);
    assert_eq!(mirrored.line()["errorCode"], "unavailable");
}

#[tokio::test]
async fn other_faults_are_harmless() {
    let app = app().without_mappings().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let faults = [Fault::Drop, Fault::Empty, Fault::Status(409)];
    for (user, fault) in (2_000..).zip(faults) {
        mirrored
            .roblox()
            .fail(FaultRule::updates(1, fault).on(format!("/{user}")));
        mirrored
            .workspace
            .ban(Ban::of(user, ARENA).permanent())
            .await;
    }
    mirrored.drain().await;
    mirrored.assert_all_applied(&[ARENA]).await;
    assert_eq!(mirrored.roblox().logs().len(), 3);
}

#[tokio::test]
async fn the_mirror_backs_off_for_as_long_as_roblox_asks() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    mirrored
        .roblox()
        .fail(FaultRule::updates(1, Fault::TooMany(Some(120))));
    mirrored.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    mirrored.drain().await;
    let calls = mirrored.roblox().calls();
    // Later runs respect it, in every environment.
    app.replace("mirror-bans").await;
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().calls(), calls);
    mirrored.recover_from_crash().await;
    let draining = async {
        // The user also backs off for two seconds.
        eventually("the user is restricted", async || {
            mirrored.drain().await;
            mirrored.restriction(MALLORY).active.then_some(())
        })
        .await;
    };
    draining.await;
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn a_short_back_off_is_waited_out() {
    for said in [Some(1), None] {
        let app = app().without_mappings().start().await;
        let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
        mirrored
            .roblox()
            .fail(FaultRule::updates(1, Fault::TooMany(said)));
        for user in [5, 6, 7] {
            mirrored.workspace.ban(Ban::of(user, ARENA)).await;
        }
        mirrored.drain().await;
        assert_eq!(mirrored.roblox().logs().len(), 3, "{said:?}");
        mirrored.assert_all_applied(&[ARENA]).await;
    }
}

#[tokio::test]
async fn permanent_refusals_are_retried_later_and_block_nobody() {
    let app = app().without_mappings().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let rule = FaultRule::updates(1, Fault::Status(400));
    mirrored.roblox().fail(rule.on(format!("/{MALLORY}")));
    for user in [MALLORY, 5] {
        mirrored.workspace.ban(Ban::of(user, ARENA)).await;
    }
    mirrored.drain().await;
    assert!(mirrored.restriction(5).active);
    assert!(!mirrored.restriction(MALLORY).active);
    assert_eq!(
        mirrored.workspace.pending_bans(ARENA).await.len(),
        1,
        "it stays pending"
    );
    let line = mirrored.line();
    assert_eq!(
        (&line["robloxFailures"], &line["restrictionsSet"]),
        (&1.into(), &1.into())
    );
    let calls = mirrored.roblox().calls();
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().calls(), calls, "not again at once");
}
