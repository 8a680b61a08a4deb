//! A user is erased while experiences still have old bans to report.

use super::{
    ARENA, BEACH, BanRequest, HOUR, Length, MALLORY, MINUTE, World, ban_all_from, ban_in, lasting,
    overwriting, report, unban_in, unbanned_in,
};
use crate::domain::ids::ExperienceId;
use crate::domain::rules::model::Answer;

/// Nothing is known about Mallory.
#[track_caller]
fn assert_erased(world: &World) {
    assert_eq!(world.decided(), []);
    assert!(world.store.standing(MALLORY, ARENA).is_blank());
    assert_eq!(world.store.standing(MALLORY, ARENA).here.report, None);
    for experience in [ARENA, BEACH] {
        assert_eq!(world.owes(experience), "nothing");
    }
}

#[test]
fn late_report_of_an_erased_ban_stores_nothing() {
    for ban in [
        ban_in(ARENA),
        ban_all_from(BEACH),
        lasting(30 * MINUTE, ban_in(ARENA)),
    ] {
        let mut world = World::linked();
        world.ban(&ban);
        let fetched = world.shown(ARENA);
        world.erase(MALLORY).unwrap();
        // The temporary ban has expired by the end of the hour.
        for wait in [0, MINUTE, HOUR - MINUTE] {
            world.wait(wait);
            assert_eq!(world.ban(&report(&fetched, ARENA)), Answer::Ok);
            assert_erased(&world);
        }
        world.wait(1);
        world.ban(&report(&fetched, ARENA));
        assert_eq!(world.decided().is_empty(), ban.length != Length::Permanent);
    }
}

#[test]
fn every_revision_of_the_last_hour_is_recognised() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    let first = world.shown(ARENA);
    world.ban(&BanRequest {
        private_reason: "another".to_owned(),
        ..overwriting(ban_in(ARENA))
    });
    let second = world.shown(ARENA);
    world.unban(&unban_in(ARENA));
    world.wait(HOUR);
    world.erase(MALLORY).unwrap();
    for fetched in [first, second] {
        world.ban(&report(&fetched, ARENA));
        assert_erased(&world);
    }
}

#[test]
fn revision_that_no_call_could_report_is_not_recognised() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    let fetched = world.shown(ARENA);
    world.unban(&unban_in(ARENA));
    world.wait(HOUR + 1);
    world.erase(MALLORY).unwrap();
    world.ban(&report(&fetched, ARENA));
    assert!(world.is_banned(ARENA));
}

#[test]
fn other_terms_scopes_and_decisions_ban_again() {
    let erased = ban_in(ARENA);
    let other_terms = BanRequest {
        public_reason: "Exploiting".to_owned(),
        ..erased.clone()
    };
    let elsewhere = BanRequest {
        place: BEACH.into(),
        ..erased.clone()
    };
    let reporting = |request| BanRequest {
        applied: true,
        ..overwriting(request)
    };
    for request in [
        reporting(other_terms),
        reporting(elsewhere),
        reporting(ban_all_from(ARENA)),
        // These are decisions, whatever their terms.
        erased.clone(),
        overwriting(erased.clone()),
        BanRequest {
            applied: true,
            ..erased.clone()
        },
    ] {
        let mut world = World::linked();
        world.ban(&erased);
        world.erase(MALLORY).unwrap();
        assert_eq!(world.ban(&request), Answer::Ok);
        assert!(
            world.is_banned(ExperienceId::of_root(request.place)),
            "{request:?}"
        );
    }
}

#[test]
fn repeat_of_a_call_with_a_relative_length_is_recognised_for_a_minute() {
    let call = BanRequest {
        applied: true,
        ..overwriting(lasting(9000, ban_in(ARENA)))
    };
    let mut world = World::linked();
    world.ban(&call);
    world.wait(5);
    world.erase(MALLORY).unwrap();
    world.wait(MINUTE - 5);
    world.ban(&call);
    assert_erased(&world);
    world.wait(1);
    world.ban(&call);
    assert!(world.is_banned(ARENA));
}

#[test]
fn late_report_of_an_erased_ban_makes_a_newer_one_pending_again() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    let fetched = world.shown(ARENA);
    world.erase(MALLORY).unwrap();
    let newer = BanRequest {
        public_reason: "Exploiting".to_owned(),
        applied: true,
        ..ban_in(ARENA)
    };
    world.ban(&newer);
    assert_eq!(world.owes(ARENA), "nothing");
    let decided = world.decided();
    world.ban(&report(&fetched, ARENA));
    assert_eq!(world.decided(), decided);
    assert_eq!(world.owes(ARENA), "ban");
}

#[test]
fn late_report_of_an_erased_unban_stores_nothing() {
    let mut world = World::linked();
    world.ban(&BanRequest {
        applied: true,
        ..ban_in(ARENA)
    });
    world.unban(&unban_in(ARENA));
    assert_eq!(world.owes(ARENA), "unban");
    world.erase(MALLORY).unwrap();
    assert_eq!(world.unban(&unbanned_in(ARENA)), Answer::NotFound);
    assert_erased(&world);
}
