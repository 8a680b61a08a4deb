//! A killed mirror loses nothing and does nothing twice.

use std::time::Duration;

use end_to_end::{Ban, Unban, eventually};
use local_stack::roblox::{Fault, FaultRule};

use crate::mirrored_workspace::{ARENA, MALLORY, MirroredWorkspace, UNIVERSE, WINDOW, app};

#[tokio::test]
async fn the_mirror_resumes_after_random_kills() {
    let app = app().roblox_window(WINDOW).without_mappings().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let users: Vec<u64> = (2_000..2_010).collect();
    for user in &users {
        mirrored
            .workspace
            .ban(Ban::of(*user, ARENA).permanent())
            .await;
    }
    mirrored.roblox().set_delay(Duration::from_millis(30));
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..6 {
        let pause = Duration::from_millis(rng.u64(40..420));
        let kill = async {
            tokio::time::sleep(pause).await;
            let _ = app.runtime().kill("mirror-bans", 0);
        };
        let _ = futures::join!(mirrored.try_drain(), kill);
        mirrored.recover_from_crash().await;
    }
    mirrored.drain().await;
    mirrored.assert_all_applied(&[ARENA]).await;
    assert_eq!(mirrored.roblox().active(UNIVERSE).len(), users.len());
    let logs = mirrored.roblox().logs();
    for user in &users {
        let of_user = logs.iter().filter(|entry| entry.user == *user);
        assert_eq!(of_user.count(), 1, "{user} was restricted once");
    }
}

#[tokio::test]
async fn a_ban_lifted_after_a_crash_is_reverted() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    mirrored
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    // Roblox has applied it, but the mirror is killed before it knows.
    let fault = FaultRule::updates(1, Fault::DropAnswer);
    mirrored.roblox().fail(fault);
    let kill = async {
        eventually("Roblox holds it", async || {
            mirrored.restriction(MALLORY).active.then_some(())
        })
        .await;
        let _ = app.runtime().kill("mirror-bans", 0);
    };
    let _ = futures::join!(mirrored.try_drain(), kill);
    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    mirrored.assert_all_applied(&[ARENA]).await;
    assert!(
        mirrored.restriction(MALLORY).active,
        "nothing is pending, but the user is restricted"
    );
    eventually("it is taken back", async || {
        mirrored.recover_from_crash().await;
        mirrored.drain().await;
        (!mirrored.restriction(MALLORY).active).then_some(())
    })
    .await;
    mirrored.assert_all_applied(&[ARENA]).await;
    let left = app
        .items(&format!("{}#U#", mirrored.workspace.prefix()))
        .await;
    assert!(
        left.iter()
            .all(|item| item.get("due_at").is_none() || item["kind"]["S"] == "ban")
    );
}

#[tokio::test]
async fn two_mirrors_never_work_on_one_universe_at_once() {
    let app = app().without_mappings().instances(3).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    for user in 2_000..2_008 {
        mirrored.workspace.ban(Ban::of(user, ARENA)).await;
    }
    futures::join!(mirrored.drain(), mirrored.drain(), mirrored.drain());
    mirrored.assert_all_applied(&[ARENA]).await;
    assert_eq!(mirrored.roblox().logs().len(), 8);
}

#[tokio::test]
async fn a_user_erased_while_pending_leaves_nothing_behind() {
    let app = app().without_mappings().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let fault = FaultRule::updates(1, Fault::Status(400));
    mirrored.roblox().fail(fault);
    mirrored
        .workspace
        .ban(Ban::of(MALLORY, ARENA).permanent())
        .await;
    mirrored.drain().await;
    let prefix = mirrored.workspace.prefix();
    let partition = format!("{prefix}#U#{MALLORY}");
    let of_user = || app.items(&partition);
    let is_noted = of_user()
        .await
        .iter()
        .any(|item| item["kind"]["S"] == "application");
    assert!(is_noted, "the user backs off");
    let user = shared::domain::ids::UserId::new(MALLORY).unwrap();
    let erasure = app.store().erase_user(
        mirrored.workspace.id().prefix(),
        user,
        shared::store::ErasureSource::Operator,
    );
    erasure.await.unwrap();
    // A mirror with an earlier request records its result.
    let closed = shared::domain::rules::mirror::RestrictionSync::default();
    let late = app.store().save_sync(
        mirrored.workspace.id().prefix(),
        user,
        shared::domain::ids::UniverseId::new(UNIVERSE).unwrap(),
        &closed,
        None,
        true,
    );
    late.await.unwrap();
    mirrored.recover_from_crash().await;
    mirrored.drain().await;
    assert_eq!(of_user().await.len(), 0);
    assert_eq!(mirrored.roblox().logs().len(), 0);
}
