//! Roblox on a bad day.

use end_to_end::{Ban, eventually};
use local_stack::roblox::{Fault, FaultRule};

use crate::stage::{ARENA, MALLORY, Stage, UNIVERSE, app};

#[tokio::test]
async fn what_fails_once_is_asked_for_again_and_carried_out_once() {
    let app = app().without_pump().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let faults = [
        Fault::Status(500),
        Fault::DropAnswer,
        Fault::Truncated,
        Fault::Html(502),
    ];
    let users: Vec<u64> = (2_000..2_006).collect();
    for (user, fault) in users.iter().zip(faults) {
        stage
            .roblox()
            .fail(FaultRule::updates(1, fault).on(user.to_string()));
    }
    for user in &users {
        stage.workspace.ban(Ban::of(*user, ARENA).permanent()).await;
    }
    stage.drain().await;
    stage.assert_done(&[ARENA]).await;
    let logs = stage.roblox().logs();
    assert_eq!(logs.len(), users.len(), "each was carried out once");
    assert_eq!(stage.roblox().active(UNIVERSE).len(), users.len());
    assert_eq!(stage.line()["robloxFailures"], 4);
    assert_eq!(stage.line()["errorCode"], "unavailable");
}

#[tokio::test]
async fn other_faults_do_no_harm_either() {
    let app = app().without_pump().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let faults = [Fault::Drop, Fault::Empty, Fault::Status(409)];
    for (user, fault) in (2_000..).zip(faults) {
        stage
            .roblox()
            .fail(FaultRule::updates(1, fault).on(format!("/{user}")));
        stage.workspace.ban(Ban::of(user, ARENA).permanent()).await;
    }
    stage.drain().await;
    stage.assert_done(&[ARENA]).await;
    assert_eq!(stage.roblox().logs().len(), 3);
}

#[tokio::test]
async fn a_universe_is_left_alone_for_as_long_as_roblox_asks() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    stage
        .roblox()
        .fail(FaultRule::updates(1, Fault::TooMany(Some(120))));
    stage.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    stage.drain().await;
    let calls = stage.roblox().calls();
    // Whoever comes next keeps to it, in whichever environment.
    app.replace("mirror-bans").await;
    stage.drain().await;
    assert_eq!(stage.roblox().calls(), calls);
    stage.after_a_crash().await;
    let draining = async {
        // The user himself is put off for two seconds besides.
        eventually("he is restricted", async || {
            stage.drain().await;
            stage.restriction(MALLORY).active.then_some(())
        })
        .await;
    };
    draining.await;
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn a_short_pause_is_waited_for_said_or_not() {
    for said in [Some(1), None] {
        let app = app().without_pump().start().await;
        let stage = Stage::open(&app, &[ARENA]).await;
        stage
            .roblox()
            .fail(FaultRule::updates(1, Fault::TooMany(said)));
        for user in [5, 6, 7] {
            stage.workspace.ban(Ban::of(user, ARENA)).await;
        }
        stage.drain().await;
        assert_eq!(stage.roblox().logs().len(), 3, "{said:?}");
        stage.assert_done(&[ARENA]).await;
    }
}

#[tokio::test]
async fn what_roblox_refuses_for_good_is_put_off_and_holds_up_nobody() {
    let app = app().without_pump().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let rule = FaultRule::updates(1, Fault::Status(400));
    stage.roblox().fail(rule.on(format!("/{MALLORY}")));
    for user in [MALLORY, 5] {
        stage.workspace.ban(Ban::of(user, ARENA)).await;
    }
    stage.drain().await;
    assert!(stage.restriction(5).active);
    assert!(!stage.restriction(MALLORY).active);
    assert_eq!(
        stage.workspace.pending_bans(ARENA).await.len(),
        1,
        "it stays pending"
    );
    let line = stage.line();
    assert_eq!(
        (&line["robloxFailures"], &line["restrictionsSet"]),
        (&1.into(), &1.into())
    );
    let calls = stage.roblox().calls();
    stage.drain().await;
    assert_eq!(stage.roblox().calls(), calls, "not again at once");
}
