//! `ban-async` as a decision: section 5 "Decisions" of the contract, and the related parts of
//! section 6.

use super::*;
use crate::domain::rules::{Decision, DecisionKind};

#[test]
fn user_is_banned_by_an_experience_ban_or_a_global_ban() {
    // The bans in force, and whether Mallory is banned in the arena, the beach and the castle.
    let table: [(&[BanRequest], [bool; 3]); 4] = [
        (&[], [false, false, false]),
        (&[ban_in(ARENA)], [true, false, false]),
        (&[ban_in(ARENA), ban_in(CASTLE)], [true, false, true]),
        (&[ban_all_from(BEACH)], [true, true, true]),
    ];
    for (bans, expected) in table {
        let mut world = World::linked();
        for request in bans {
            assert_eq!(world.ban(request), Answer::Ok);
        }
        assert_eq!(
            EXPERIENCES.map(|experience| world.is_banned(experience)),
            expected,
            "{bans:?}"
        );
    }
}

#[test]
fn ban_affects_only_its_user() {
    let mut world = World::linked();
    world.ban(&ban_all_from(ARENA));
    assert_eq!(world.store.is_banned(OSCAR, ARENA, world.now), None);
    assert_eq!(
        world.ban(&BanRequest {
            user: OSCAR,
            ..ban_in(ARENA)
        }),
        Answer::Ok
    );
}

#[test]
fn ban_that_ends_last_counts_and_on_a_tie_the_global_one() {
    use Length::{For, Permanent};
    use Scope::{Experience, Global};
    let table = [
        (For(MINUTE), For(HOUR), Global),
        (For(HOUR), For(MINUTE), Experience),
        (For(HOUR), For(HOUR), Global),
        (Permanent, For(HOUR), Experience),
        (For(HOUR), Permanent, Global),
        (Permanent, Permanent, Global),
    ];
    for (here, global, expected) in table {
        let here = BanRequest {
            length: here,
            ..ban_in(ARENA)
        };
        let global = BanRequest {
            length: global,
            ..ban_all_from(ARENA)
        };
        for (first, then) in [(&here, &global), (&global, &here)] {
            let mut world = World::linked();
            world.ban(&overwriting(first.clone()));
            world.ban(&overwriting(then.clone()));
            assert_eq!(
                world.shown(ARENA).scope,
                expected,
                "{:?} {:?}",
                first.length,
                then.length
            );
            assert_eq!(world.pending_bans(ARENA), [world.shown(ARENA).guid]);
        }
    }
}

#[test]
fn only_the_end_of_the_ban_that_counts_changes_anything() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    world.ban(&lasting(MINUTE, ban_all_from(BEACH)));
    assert_eq!(world.owes(ARENA), "nothing");
    world.wait(MINUTE);
    assert_eq!(world.owes(ARENA), "nothing");
    assert!(world.is_banned(ARENA));
}

#[test]
fn ban_is_not_in_force_from_the_second_of_its_expiry() {
    for request in [ban_in(ARENA), ban_all_from(ARENA)] {
        let mut world = World::linked();
        world.ban(&lasting(HOUR, request));
        world.wait(HOUR - 1);
        assert!(world.is_banned(ARENA));
        world.wait(1);
        assert!(!world.is_banned(ARENA));
        assert!(!world.shown(ARENA).appealed);
    }
}

#[test]
fn latest_ban_is_shown_when_none_is_in_force() {
    let mut world = World::linked();
    world.ban(&ban_all_from(ARENA));
    world.unban(&unban_in(ARENA));
    world.wait(1);
    world.ban(&lasting(MINUTE, ban_in(ARENA)));
    world.wait(MINUTE);
    assert_eq!(world.shown(ARENA).scope, Scope::Experience);
    assert_eq!(world.shown(BEACH).scope, Scope::Global);
    assert!(!world.shown(BEACH).active);
}

#[test]
fn bans_in_the_same_scope_or_global_bans_conflict() {
    use Scope::{Experience, Global};
    // The ban in force, made from the arena; the new ban, and from where; the conflicting scope.
    let table = [
        (&[ban_in(ARENA)][..], ban_in(ARENA), Some(Experience)),
        (&[ban_in(ARENA)], ban_in(BEACH), None),
        (&[ban_in(ARENA)], ban_all_from(ARENA), None),
        (&[ban_all_from(ARENA)], ban_all_from(BEACH), Some(Global)),
        (&[ban_all_from(ARENA)], ban_in(ARENA), Some(Global)),
        (&[ban_all_from(ARENA)], ban_in(BEACH), Some(Global)),
        (
            &[ban_in(ARENA), ban_all_from(ARENA)],
            ban_in(ARENA),
            Some(Experience),
        ),
    ];
    for (bans, request, in_the_way) in table {
        let mut world = World::linked();
        for ban in bans {
            world.ban(ban);
        }
        let before = world.store.clone();
        match (world.ban(&request), in_the_way) {
            (Answer::Ok, None) => assert_ne!(world.store, before),
            (Answer::AlreadyBanned(ban), Some(scope)) => {
                assert_eq!((ban.scope, ban.active), (scope, true));
                assert_eq!(world.store, before, "a refused call has changed something");
            }
            (answer, expected) => panic!("{bans:?} {request:?}: {answer:?}, not {expected:?}"),
        }
    }
}

#[test]
fn ended_ban_never_conflicts() {
    let lift = |world: &mut World| world.unban(&unban_in(ARENA));
    let accept_an_appeal = |world: &mut World| world.appeal(&ban_in(ARENA));
    let expire = |world: &mut World| {
        world.wait(HOUR);
        Answer::Ok
    };
    let endings: [&dyn Fn(&mut World) -> Answer; 3] = [&lift, &accept_an_appeal, &expire];
    for end in endings {
        let mut world = World::linked();
        world.ban(&lasting(HOUR, ban_in(ARENA)));
        assert_eq!(end(&mut world), Answer::Ok);
        assert_eq!(world.ban(&ban_in(ARENA)), Answer::Ok);
        assert_eq!(world.decided().len(), 2);
    }
}

#[test]
fn overwriting_keeps_what_identifies_the_ban_and_its_revision_grows() {
    let changes: [&dyn Fn(&mut BanRequest); 5] = [
        &|request| request.moderator = BOB,
        &|request| request.private_reason = "aimbot, admitted".to_owned(),
        &|request| request.public_reason = "Exploiting".to_owned(),
        &|request| request.length = Length::For(HOUR),
        &|request| request.universal = Some(false),
    ];
    for change in changes {
        let mut world = World::linked();
        world.ban(&ban_all_from(ARENA));
        let before = world.shown(BEACH);
        world.wait(10);
        let mut request = overwriting(ban_all_from(BEACH));
        change(&mut request);
        assert_eq!(world.ban(&request), Answer::Ok);
        let after = world.shown(BEACH);
        assert_ne!(after.terms, before.terms);
        let terms = before.terms.clone();
        let expected = BanState {
            revision: 2,
            updated: world.now,
            ..before
        };
        assert_eq!(BanState { terms, ..after }, expected);
        assert_eq!(world.decided().len(), 1);
    }
}

#[test]
fn overwriting_with_nothing_in_force_makes_a_new_ban() {
    let mut world = World::linked();
    assert_eq!(world.ban(&overwriting(ban_in(ARENA))), Answer::Ok);
    world.unban(&unban_in(ARENA));
    assert_eq!(world.ban(&overwriting(ban_in(ARENA))), Answer::Ok);
    let [new, old] = &world.decided()[..] else {
        panic!("two bans are on record")
    };
    assert!(new.active && !old.active && new.guid > old.guid);
    assert_eq!((new.revision, old.revision), (1, 1));
}

#[test]
fn overwriting_an_experience_ban_keeps_a_global_one() {
    let mut world = World::linked();
    world.ban(&ban_all_from(ARENA));
    world.ban(&overwriting(lasting(HOUR, ban_in(ARENA))));
    assert_eq!(world.decided().iter().filter(|ban| ban.active).count(), 2);
    assert_eq!(world.shown(ARENA).scope, Scope::Global);
}

#[test]
fn omitted_universe_flag_is_unchanged_and_true_for_a_new_ban() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    assert!(world.shown(ARENA).terms.universal);
    world.ban(&BanRequest {
        universal: Some(false),
        ..overwriting(ban_in(ARENA))
    });
    assert!(!world.shown(ARENA).terms.universal);
    world.ban(&overwriting(lasting(HOUR, ban_in(ARENA))));
    assert!(!world.shown(ARENA).terms.universal);
}

#[test]
fn the_same_terms_again_change_nothing() {
    let mut world = World::linked();
    for request in [lasting(HOUR, ban_in(ARENA)), ban_all_from(ARENA)] {
        world.ban(&request);
        let before = world.store.clone();
        assert_eq!(world.ban(&overwriting(request)), Answer::Ok);
        assert_eq!(world.store, before);
    }
}

#[test]
fn a_relative_length_sent_again_within_a_minute_is_the_same_call() {
    for (pause, revision) in [(0, 1), (59, 1), (60, 1), (61, 2)] {
        let mut world = World::linked();
        let request = overwriting(lasting(HOUR, ban_in(ARENA)));
        world.ban(&request);
        world.wait(pause);
        assert_eq!(world.ban(&request), Answer::Ok);
        assert_eq!(world.shown(ARENA).revision, revision, "after {pause} s");
    }
}

#[test]
fn length_with_the_same_expiry_is_the_same_term() {
    for pause in [10, 1000] {
        let mut world = World::linked();
        world.ban(&lasting(HOUR, ban_in(ARENA)));
        world.wait(pause);
        world.ban(&overwriting(lasting(HOUR - pause, ban_in(ARENA))));
        assert_eq!(world.shown(ARENA).revision, 1);
    }
}

#[test]
fn a_decision_cannot_set_an_expiry_that_has_passed() {
    let lengths = [
        Length::Until(START.minus(1)),
        Length::Until(START),
        Length::Until(UnixSeconds(0)),
        Length::For(0),
    ];
    let flags = [(false, false), (false, true), (true, false), (true, true)];
    for length in lengths {
        for (overwrite, applied) in flags {
            for ban in [ban_in(ARENA), ban_all_from(ARENA)] {
                let mut world = World::linked();
                let before = world.store.clone();
                let request = BanRequest {
                    overwrite,
                    applied,
                    length,
                    ..ban
                };
                assert_eq!(world.ban(&request), Answer::ExpiryPassed, "{request:?}");
                assert_eq!(world.store, before);
            }
        }
    }
}

#[test]
fn an_accepted_appeal_ends_the_ban_in_its_scope() {
    for scope in [Scope::Experience, Scope::Global] {
        let mut world = World::linked();
        let request = BanRequest {
            scope,
            ..ban_in(ARENA)
        };
        assert_eq!(world.appeal(&request), Answer::NotFound, "never banned");
        world.ban(&request);
        world.wait(10);
        assert_eq!(world.appeal(&request), Answer::Ok);
        let ban = world.shown(ARENA);
        assert!(ban.appealed && !ban.active);
        assert_eq!((ban.updated, ban.revision), (world.now, 1));
        assert_eq!(world.appeal(&request), Answer::NotFound, "appealed before");
    }
}

#[test]
fn an_appeal_finds_nothing_in_another_scope_or_after_the_end() {
    let mut world = World::linked();
    world.ban(&lasting(HOUR, ban_in(ARENA)));
    assert_eq!(world.appeal(&ban_all_from(ARENA)), Answer::NotFound);
    assert_eq!(world.appeal(&ban_in(BEACH)), Answer::NotFound);
    world.wait(HOUR);
    assert_eq!(world.appeal(&ban_in(ARENA)), Answer::NotFound);
    assert!(!world.shown(ARENA).appealed);
}

#[test]
fn ended_bans_and_old_revisions_stay_as_history() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    world.ban(&overwriting(lasting(HOUR, ban_in(ARENA))));
    world.unban(&UnbanRequest {
        reason: Some("sorry".to_owned()),
        ..unban_in(ARENA)
    });
    world.ban(&ban_in(ARENA));
    world.appeal(&ban_in(ARENA));

    let history: Vec<&Decision> = world.store.history().collect();
    let told: Vec<_> = history
        .iter()
        .map(|decision| {
            (
                decision.kind,
                decision.ban.revision,
                decision.reason.as_deref(),
            )
        })
        .collect();
    let expected = [
        (DecisionKind::Made, 1, None),
        (DecisionKind::Changed, 2, None),
        (DecisionKind::Lifted, 2, Some("sorry")),
        (DecisionKind::Made, 1, None),
        (DecisionKind::Appealed, 1, None),
    ];
    assert_eq!(told, expected);
    // Each decision names what it replaced, so the list is a chain.
    let before = history
        .iter()
        .map(|decision| decision.previous.as_ref())
        .skip(1);
    let after = history.iter().map(|decision| Some(&decision.ban));
    assert!(before.eq(after.take(4)));
    assert_eq!(history[0].previous, None);
}

#[test]
fn decision_on_a_global_ban_is_recognised() {
    use crate::domain::rules::{judge_unban, lift, make, report};
    let standing = Store::default().standing(MALLORY, ARENA);
    let identity = Identity {
        guid: Guid::from(1),
        uid: Uid(1),
    };
    let here = make(&standing, &ban_in(ARENA), ARENA, identity, START);
    let global = make(&standing, &ban_all_from(ARENA), ARENA, identity, START);
    assert!(!here.decides_globally() && global.decides_globally());

    let revision = global.standing.counting(START).unwrap().current();
    assert!(!report(&global.standing, revision).decides_globally());
    assert!(judge_unban(&global.standing, &unban_in(ARENA), None, START).is_ok());
    assert!(lift(&global.standing, &unban_in(ARENA), START).decides_globally());
    assert!(!lift(&here.standing, &unban_in(ARENA), START).decides_globally());
}
