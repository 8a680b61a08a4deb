//! How bans reach Roblox, one and many.

use std::time::Duration;

use end_to_end::{Ban, Unban, now};
use local_stack::roblox::Limits;
use serde_json::{Value, json};
use shared::store::MirrorOptions;

use crate::mirrored_workspace::{
    ARENA, BEACH, MALLORY, MirroredWorkspace, SECRET, UNIVERSE, WINDOW, app,
};

#[tokio::test]
async fn bans_and_unbans_reach_roblox_and_are_reported() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let ban = Ban::of(MALLORY, ARENA).reasons("aimbot, see clip 7", "Cheating");
    mirrored.workspace.ban(ban.length(now() + 3600)).await;
    mirrored.drain().await;

    let held = mirrored.restriction(MALLORY);
    assert!(held.active);
    assert_eq!(held.private_reason, "aimbot, see clip 7");
    assert_eq!(held.display_reason, "Cheating");
    let seconds = held.seconds.unwrap();
    assert!((3590..=3600).contains(&seconds), "{seconds}");
    assert_eq!(
        mirrored.workspace.bans().await[0]["experienceBanCompleted"],
        1
    );
    let messages = mirrored.roblox().messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].universe, messages[0].topic.as_str()),
        (UNIVERSE, "SentinelAPI")
    );
    let message: Value = serde_json::from_str(&messages[0].message).unwrap();
    let expected = json!({ "Command": "DropPlayer", "UserId": MALLORY, "Reason": "Cheating" });
    assert_eq!(message, expected);
    let line = mirrored.line();
    assert_eq!(
        (&line["restrictionsSet"], &line["kicksPublished"]),
        (&json!(1), &json!(1))
    );
    assert!(line["mirrorLagSeconds"].as_u64().unwrap() < 10, "{line}");

    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    mirrored.drain().await;
    assert!(!mirrored.restriction(MALLORY).active);
    assert_eq!(mirrored.line()["restrictionsLifted"], 1);
    mirrored.assert_all_applied(&[ARENA]).await;
    assert_eq!(mirrored.roblox().logs().len(), 2);
    assert_eq!(mirrored.roblox().messages().len(), 1);
    // The mirror reported; it decided nothing.
    let decided = app
        .items(&format!("{}#U#", mirrored.workspace.prefix()))
        .await;
    let decisions = decided
        .iter()
        .filter(|item| item["kind"]["S"] == "decision");
    assert_eq!(decisions.count(), 2);
}

#[tokio::test]
async fn permanent_bans_have_no_duration_and_long_reasons_are_truncated() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let (private, public) = ("p".repeat(1000), "d".repeat(400));
    let ban = Ban::of(MALLORY, ARENA)
        .permanent()
        .reasons(&private, &public);
    mirrored.workspace.ban(ban).await;
    mirrored.drain().await;
    let held = mirrored.restriction(MALLORY);
    assert_eq!((held.seconds, held.active), (None, true));
    assert_eq!(
        (held.private_reason.len(), held.display_reason.len()),
        (1000, 400)
    );
    assert!(mirrored.roblox().messages()[0].message.len() <= 1024);
}

#[tokio::test]
async fn two_decisions_before_a_mirror_run_make_one_request() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let ban = || Ban::of(MALLORY, ARENA);
    mirrored.workspace.ban(ban().permanent()).await;
    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().logs().len(), 0, "nothing is pending");
    for reason in ["a", "b", "c"] {
        mirrored.workspace.ban(ban().reasons(reason, reason)).await;
    }
    mirrored.drain().await;
    assert_eq!(mirrored.roblox().logs().len(), 1);
    assert_eq!(mirrored.restriction(MALLORY).private_reason, "c");
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn a_quick_ban_unban_ban_sequence_ends_banned() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let ban = |n: u64| Ban::of(MALLORY, ARENA).permanent().moderator(n);
    let decide = async {
        for n in 1..=3 {
            mirrored.workspace.ban(ban(n)).await;
            tokio::time::sleep(Duration::from_millis(350)).await;
            if n < 3 {
                mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
    };
    futures::join!(decide, mirrored.drain());
    mirrored.drain().await;
    assert!(mirrored.restriction(MALLORY).active);
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn many_bans_are_mirrored_in_order_and_within_the_limits() {
    let app = app().without_mappings().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    let users: Vec<u64> = (0..35).map(|n| 2_000 + (n * 17) % 35).collect();
    for user in &users {
        mirrored
            .workspace
            .ban(Ban::of(*user, ARENA).permanent())
            .await;
    }
    mirrored.drain().await;
    let carried: Vec<_> = mirrored
        .roblox()
        .logs()
        .iter()
        .map(|entry| entry.user)
        .collect();
    assert_eq!(carried, users);
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn messages_over_the_topic_limit_are_skipped_and_counted() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    mirrored.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    let fault = local_stack::roblox::FaultRule::next(1, local_stack::roblox::Fault::Status(500));
    mirrored.roblox().fail(fault.on(":publishMessage"));
    mirrored.drain().await;
    assert!(
        mirrored.restriction(MALLORY).active,
        "the kick is a redundancy"
    );
    assert_eq!(mirrored.line()["kicksSkipped"], 1);
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn only_configured_changes_are_mirrored() {
    let app = app().roblox_window(WINDOW).start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA, BEACH]).await;
    let only_bans = MirrorOptions {
        unbans: false,
        kicks: false,
        ..MirrorOptions::ALL
    };
    mirrored.mirror(ARENA, SECRET, only_bans).await;
    let prefix = mirrored.workspace.id().prefix();
    let beach = shared::domain::ids::ExperienceId::new(BEACH).unwrap();
    let removed = app.store().remove_mirror(prefix, beach).await;
    assert!(removed.unwrap());
    for place in [ARENA, BEACH] {
        mirrored
            .workspace
            .ban(Ban::of(place, place).permanent())
            .await;
    }
    mirrored.drain().await;
    mirrored.workspace.unban(Unban::of(ARENA, ARENA)).await;
    mirrored.drain().await;
    assert!(
        mirrored.restriction(ARENA).active,
        "its end is left to the game servers"
    );
    assert!(!mirrored.restriction(BEACH).active);
    assert_eq!(mirrored.roblox().messages().len(), 0);
    assert_eq!(mirrored.workspace.pending_unbans(ARENA).await.len(), 1);
    assert_eq!(mirrored.workspace.pending_bans(BEACH).await.len(), 1);
    app.store().remove_rest(prefix).await.unwrap();
    let left = app.store().mirrors_of(prefix).await.unwrap();
    assert_eq!(left, [], "with a workspace its mirrors go");
}

#[tokio::test]
async fn a_user_at_the_rate_limit_blocks_no_other() {
    let app = app().without_mappings().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    mirrored.roblox().set_limits(Limits {
        says_when: false,
        ..Limits::default()
    });
    let ban = |n: u64| Ban::of(MALLORY, ARENA).permanent().moderator(n);
    for n in 1..=3 {
        mirrored
            .workspace
            .ban(ban(n).reasons(&n.to_string(), "x"))
            .await;
        let draining = mirrored.drain();
        if n < 3 {
            draining.await;
            continue;
        }
        // It would wait for the minute to pass; another user does not.
        mirrored.workspace.ban(Ban::of(5, ARENA)).await;
        let arrived = end_to_end::eventually("the other is restricted", async || {
            mirrored.restriction(5).active.then_some(())
        });
        tokio::select! {
            biased;
            () = arrived => {}
            () = draining => panic!("the drain ended before"),
        }
    }
    assert_eq!(mirrored.restriction(MALLORY).private_reason, "2");
    assert_eq!(mirrored.roblox().violations(), []);
}

#[tokio::test]
async fn a_ban_reaches_roblox_within_two_seconds() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::with_wake_ups(&app, &[ARENA]).await;
    let begun = std::time::Instant::now();
    mirrored.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    end_to_end::eventually("the user is restricted and kicked", async || {
        let kicked = mirrored.roblox().messages().len() == 1;
        (mirrored.restriction(MALLORY).active && kicked).then_some(())
    })
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    app.quiet().await;
    mirrored.workspace.unban(Unban::of(MALLORY, ARENA)).await;
    end_to_end::eventually("the user is unrestricted", async || {
        (!mirrored.restriction(MALLORY).active).then_some(())
    })
    .await;
    app.quiet().await;
    mirrored.assert_all_applied(&[ARENA]).await;
}

#[tokio::test]
async fn the_schedule_mirrors_changes_whose_wake_up_was_lost() {
    let app = app().start().await;
    let mirrored = MirroredWorkspace::open(&app, &[ARENA]).await;
    mirrored.workspace.ban(Ban::of(MALLORY, ARENA)).await;
    app.settle().await;
    app.lose_background_calls(false);
    app.run_schedule("mirror-bans", "EachMinute").await;
    app.background_settled().await;
    assert!(mirrored.restriction(MALLORY).active);
    mirrored.assert_all_applied(&[ARENA]).await;
    let calls = mirrored.roblox().calls();
    app.run_schedule("mirror-bans", "EachMinute").await;
    app.background_settled().await;
    assert_eq!(
        mirrored.roblox().calls(),
        calls,
        "nothing is pending, so no worker is woken"
    );
}
