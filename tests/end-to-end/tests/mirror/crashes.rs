//! A mirror that is killed loses nothing and does nothing twice.

use std::time::Duration;

use end_to_end::{Ban, Unban, eventually};
use local_stack::roblox::{Fault, FaultRule};

use crate::stage::{ARENA, MALLORY, Stage, UNIVERSE, WINDOW, app};

#[tokio::test]
async fn killed_at_random_moments_it_goes_on_where_it_was() {
    let app = app().roblox_window(WINDOW).without_pump().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let users: Vec<u64> = (2_000..2_010).collect();
    for user in &users {
        stage.workspace.ban(Ban::of(*user, ARENA).permanent()).await;
    }
    stage.roblox().set_delay(Duration::from_millis(30));
    let mut dice = fastrand::Rng::with_seed(7);
    for _ in 0..6 {
        let pause = Duration::from_millis(dice.u64(40..420));
        let kill = async {
            tokio::time::sleep(pause).await;
            let _ = app.runtime().kill("mirror-bans", 0);
        };
        let _ = futures::join!(stage.try_drain(), kill);
        stage.after_a_crash().await;
    }
    stage.drain().await;
    stage.assert_done(&[ARENA]).await;
    assert_eq!(stage.roblox().active(UNIVERSE).len(), users.len());
    let logs = stage.roblox().logs();
    for user in &users {
        let of_user = logs.iter().filter(|entry| entry.user == *user);
        assert_eq!(of_user.count(), 1, "{user} was restricted once");
    }
}

#[tokio::test]
async fn a_ban_that_was_lifted_after_a_crash_is_taken_back() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    stage
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    // Roblox has it, and whoever asked is killed before he knows.
    let fault = FaultRule::updates(1, Fault::DropAnswer);
    stage.roblox().fail(fault);
    let kill = async {
        eventually("Roblox holds it", async || {
            stage.restriction(MALLORY).active.then_some(())
        })
        .await;
        let _ = app.runtime().kill("mirror-bans", 0);
    };
    let _ = futures::join!(stage.try_drain(), kill);
    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    stage.assert_done(&[ARENA]).await;
    assert!(
        stage.restriction(MALLORY).active,
        "nothing is owed, and yet he is restricted"
    );
    eventually("it is taken back", async || {
        stage.after_a_crash().await;
        stage.drain().await;
        (!stage.restriction(MALLORY).active).then_some(())
    })
    .await;
    stage.assert_done(&[ARENA]).await;
    let left = app.items(&format!("{}#U#", stage.workspace.prefix())).await;
    assert!(
        left.iter()
            .all(|item| item.get("due_at").is_none() || item["kind"]["S"] == "ban")
    );
}

#[tokio::test]
async fn two_mirrors_of_a_universe_do_not_work_at_once() {
    let app = app().without_pump().instances(3).start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    for user in 2_000..2_008 {
        stage.workspace.ban(Ban::of(user, ARENA)).await;
    }
    futures::join!(stage.drain(), stage.drain(), stage.drain());
    stage.assert_done(&[ARENA]).await;
    assert_eq!(stage.roblox().logs().len(), 8);
}

#[tokio::test]
async fn user_who_is_forgotten_while_they_wait_leaves_nothing_behind() {
    let app = app().without_pump().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let fault = FaultRule::updates(1, Fault::Status(400));
    stage.roblox().fail(fault);
    stage
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    stage.drain().await;
    let prefix = stage.workspace.prefix();
    let partition = format!("{prefix}#U#{MALLORY}");
    let of_user = || app.items(&partition);
    let is_noted = of_user()
        .await
        .iter()
        .any(|item| item["kind"]["S"] == "application");
    assert!(is_noted, "the user is put off");
    let user = shared::domain::ids::UserId::new(MALLORY).unwrap();
    let forgetting = app.store().erase_user(
        stage.workspace.id().prefix(),
        user,
        shared::store::ErasureSource::Operator,
    );
    forgetting.await.unwrap();
    // A mirror that asked before writes down what came of it.
    let closed = shared::domain::rules::mirror::RestrictionSync::default();
    let late = app.store().save_sync(
        stage.workspace.id().prefix(),
        user,
        shared::domain::ids::UniverseId::new(UNIVERSE).unwrap(),
        &closed,
        None,
        true,
    );
    late.await.unwrap();
    stage.after_a_crash().await;
    stage.drain().await;
    assert_eq!(of_user().await.len(), 0);
    assert_eq!(stage.roblox().logs().len(), 0);
}
