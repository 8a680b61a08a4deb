//! Reports, timely and late: how they differ from decisions, and that they change none.

use super::*;

/// What happens between a list and its report.
type Overtake<'a> = &'a dyn Fn(&mut World) -> Answer;

/// Mallory's standing as seen from an experience, in one word each.
fn seen(world: &World, experience: ExperienceId) -> (&'static str, &'static str) {
    let banned = if world.is_banned(experience) {
        "banned"
    } else {
        "free"
    };
    (banned, world.owes(experience))
}

#[test]
fn report_clears_the_pending_ban_of_that_experience_only() {
    let mut world = World::linked();
    world.ban(&ban_all_from(ARENA));
    let decided = world.decided();
    let reports = report(&world.shown(BEACH), BEACH);
    assert_eq!(world.ban(&reports), Answer::Ok);
    assert_eq!(
        EXPERIENCES.map(|experience| world.owes(experience)),
        ["ban", "nothing", "ban"]
    );
    assert!(world.shown(BEACH).applied && !world.shown(ARENA).applied);
    assert_eq!(world.decided(), decided);
}

#[test]
fn repeated_report_writes_nothing() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..lasting(HOUR, ban_in(ARENA))
    });
    world.wait(1000);
    let standing = world.store.standing(MALLORY, ARENA);
    let reports = report(&world.shown(ARENA), ARENA);
    let judgement = crate::domain::rules::judge_ban(&standing, &reports, None, &[], world.now);
    assert_eq!(judgement, Ok(crate::domain::rules::Judgement::Nothing));
}

#[test]
fn only_overwrite_with_completed_and_equal_terms_is_a_report() {
    // Overwrite, applied, whether the terms are equal; then the revision and what is pending.
    let table = [
        (true, true, true, 1, "nothing"),
        (true, true, false, 2, "nothing"),
        (true, false, true, 1, "ban"),
        (true, false, false, 2, "ban"),
        (false, true, true, 1, "ban"),
        (false, false, true, 1, "ban"),
    ];
    for (overwrite, applied, equal, revision, owes) in table {
        let mut world = World::linked();
        world.ban(&ban_in(ARENA));
        let moderator = if equal { ALICE } else { BOB };
        let answer = world.ban(&BanRequest {
            overwrite,
            applied,
            moderator,
            ..ban_in(ARENA)
        });
        assert_eq!(matches!(answer, Answer::AlreadyBanned(_)), !overwrite);
        let (expected, told) = (
            (revision, owes),
            (world.shown(ARENA).revision, world.owes(ARENA)),
        );
        assert_eq!(
            told, expected,
            "overwrite {overwrite}, completed {applied}, equal {equal}"
        );
    }
}

#[test]
fn decision_with_completed_is_reported_by_its_caller_only() {
    for overwrite in [false, true] {
        let mut world = World::linked();
        world.ban(&BanRequest {
            applied: true,
            overwrite,
            ..ban_all_from(ARENA)
        });
        let pending = EXPERIENCES.map(|experience| world.owes(experience));
        assert_eq!(pending, ["nothing", "ban", "ban"]);
    }
}

#[test]
fn report_of_the_other_type_is_no_report() {
    let mut world = World::linked();
    world.ban(&ban_all_from(ARENA));
    let global = world.shown(ARENA);
    let request = BanRequest {
        scope: Scope::Experience,
        ..report(&global, ARENA)
    };
    assert_eq!(world.ban(&request), Answer::Ok);
    assert_eq!(world.decided().len(), 2);
    assert_eq!(world.pending_bans(ARENA), [global.guid]);
}

#[test]
fn experience_ban_is_not_reported_from_elsewhere() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    let reports = report(&world.shown(ARENA), BEACH);
    world.ban(&reports);
    assert_eq!(world.owes(ARENA), "ban");
    assert_eq!(
        seen(&world, BEACH),
        ("banned", "nothing"),
        "a ban of its own"
    );
}

#[test]
fn late_report_is_recorded_and_changes_no_decision() {
    let lift = |world: &mut World| world.unban(&unban_in(ARENA));
    let change = |world: &mut World| {
        world.ban(&BanRequest {
            moderator: BOB,
            ..overwriting(ban_in(ARENA))
        })
    };
    let replace = |world: &mut World| {
        world.unban(&unban_in(ARENA));
        world.ban(&BanRequest {
            moderator: BOB,
            ..ban_in(ARENA)
        })
    };
    let accept_an_appeal = |world: &mut World| world.appeal(&ban_in(ARENA));
    let expire = |world: &mut World| {
        world.wait(HOUR);
        Answer::Ok
    };
    // What precedes the report, and what is seen afterwards.
    let table: [(_, Overtake, _); 5] = [
        ("lifted", &lift, ("free", "unban")),
        ("changed", &change, ("banned", "ban")),
        ("replaced", &replace, ("banned", "ban")),
        ("appealed", &accept_an_appeal, ("free", "unban")),
        ("expired", &expire, ("free", "unban")),
    ];
    for (name, overtake, expected) in table {
        let mut world = World::linked();
        world.ban(&lasting(HOUR, ban_in(ARENA)));
        let pending = world.store.pending_bans(ARENA, world.now);
        assert_eq!(overtake(&mut world), Answer::Ok);
        let decided = world.decided();
        // Many servers work through the same list.
        for _ in 0..2 {
            assert_eq!(world.ban(&report(&pending[0], ARENA)), Answer::Ok, "{name}");
            assert_eq!(seen(&world, ARENA), expected, "{name}");
            assert_eq!(world.decided(), decided, "{name}");
        }
    }
}

#[test]
fn late_report_becomes_a_decision_after_an_hour() {
    for length in [Length::Permanent, Length::For(9 * HOUR)] {
        for (lag, bans_on_record) in [(0, 1), (HOUR, 1), (HOUR + 1, 2)] {
            let mut world = World::linked();
            world.ban(&BanRequest {
                length,
                ..ban_in(ARENA)
            });
            let shown = world.shown(ARENA);
            world.wait(10);
            world.unban(&unban_in(ARENA));
            world.wait(lag);
            assert_eq!(world.ban(&report(&shown, ARENA)), Answer::Ok);
            assert_eq!(world.decided().len(), bans_on_record, "{lag} s later");
        }
    }
}

#[test]
fn late_report_is_recognised_despite_clock_skew() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    let reports = report(&world.shown(ARENA), ARENA);
    let held = world.store.standing(MALLORY, ARENA).here.ban.unwrap();
    world.wait(HOUR);
    world.unban(&unban_in(ARENA));
    let standing = world.store.standing(MALLORY, ARENA);
    let lately = [crate::domain::rules::Revision {
        ban: held.clone(),
        until: world.now,
    }];
    for behind in [0, 1, 3, MINUTE] {
        let now = world.now.minus(behind);
        let judgement = crate::domain::rules::judge_ban(&standing, &reports, None, &lately, now);
        let expected = crate::domain::rules::Judgement::Report(held.current());
        assert_eq!(judgement, Ok(expected), "{behind} s behind");
    }
}

#[test]
fn past_expiry_is_allowed_in_a_late_report() {
    let table = [
        (0, Answer::Ok),
        (HOUR, Answer::Ok),
        (HOUR + 1, Answer::ExpiryPassed),
    ];
    for (lag, expected) in table {
        let mut world = World::linked();
        world.ban(&lasting(MINUTE, ban_all_from(ARENA)));
        let shown = world.shown(BEACH);
        world.wait(MINUTE + lag);
        assert_eq!(
            world.ban(&report(&shown, BEACH)),
            expected,
            "{lag} s after its end"
        );
    }
}

#[test]
fn hour_counts_from_the_end_and_not_from_a_later_decision() {
    let mut world = World::linked();
    world.ban(&lasting(MINUTE, ban_in(ARENA)));
    let shown = world.shown(ARENA);
    world.wait(HOUR);
    world.ban(&ban_in(ARENA));
    world.wait(MINUTE);
    assert_eq!(world.clone().ban(&report(&shown, ARENA)), Answer::Ok);
    world.wait(1);
    assert_eq!(world.ban(&report(&shown, ARENA)), Answer::ExpiryPassed);
}

#[test]
fn late_report_means_the_last_revision_with_its_terms() {
    let mut world = World::linked();
    let first = lasting(2 * HOUR, ban_in(ARENA));
    let other = overwriting(ban_in(ARENA));
    world.ban(&first);
    let shown = world.shown(ARENA);
    world.wait(10);
    world.ban(&other);
    world.ban(&report(&shown, BEACH));
    world.ban(&BanRequest {
        length: Length::Until(START.plus(2 * HOUR)),
        ..other.clone()
    });
    world.ban(&other);
    world.unban(&unban_in(ARENA));
    world.ban(&report(&shown, ARENA));
    let reported = world.store.standing(MALLORY, ARENA).here.report.unwrap();
    assert_eq!((reported.guid, reported.revision), (shown.guid, 3));
}

#[test]
fn report_with_terms_in_force_again_means_the_new_ban() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    let shown = world.shown(ARENA);
    world.unban(&unban_in(ARENA));
    world.ban(&ban_in(ARENA));
    world.ban(&report(&shown, ARENA));
    assert_eq!(seen(&world, ARENA), ("banned", "nothing"));
    assert_ne!(world.shown(ARENA).guid, shown.guid);
}

#[test]
fn late_repeat_without_overwrite_or_completed_is_a_decision() {
    for (overwrite, applied) in [(false, false), (false, true), (true, false)] {
        let mut world = World::linked();
        world.ban(&ban_in(ARENA));
        let shown = world.shown(ARENA);
        world.unban(&unban_in(ARENA));
        let request = BanRequest {
            overwrite,
            applied,
            ..report(&shown, ARENA)
        };
        assert_eq!(world.ban(&request), Answer::Ok);
        assert_eq!(world.decided().len(), 2);
        assert_eq!(world.owes(ARENA), if applied { "nothing" } else { "ban" });
    }
}

#[test]
fn ban_sent_again_after_its_end_is_a_new_one() {
    for (applied, bans_on_record) in [(true, 1), (false, 2)] {
        let mut world = World::linked();
        let request = BanRequest {
            applied,
            ..overwriting(lasting(30, ban_in(ARENA)))
        };
        world.ban(&request);
        world.wait(30);
        assert_eq!(world.ban(&request), Answer::Ok);
        assert_eq!(world.decided().len(), bans_on_record);
    }
}
