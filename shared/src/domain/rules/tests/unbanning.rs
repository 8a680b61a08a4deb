//! `unban-async`: decisions, reports, and calls without effect.

use super::*;

#[test]
fn decision_lifts_every_ban_that_keeps_the_user_out() {
    let bans = [
        vec![ban_in(ARENA)],
        vec![ban_all_from(ARENA)],
        vec![ban_all_from(BEACH)],
        vec![ban_in(ARENA), ban_all_from(BEACH)],
    ];
    for bans in bans {
        let mut world = World::linked();
        for request in &bans {
            world.ban(request);
        }
        world.wait(10);
        assert_eq!(world.unban(&unban_in(ARENA)), Answer::Ok);
        assert!(!world.is_banned(ARENA), "{bans:?}");
        for ban in world.decided() {
            assert_eq!(
                (ban.active, ban.appealed, ban.updated),
                (false, false, world.now)
            );
        }
    }
}

#[test]
fn decision_keeps_bans_in_other_experiences() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    world.ban(&ban_in(BEACH));
    world.unban(&unban_in(ARENA));
    assert_eq!(
        EXPERIENCES.map(|experience| world.is_banned(experience)),
        [false, true, false]
    );
}

#[test]
fn a_ban_that_has_ended_is_not_lifted_again() {
    let mut world = World::linked();
    world.ban(&lasting(MINUTE, ban_in(ARENA)));
    world.ban(&overwriting(ban_all_from(ARENA)));
    world.wait(MINUTE);
    let expired = world.store.bans(world.now).pop().unwrap();
    world.unban(&unban_in(ARENA));
    assert_eq!(world.store.bans(world.now).pop().unwrap(), expired);
}

#[test]
fn unban_is_pending_where_the_ban_was_reported_and_for_the_caller() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_all_from(ARENA)
    });
    let reports = report(&world.shown(BEACH), BEACH);
    world.ban(&reports);
    let mut applied = world.clone();

    world.unban(&unban_in(ARENA));
    assert_eq!(
        EXPERIENCES.map(|experience| world.owes(experience)),
        ["unban", "unban", "nothing"]
    );
    applied.unban(&UnbanRequest {
        applied: true,
        ..unban_in(ARENA)
    });
    let pending = EXPERIENCES.map(|experience| applied.owes(experience));
    assert_eq!(pending, ["nothing", "unban", "nothing"]);
}

#[test]
fn an_appeal_is_pending_for_the_caller_too_unless_completed() {
    for (applied, owes) in [(false, "unban"), (true, "nothing")] {
        let mut world = World::linked();
        world.ban(&BanRequest {
            applied: true,
            ..ban_in(ARENA)
        });
        world.appeal(&BanRequest {
            applied,
            ..ban_in(ARENA)
        });
        assert_eq!(world.owes(ARENA), owes);
    }
}

#[test]
fn completed_appeal_leaves_another_ban_pending() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    world.ban(&overwriting(ban_all_from(ARENA)));
    world.appeal(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    assert_eq!((world.is_banned(ARENA), world.owes(ARENA)), (true, "ban"));
}

#[test]
fn only_the_sdks_own_reasons_make_a_report() {
    let table = [
        (None, false),
        (Some(""), false),
        (Some("Ban was appealed."), true),
        (Some("Ban automatically expired."), true),
        (Some("[luauCRON]"), true),
        (Some("[luauCRON] Ban expired at 17:00"), true),
        (Some("Ban was appealed"), false),
        (Some("Ban was appealed. Really."), false),
        (Some("ban automatically expired."), false),
        (Some("see [luauCRON]"), false),
    ];
    for (reason, is_report) in table {
        let mut world = World::linked();
        world.ban(&ban_in(ARENA));
        let reason = reason.map(str::to_owned);
        assert_eq!(
            world.unban(&UnbanRequest {
                reason,
                ..unban_in(ARENA)
            }),
            Answer::Ok
        );
        assert_eq!(world.is_banned(ARENA), is_report);
    }
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    world.unban(&UnbanRequest {
        reason: Some("sorry".to_owned()),
        ..unbanned_in(ARENA)
    });
    assert!(
        world.is_banned(ARENA),
        "confirmOnly says so whatever the reason"
    );
}

#[test]
fn report_while_a_ban_is_in_force_makes_it_pending_again() {
    for applied in [false, true] {
        let mut world = World::linked();
        world.ban(&BanRequest {
            applied: true,
            ..ban_in(ARENA)
        });
        let decided = world.decided();
        assert_eq!(
            world.unban(&UnbanRequest {
                applied,
                ..unbanned_in(ARENA)
            }),
            Answer::Ok
        );
        assert_eq!((world.owes(ARENA), world.decided()), ("ban", decided));
    }
}

#[test]
fn a_late_report_does_not_lift_a_new_ban() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    world.unban(&unban_in(ARENA));
    assert_eq!(world.owes(ARENA), "unban");
    world.ban(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    for _ in 0..2 {
        assert_eq!(world.unban(&unbanned_in(ARENA)), Answer::Ok);
        assert_eq!((world.is_banned(ARENA), world.owes(ARENA)), (true, "ban"));
    }
}

#[test]
fn only_a_report_clears_a_pending_unban() {
    let bare = UnbanRequest {
        moderator: None,
        ..unban_in(ARENA)
    };
    let in_game = |call: &UnbanRequest| UnbanRequest {
        from_game: true,
        ..call.clone()
    };
    let with_reason = |reason: &str| UnbanRequest {
        reason: Some(reason.to_owned()),
        ..bare.clone()
    };
    let applied = |call: UnbanRequest| UnbanRequest {
        applied: true,
        ..call
    };
    let calls = [
        (unbanned_in(ARENA), "nothing"),
        (with_reason("Ban was appealed."), "nothing"),
        (in_game(&bare), "nothing"),
        (applied(in_game(&bare)), "nothing"),
        (bare.clone(), "unban"),
        (applied(bare.clone()), "unban"),
        (unban_in(ARENA), "unban"),
        (in_game(&unban_in(ARENA)), "unban"),
        (with_reason("sorry"), "unban"),
        (in_game(&with_reason("sorry")), "unban"),
    ];
    for (call, owes) in calls {
        let mut world = World::linked();
        world.ban(&BanRequest {
            applied: true,
            ..ban_in(ARENA)
        });
        world.appeal(&ban_in(ARENA));
        assert_eq!(world.owes(ARENA), "unban");
        assert_eq!(world.unban(&call), Answer::Ok);
        assert_eq!(world.owes(ARENA), owes, "{call:?}");
    }
}

#[test]
fn unban_is_reported_by_its_own_experience_only() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_all_from(ARENA)
    });
    world.appeal(&ban_all_from(ARENA));
    world.unban(&unbanned_in(BEACH));
    assert_eq!(world.owes(ARENA), "unban");
}

#[test]
fn with_nothing_in_force_and_nothing_pending_nothing_changes() {
    for call in [unban_in(ARENA), unbanned_in(ARENA)] {
        let mut world = World::linked();
        world.ban(&ban_in(ARENA));
        world.appeal(&ban_in(ARENA));
        let before = world.store.clone();
        assert_eq!(world.unban(&call), Answer::Ok);
        assert_eq!(world.store, before);
    }
}

#[test]
fn a_user_never_banned_there_is_not_found() {
    // The ban that was made, and where an unban finds nothing.
    let table: [(Option<BanRequest>, &[ExperienceId]); 3] = [
        (None, &EXPERIENCES),
        (Some(ban_in(ARENA)), &[BEACH, CASTLE]),
        (Some(ban_all_from(ARENA)), &[]),
    ];
    for (ban, nowhere) in table {
        for experience in EXPERIENCES {
            for call in [unban_in(experience), unbanned_in(experience)] {
                let mut world = World::linked();
                if let Some(ban) = &ban {
                    world.ban(ban);
                }
                let answer = world.unban(&call);
                let found = !nowhere.contains(&experience);
                assert_eq!(
                    answer,
                    if found { Answer::Ok } else { Answer::NotFound },
                    "{ban:?}"
                );
            }
        }
    }
}
