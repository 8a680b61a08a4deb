//! The way of one ban, and of many.

use std::time::Duration;

use end_to_end::{Ban, Unban, now};
use local_stack::roblox::Limits;
use serde_json::{Value, json};
use shared::store::MirrorOptions;

use crate::stage::{ARENA, BEACH, MALLORY, SECRET, Stage, UNIVERSE, WINDOW, app};

#[tokio::test]
async fn a_ban_and_its_end_reach_roblox_and_are_reported() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let ban = Ban::of(MALLORY, ARENA).reasons("aimbot, see clip 7", "Cheating");
    stage.workspace.ban(ban.length(now() + 3600)).await;
    stage.drain().await;

    let held = stage.restriction(MALLORY);
    assert!(held.active);
    assert_eq!(held.private_reason, "aimbot, see clip 7");
    assert_eq!(held.display_reason, "Cheating");
    let seconds = held.seconds.unwrap();
    assert!((3590..=3600).contains(&seconds), "{seconds}");
    assert_eq!(stage.workspace.bans().await[0]["experienceBanCompleted"], 1);
    let messages = stage.roblox().messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].universe, messages[0].topic.as_str()),
        (UNIVERSE, "SentinelAPI")
    );
    let message: Value = serde_json::from_str(&messages[0].message).unwrap();
    let expected = json!({ "Command": "DropPlayer", "UserId": MALLORY, "Reason": "Cheating" });
    assert_eq!(message, expected);
    let line = stage.line();
    assert_eq!(
        (&line["restrictionsSet"], &line["kicksPublished"]),
        (&json!(1), &json!(1))
    );
    assert!(line["mirrorLagSeconds"].as_u64().unwrap() < 10, "{line}");

    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    stage.drain().await;
    assert!(!stage.restriction(MALLORY).active);
    assert_eq!(stage.line()["restrictionsLifted"], 1);
    stage.assert_done(&[ARENA]).await;
    assert_eq!(stage.roblox().logs().len(), 2);
    assert_eq!(stage.roblox().messages().len(), 1);
    // The mirror reported; it decided nothing.
    let decided = app.items(&format!("{}#U#", stage.workspace.prefix())).await;
    let decisions = decided
        .iter()
        .filter(|item| item["kind"]["S"] == "decision");
    assert_eq!(decisions.count(), 2);
}

#[tokio::test]
async fn a_permanent_ban_has_no_duration_and_long_reasons_are_cut() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let (private, public) = ("p".repeat(1000), "d".repeat(400));
    let ban = Ban::of(MALLORY, ARENA)
        .permanent()
        .reasons(&private, &public);
    stage.workspace.ban(ban).await;
    stage.drain().await;
    let held = stage.restriction(MALLORY);
    assert_eq!((held.seconds, held.active), (None, true));
    assert_eq!(
        (held.private_reason.len(), held.display_reason.len()),
        (1000, 400)
    );
    assert!(stage.roblox().messages()[0].message.len() <= 1024);
}

#[tokio::test]
async fn what_was_decided_twice_before_it_was_carried_over_is_asked_for_once() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let ban = || Ban::of(MALLORY, ARENA);
    stage.workspace.ban(ban().permanent()).await;
    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    stage.drain().await;
    assert_eq!(stage.roblox().logs().len(), 0, "nothing is owed");
    for reason in ["a", "b", "c"] {
        stage.workspace.ban(ban().reasons(reason, reason)).await;
    }
    stage.drain().await;
    assert_eq!(stage.roblox().logs().len(), 1);
    assert_eq!(stage.restriction(MALLORY).private_reason, "c");
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn a_ban_an_unban_and_a_ban_in_quick_succession_end_in_a_ban() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let ban = |n: u64| Ban::of(MALLORY, ARENA).permanent().moderator(n);
    let decide = async {
        for n in 1..=3 {
            stage.workspace.ban(ban(n)).await;
            tokio::time::sleep(Duration::from_millis(350)).await;
            if n < 3 {
                stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
    };
    futures::join!(decide, stage.drain());
    stage.drain().await;
    assert!(stage.restriction(MALLORY).active);
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn a_wave_is_carried_over_in_the_order_made_and_within_the_limits() {
    let app = app().without_pump().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    let users: Vec<u64> = (0..35).map(|n| 2_000 + (n * 17) % 35).collect();
    for user in &users {
        stage.workspace.ban(Ban::of(*user, ARENA).permanent()).await;
    }
    stage.drain().await;
    let carried: Vec<_> = stage
        .roblox()
        .logs()
        .iter()
        .map(|entry| entry.user)
        .collect();
    assert_eq!(carried, users);
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn messages_beyond_what_a_topic_takes_are_skipped_and_counted() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    stage.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    let fault = local_stack::roblox::FaultRule::next(1, local_stack::roblox::Fault::Status(500));
    stage.roblox().fail(fault.on(":publishMessage"));
    stage.drain().await;
    assert!(
        stage.restriction(MALLORY).active,
        "the kick is a redundancy"
    );
    assert_eq!(stage.line()["kicksSkipped"], 1);
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn only_what_is_set_up_is_mirrored() {
    let app = app().roblox_window(WINDOW).start().await;
    let stage = Stage::open(&app, &[ARENA, BEACH]).await;
    let only_bans = MirrorOptions {
        unbans: false,
        kicks: false,
        ..MirrorOptions::ALL
    };
    stage.mirror(ARENA, SECRET, only_bans).await;
    let prefix = stage.workspace.id().prefix();
    let beach = shared::domain::ids::ExperienceId::new(BEACH).unwrap();
    let removed = app.store().remove_mirror(prefix, beach).await;
    assert!(removed.unwrap());
    for place in [ARENA, BEACH] {
        stage.workspace.ban(Ban::of(place, place).permanent()).await;
    }
    stage.drain().await;
    stage.workspace.unban(Unban::of(ARENA, ARENA)).await;
    stage.drain().await;
    assert!(
        stage.restriction(ARENA).active,
        "its end is left to the game servers"
    );
    assert!(!stage.restriction(BEACH).active);
    assert_eq!(stage.roblox().messages().len(), 0);
    assert_eq!(stage.workspace.pending_unbans(ARENA).await.len(), 1);
    assert_eq!(stage.workspace.pending_bans(BEACH).await.len(), 1);
    app.store().remove_rest(prefix).await.unwrap();
    let left = app.store().mirrors_of(prefix).await.unwrap();
    assert_eq!(left, [], "with a workspace its mirrors go");
}

#[tokio::test]
async fn a_user_over_his_limit_holds_up_nobody() {
    let app = app().without_pump().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    stage.roblox().set_limits(Limits {
        says_when: false,
        ..Limits::default()
    });
    let ban = |n: u64| Ban::of(MALLORY, ARENA).permanent().moderator(n);
    for n in 1..=3 {
        stage
            .workspace
            .ban(ban(n).reasons(&n.to_string(), "x"))
            .await;
        let draining = stage.drain();
        if n < 3 {
            draining.await;
            continue;
        }
        // It would wait for the minute to pass; another user does not.
        stage.workspace.ban(Ban::of(5, ARENA)).await;
        let arrived = end_to_end::eventually("the other is restricted", async || {
            stage.restriction(5).active.then_some(())
        });
        tokio::select! {
            biased;
            () = arrived => {}
            () = draining => panic!("the drain ended before"),
        }
    }
    assert_eq!(stage.restriction(MALLORY).private_reason, "2");
    assert_eq!(stage.roblox().violations(), []);
}

#[tokio::test]
async fn a_ban_reaches_roblox_within_two_seconds_by_itself() {
    let app = app().start().await;
    let stage = Stage::awake(&app, &[ARENA]).await;
    let begun = std::time::Instant::now();
    stage.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    end_to_end::eventually("he is restricted and kicked", async || {
        let kicked = stage.roblox().messages().len() == 1;
        (stage.restriction(MALLORY).active && kicked).then_some(())
    })
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    app.quiet().await;
    stage.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    end_to_end::eventually("he is free", async || {
        (!stage.restriction(MALLORY).active).then_some(())
    })
    .await;
    app.quiet().await;
    stage.assert_done(&[ARENA]).await;
}

#[tokio::test]
async fn the_schedule_sees_to_what_nobody_was_woken_for() {
    let app = app().start().await;
    let stage = Stage::open(&app, &[ARENA]).await;
    stage.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    app.settle().await;
    app.lose_background_calls(false);
    app.run_schedule("mirror-bans", "EachMinute").await;
    app.background_settled().await;
    assert!(stage.restriction(MALLORY).active);
    stage.assert_done(&[ARENA]).await;
    let calls = stage.roblox().calls();
    app.run_schedule("mirror-bans", "EachMinute").await;
    app.background_settled().await;
    assert_eq!(
        stage.roblox().calls(),
        calls,
        "nothing is owed, so nobody is woken"
    );
}
