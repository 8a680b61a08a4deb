//! Repeated calls: after a timeout, after a 503, or twice at once.

mod any_call;

use super::*;
use crate::domain::rules::{self, CallDigest, REPEAT_LIMIT, Standing, UnbanJudgement, UndoStep};

fn world_of(key: &'static str) -> World {
    World {
        key: Some(key),
        ..World::linked()
    }
}

/// Mallory is banned in the arena, which has applied it.
fn applied() -> World {
    let mut world = world_of(BOT);
    world.ban(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    world.wait(1);
    world
}

#[test]
fn repeated_ban_is_answered_like_the_first() {
    let mut world = world_of(BOT);
    world.ban(&ban_in(ARENA));
    let first = world.store.clone();
    for wait in [0, 1, REPEAT_LIMIT - 1] {
        world.wait(wait);
        assert_eq!(world.ban(&ban_in(ARENA)), Answer::Ok);
        assert_eq!(world.store, first);
    }
    world.wait(1);
    assert!(matches!(
        world.ban(&ban_in(ARENA)),
        Answer::AlreadyBanned(_)
    ));
}

#[test]
fn another_key_or_meaning_is_no_repeat() {
    let mut world = world_of(BOT);
    world.ban(&ban_in(ARENA));
    let others = [
        BanRequest {
            private_reason: "another clip".to_owned(),
            ..ban_in(ARENA)
        },
        BanRequest {
            universal: Some(false),
            ..ban_in(ARENA)
        },
        lasting(HOUR, ban_in(ARENA)),
        BanRequest {
            applied: true,
            ..ban_in(ARENA)
        },
    ];
    for other in others {
        assert!(matches!(world.ban(&other), Answer::AlreadyBanned(_)));
    }
    world.key = Some(CONSOLE);
    assert!(matches!(
        world.ban(&ban_in(ARENA)),
        Answer::AlreadyBanned(_)
    ));
}

#[test]
fn explicit_default_makes_no_difference() {
    let mut world = world_of(BOT);
    world.ban(&ban_in(ARENA));
    let explicit = BanRequest {
        universal: Some(true),
        ..ban_in(ARENA)
    };
    assert_eq!(world.ban(&explicit), Answer::Ok);
}

#[test]
fn omitted_flag_keeps_a_ban_and_the_default_changes_it() {
    let mut world = world_of(BOT);
    world.ban(&BanRequest {
        universal: Some(false),
        ..ban_in(ARENA)
    });
    let change = BanRequest {
        moderator: BOB,
        ..overwriting(ban_in(ARENA))
    };
    for (universal, revision, kept) in [(None, 2, false), (Some(true), 3, true)] {
        for _ in 0..2 {
            world.ban(&BanRequest {
                universal,
                ..change.clone()
            });
            let shown = world.shown(ARENA);
            assert_eq!((shown.revision, shown.terms.universal), (revision, kept));
        }
    }
}

#[test]
fn repeated_change_does_not_move_a_relative_end() {
    let mut world = world_of(BOT);
    world.ban(&ban_in(ARENA));
    let change = overwriting(lasting(24 * HOUR, ban_in(ARENA)));
    world.ban(&change);
    let end = world.shown(ARENA).terms.expires;
    world.wait(REPEAT_LIMIT);
    world.ban(&change);
    assert_eq!(world.shown(ARENA).terms.expires, end);
    world.wait(1);
    world.ban(&change);
    assert_ne!(world.shown(ARENA).terms.expires, end);
}

#[test]
fn the_same_ban_after_a_lift_or_after_its_end_is_a_new_ban() {
    for by in [BOT, CONSOLE] {
        let mut world = world_of(BOT);
        world.ban(&ban_in(ARENA));
        let first = world.shown(ARENA).guid;
        world.key = Some(by);
        world.unban(&unban_in(ARENA));
        world.key = Some(BOT);
        assert_eq!(world.ban(&ban_in(ARENA)), Answer::Ok);
        assert_ne!(world.shown(ARENA).guid, first);
        assert!(world.is_banned(ARENA));
    }
    let mut world = world_of(BOT);
    world.ban(&lasting(MINUTE, ban_in(ARENA)));
    let first = world.shown(ARENA).guid;
    world.wait(MINUTE);
    assert_eq!(world.ban(&lasting(MINUTE, ban_in(ARENA))), Answer::Ok);
    assert_ne!(world.shown(ARENA).guid, first);
}

#[test]
fn after_another_decision_the_same_call_decides_again() {
    let other = overwriting(lasting(HOUR, ban_in(ARENA)));
    let mut world = world_of(BOT);
    world.ban(&ban_in(ARENA));
    world.ban(&other);
    assert!(matches!(
        world.ban(&ban_in(ARENA)),
        Answer::AlreadyBanned(_)
    ));
    let change = overwriting(ban_in(ARENA));
    world.ban(&change);
    world.ban(&other);
    world.ban(&change);
    assert_eq!(world.shown(ARENA).revision, 5);
    assert_eq!(world.shown(ARENA).terms.expires, Expiry::Never);
}

#[test]
fn a_ban_in_another_scope_is_no_later_decision() {
    let mut world = world_of(BOT);
    world.ban(&ban_in(ARENA));
    world.ban(&ban_all_from(BEACH));
    assert_eq!(world.ban(&ban_in(ARENA)), Answer::Ok);
    assert_eq!(world.ban(&ban_all_from(BEACH)), Answer::Ok);
}

#[test]
fn repeated_report_follows_its_own_rules() {
    let mut world = world_of(BOT);
    let call = BanRequest {
        applied: true,
        ..overwriting(ban_in(ARENA))
    };
    world.ban(&call);
    world.unban(&unbanned_in(ARENA));
    assert_eq!(world.owes(ARENA), "ban");
    world.ban(&call);
    assert_eq!(world.owes(ARENA), "nothing", "it is a confirmation again");
}

#[test]
fn repeated_appeal_is_answered_like_the_first() {
    let mut world = applied();
    world.appeal(&ban_in(ARENA));
    for wait in [0, REPEAT_LIMIT] {
        world.wait(wait);
        assert_eq!(world.appeal(&ban_in(ARENA)), Answer::Ok);
        assert_eq!(world.owes(ARENA), "unban");
    }
    world.wait(1);
    assert_eq!(world.appeal(&ban_in(ARENA)), Answer::NotFound);
}

#[test]
fn repeated_unban_stays_pending() {
    let calls = [
        unban_in(ARENA),
        UnbanRequest {
            reason: Some("sorry".to_owned()),
            moderator: None,
            ..unban_in(ARENA)
        },
        UnbanRequest {
            moderator: None,
            ..unban_in(ARENA)
        },
        UnbanRequest {
            from_game: true,
            ..unban_in(ARENA)
        },
    ];
    for call in calls {
        for again in [BOT, CONSOLE] {
            let mut world = applied();
            world.unban(&call);
            world.key = Some(again);
            for wait in [0, 1, HOUR] {
                world.wait(wait);
                for applied in [false, true] {
                    let again = UnbanRequest {
                        applied,
                        ..call.clone()
                    };
                    assert_eq!(world.unban(&again), Answer::Ok);
                    assert_eq!(world.owes(ARENA), "unban", "{call:?}");
                }
            }
        }
    }
}

#[test]
fn repeated_bare_unban_is_no_report() {
    let bare = UnbanRequest {
        moderator: None,
        from_game: true,
        ..unban_in(ARENA)
    };
    let mut world = applied();
    world.unban(&bare);
    world.wait(REPEAT_LIMIT);
    world.unban(&bare);
    assert_eq!(world.owes(ARENA), "unban");
    world.wait(1);
    world.unban(&bare);
    assert_eq!(world.owes(ARENA), "nothing", "by then it is a report");
}

#[test]
fn bare_call_of_a_game_server_reports_the_pending_unban() {
    let bare = UnbanRequest {
        moderator: None,
        from_game: true,
        ..unban_in(ARENA)
    };
    // Who lifted the ban, and whether the game server's call is equal except for its origin.
    let lifts = [
        (BOT, unban_in(ARENA)),
        (
            BOT,
            UnbanRequest {
                from_game: false,
                ..bare.clone()
            },
        ),
        (CONSOLE, bare.clone()),
    ];
    for (key, lift) in lifts {
        let mut world = applied();
        world.key = Some(key);
        world.unban(&lift);
        world.key = Some(BOT);
        world.unban(&bare);
        assert_eq!(world.owes(ARENA), "nothing", "{lift:?}");
    }
}

#[test]
fn unban_lifts_a_ban_made_since_the_same_call() {
    for ban in [ban_in(ARENA), ban_all_from(ARENA), ban_all_from(BEACH)] {
        let mut world = world_of(BOT);
        world.ban(&ban_in(ARENA));
        world.ban(&ban_all_from(ARENA));
        world.unban(&unban_in(ARENA));
        world.key = Some(CONSOLE);
        world.ban(&ban);
        world.key = Some(BOT);
        assert!(world.is_banned(ARENA));
        world.unban(&unban_in(ARENA));
        assert!(!world.is_banned(ARENA), "{ban:?}");
    }
}

#[test]
fn unban_of_two_bans_is_no_repeat_after_a_decision_on_one() {
    let bare = UnbanRequest {
        moderator: None,
        from_game: true,
        ..unban_in(ARENA)
    };
    let mut world = applied();
    world.ban(&ban_all_from(ARENA));
    world.unban(&bare);
    world.key = Some(CONSOLE);
    world.ban(&lasting(MINUTE, ban_all_from(BEACH)));
    world.wait(MINUTE);
    world.key = Some(BOT);
    assert_eq!(world.owes(ARENA), "unban");
    world.unban(&bare);
    assert_eq!(world.owes(ARENA), "nothing", "it is a report");
}

#[test]
fn repeat_is_in_time_by_a_clock_that_is_behind() {
    let mut world = world_of(BOT);
    world.ban(&ban_in(ARENA));
    let first = world.store.clone();
    world.now = world.now.minus(HOUR);
    assert_eq!(world.ban(&ban_in(ARENA)), Answer::Ok);
    assert_eq!(world.store, first);
}

#[test]
fn undo_in_between_is_another_decision() {
    let call = CallDigest::new(BOT, None, &ban_in(ARENA).meaning());
    let lifting = CallDigest::new(BOT, None, &unban_in(ARENA).meaning());
    let identity = |number| Identity {
        guid: Guid::from(number),
        uid: Uid(number),
    };
    let made = rules::make(
        &Standing::default(),
        &ban_in(ARENA),
        ARENA,
        identity(1),
        START,
    )
    .made_by(Some(&call), START);
    let judge = |standing: &_| rules::judge_ban(standing, &ban_in(ARENA), Some(&call), &[], START);
    assert_eq!(judge(&made.standing), Ok(rules::Judgement::Nothing));
    let step = UndoStep {
        after: &made.decisions[0].ban,
        before: None,
        is_undone: true,
    };
    let undone = rules::undo(&made.standing, Scope::Experience, &[step], "undo", START);
    assert_eq!(judge(&undone.standing), Ok(rules::Judgement::Make));

    let lifted =
        rules::lift(&made.standing, &unban_in(ARENA), START).made_by(Some(&lifting), START);
    let step = UndoStep {
        after: &lifted.decisions[0].ban,
        before: lifted.decisions[0].previous.as_ref(),
        is_undone: true,
    };
    let restored = rules::undo(&lifted.standing, Scope::Experience, &[step], "undo", START);
    let judged = rules::judge_unban(&restored.standing, &unban_in(ARENA), Some(&lifting), START);
    assert_eq!(judged, Ok(UnbanJudgement::Lift));
}

#[test]
fn an_idempotency_key_makes_another_call() {
    let meaning = ban_in(ARENA).meaning();
    let digests = [
        CallDigest::new(BOT, None, &meaning),
        CallDigest::new(BOT, Some("1"), &meaning),
        CallDigest::new(BOT, Some("2"), &meaning),
        CallDigest::new(CONSOLE, None, &meaning),
    ];
    for (at, digest) in digests.iter().enumerate() {
        assert_eq!(digests.iter().position(|other| other == digest), Some(at));
    }
}
