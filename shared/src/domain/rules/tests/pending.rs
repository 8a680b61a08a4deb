//! What is pending for an experience: bans and unbans.

use super::*;

#[test]
fn nothing_is_pending_before_the_first_decision() {
    let world = World::linked();
    assert_eq!(
        EXPERIENCES.map(|experience| world.owes(experience)),
        ["nothing"; 3]
    );
}

#[test]
fn pending_follows_from_decision_and_last_report() {
    let bans = |applied| BanRequest {
        applied,
        ..ban_in(ARENA)
    };
    // The calls, and what is pending in the arena then. B is a ban, C one reported by its maker; L
    // lifts, A is an accepted appeal; U reports an unban; M changes the ban; R reports it
    // unchanged.
    let table = [
        ("B", "ban"),
        ("C", "nothing"),
        ("BR", "nothing"),
        ("BL", "nothing"),
        ("BA", "nothing"),
        ("CL", "unban"),
        ("CA", "unban"),
        ("CLU", "nothing"),
        ("CLB", "ban"),
        ("CLBL", "unban"),
        ("CLUBL", "nothing"),
        ("CM", "ban"),
        ("CMR", "nothing"),
        ("CML", "unban"),
        ("CMLU", "nothing"),
        ("CU", "ban"),
        ("CUR", "nothing"),
        ("CUL", "nothing"),
        ("BU", "ban"),
    ];
    for (calls, expected) in table {
        let mut world = World::linked();
        for call in calls.chars() {
            let answer = match call {
                'B' => world.ban(&bans(false)),
                'C' => world.ban(&bans(true)),
                'L' => world.unban(&unban_in(ARENA)),
                'A' => world.appeal(&ban_in(ARENA)),
                'U' => world.unban(&unbanned_in(ARENA)),
                'M' => world.ban(&BanRequest {
                    moderator: BOB,
                    ..overwriting(ban_in(ARENA))
                }),
                _ => world.ban(&report(&world.shown(ARENA), ARENA)),
            };
            assert_eq!(answer, Answer::Ok, "{call} in {calls}");
        }
        assert_eq!(world.owes(ARENA), expected, "{calls}");
    }
}

#[test]
fn an_unban_becomes_due_by_expiry_alone() {
    for request in [ban_in(ARENA), ban_all_from(BEACH)] {
        let mut world = World::linked();
        world.ban(&lasting(HOUR, request));
        let reports = report(&world.shown(ARENA), ARENA);
        world.ban(&reports);
        world.wait(HOUR - 1);
        assert_eq!(world.owes(ARENA), "nothing");
        world.wait(1);
        assert_eq!(world.owes(ARENA), "unban");
    }
}

#[test]
fn ban_that_expires_unapplied_leaves_nothing_pending() {
    let mut world = World::linked();
    world.ban(&lasting(HOUR, ban_all_from(ARENA)));
    assert_eq!(world.owes(BEACH), "ban");
    world.wait(HOUR);
    assert_eq!(world.owes(BEACH), "nothing");
}

#[test]
fn no_unban_is_pending_while_another_ban_is_in_force() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_all_from(ARENA)
    });
    world.ban(&overwriting(ban_in(ARENA)));
    // The Global ban, which counted, ends; now the other must be applied.
    world.appeal(&ban_all_from(ARENA));
    assert_eq!((world.owes(ARENA), world.is_banned(ARENA)), ("ban", true));
    assert_eq!(world.shown(ARENA).scope, Scope::Experience);
    world.appeal(&ban_in(ARENA));
    assert_eq!(
        (world.owes(ARENA), world.is_banned(ARENA)),
        ("unban", false)
    );
}

#[test]
fn remaining_ban_becomes_pending_when_the_other_expires() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..lasting(HOUR, ban_in(ARENA))
    });
    world.ban(&overwriting(lasting(2 * HOUR, ban_all_from(BEACH))));
    assert_eq!(
        world.owes(ARENA),
        "ban",
        "the Global ban ends last, so it counts"
    );
    let reports = report(&world.shown(ARENA), ARENA);
    world.ban(&reports);
    world.wait(HOUR);
    assert_eq!(world.owes(ARENA), "nothing");
    world.wait(HOUR);
    assert_eq!(world.owes(ARENA), "unban");
}

#[test]
fn global_ban_is_pending_in_every_linked_experience_even_if_linked_later() {
    let mut world = World::empty();
    assert_eq!(world.ban(&ban_all_from(ARENA)), Answer::Ok);
    let pending = |world: &World| EXPERIENCES.map(|experience| world.owes(experience));
    assert_eq!(pending(&world), ["ban", "nothing", "nothing"]);
    assert!(
        EXPERIENCES
            .iter()
            .all(|experience| world.is_banned(*experience))
    );
    world.wait(HOUR);
    world.call(&Call::Poll(BEACH)).unwrap();
    assert_eq!(pending(&world), ["ban", "ban", "nothing"]);
    world.unban(&unban_in(CASTLE));
    assert_eq!(pending(&world), ["nothing"; 3]);
}

#[test]
fn pending_bans_come_oldest_first() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        user: OSCAR,
        ..ban_in(ARENA)
    });
    world.ban(&ban_in(ARENA));
    world.wait(10);
    // Changing a ban does not make it newer.
    world.ban(&BanRequest {
        user: OSCAR,
        moderator: BOB,
        ..overwriting(ban_in(ARENA))
    });
    let pending = world.store.pending_bans(ARENA, world.now);
    assert_eq!(
        pending.iter().map(|ban| ban.user).collect::<Vec<_>>(),
        [OSCAR, MALLORY]
    );
}

#[test]
fn pending_unbans_come_in_the_order_they_became_due() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..lasting(HOUR, ban_in(ARENA))
    });
    let oscar = BanRequest {
        user: OSCAR,
        applied: true,
        ..ban_in(ARENA)
    };
    world.ban(&oscar);
    world.unban(&UnbanRequest {
        user: OSCAR,
        ..unban_in(ARENA)
    });
    world.wait(HOUR);
    let pending = world.store.pending_unbans(ARENA, world.now);
    assert_eq!(
        pending.iter().map(|ban| ban.user).collect::<Vec<_>>(),
        [OSCAR, MALLORY]
    );
}

#[test]
fn pending_unban_is_the_ban_last_reported() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    let reported = world.shown(ARENA).guid;
    world.unban(&unban_in(ARENA));
    world.ban(&ban_in(ARENA));
    world.unban(&unban_in(ARENA));
    assert_ne!(world.shown(ARENA).guid, reported);
    assert_eq!(world.pending_unbans(ARENA), [reported]);
}
