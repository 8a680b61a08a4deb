//! The changes requested from Roblox, checked against a small model of it.

mod universe;
mod whatever_happens;

use universe::Universe;

use super::*;
use crate::domain::clock::UnixMillis;
use crate::domain::ids::{Guid, ModeratorId, Uid, UserId};
use crate::domain::rules::{self, BanRequest, Expiry, Identity, Length, UnbanRequest};

const USER: UserId = UserId::new(1).unwrap();
const ALICE: ModeratorId = ModeratorId::new(9).unwrap();
const ARENA: ExperienceId = ExperienceId::new(1).unwrap();
const BEACH: ExperienceId = ExperienceId::new(2).unwrap();
const CASTLE: ExperienceId = ExperienceId::new(3).unwrap();
const PLACES: [ExperienceId; 3] = [ARENA, BEACH, CASTLE];
const START: UnixSeconds = UnixSeconds(1_728_802_934);
const ALL: MirroredChanges = MirroredChanges {
    bans: true,
    unbans: true,
};
const NONE: MirroredChanges = MirroredChanges {
    bans: false,
    unbans: false,
};

const PERMANENT: Length = Length::Permanent;

#[test]
fn a_global_ban_and_its_lift_are_one_change_each() {
    let mut universe = Universe::new();
    universe.ban(ARENA, Scope::Global, true, PERMANENT);
    universe.drain();
    assert_eq!(universe.asked(), [(Level::Universe, true)]);
    universe.lift(BEACH);
    universe.drain();
    assert_eq!(universe.asked(), [(Level::Universe, false)]);
    universe.is_right().unwrap();
}

#[test]
fn a_ban_at_place_level_is_one_change_per_place() {
    let mut universe = Universe::new();
    universe.ban(ARENA, Scope::Global, false, PERMANENT);
    universe.drain();
    let expected = PLACES.map(|place| (Level::Place(place), true));
    assert_eq!(universe.asked(), expected);
}

#[test]
fn a_ban_that_a_sibling_has_reported_is_not_requested_again() {
    let mut universe = Universe::new();
    universe.ban(ARENA, Scope::Global, true, PERMANENT);
    let revision = universe.global.as_ref().unwrap().current();
    universe
        .roblox
        .insert(Level::Universe, (revision, Expiry::Never));
    universe.report(BEACH, Some(revision), Some(Level::Universe));
    universe.drain();
    assert_eq!(universe.asked(), []);
    assert_eq!(universe.standing(CASTLE).here.report, Some(revision));
}

#[test]
fn a_universe_stays_restricted_while_a_sibling_wants_it() {
    let mut universe = Universe::new();
    universe.ban(ARENA, Scope::Experience, true, PERMANENT);
    universe.drain();
    universe.ban(BEACH, Scope::Experience, true, Length::For(600));
    universe.drain();
    assert_eq!(universe.asked().len(), 1, "the longer one applies to both");
    universe.lift(ARENA);
    universe.drain();
    assert_eq!(
        universe.asked(),
        [(Level::Universe, true)],
        "the shorter one takes its place"
    );
    universe.is_right().unwrap();
    universe.now = universe.now.plus(601);
    universe.drain();
    assert_eq!(universe.asked(), [(Level::Universe, false)]);
}

#[test]
fn an_unban_report_without_a_lift_is_corrected() {
    let mut universe = Universe::new();
    for place in [ARENA, BEACH] {
        universe.ban(place, Scope::Experience, true, PERMANENT);
    }
    universe.drain();
    universe.lift(BEACH);
    universe.report(BEACH, None, None);
    universe.drain();
    universe.is_exact().unwrap();
    universe.lift(ARENA);
    universe.report(ARENA, None, None);
    universe.drain();
    assert_eq!(universe.holds(Level::Universe), None);
}

#[test]
fn a_change_of_level_sets_one_and_lifts_the_other() {
    let mut universe = Universe::new();
    universe.ban(ARENA, Scope::Experience, true, PERMANENT);
    universe.drain();
    universe.asked();
    universe.ban(ARENA, Scope::Experience, false, PERMANENT);
    universe.drain();
    let place = Level::Place(ARENA);
    assert_eq!(universe.asked(), [(place, true), (Level::Universe, false)]);
    universe.ban(ARENA, Scope::Experience, true, PERMANENT);
    universe.drain();
    assert_eq!(universe.asked(), [(Level::Universe, true), (place, false)]);
    universe.is_right().unwrap();
}

#[test]
fn an_unreported_change_is_undone_once_it_is_not_wanted() {
    for reached in [true, false] {
        let mut universe = Universe::new();
        universe.ban(ARENA, Scope::Experience, true, PERMANENT);
        universe.mirror(0, reached);
        universe.lift(ARENA);
        assert!(
            universe.standing(ARENA).pending().unban.is_none(),
            "nothing is pending"
        );
        universe.drain();
        assert_eq!(universe.holds(Level::Universe), None);
    }
}

#[test]
fn places_that_are_not_mirrored_are_not_touched() {
    let mut universe = Universe::new();
    universe.places.get_mut(&ARENA).unwrap().2 = NONE;
    universe.ban(ARENA, Scope::Experience, true, PERMANENT);
    universe.ban(BEACH, Scope::Experience, false, PERMANENT);
    let plan = universe.plan();
    assert_eq!(plan.steps.len(), 1, "{plan:?}");
    assert_eq!(plan.steps[0].level, Level::Place(BEACH));
    assert_eq!(plan.reports.len(), 1);
}

#[test]
fn changes_that_are_not_mirrored_are_left_to_the_game_servers() {
    let mut universe = Universe::new();
    universe.ban(ARENA, Scope::Experience, true, PERMANENT);
    universe.drain();
    let only_bans = MirroredChanges {
        bans: true,
        unbans: false,
    };
    universe.places.get_mut(&ARENA).unwrap().2 = only_bans;
    universe.lift(ARENA);
    assert!(universe.plan().is_empty());
}

fn report(experience: ExperienceId, after: &[Level]) -> MirrorReport {
    MirrorReport {
        experience,
        state: None,
        after: after.to_vec(),
    }
}

fn reports() -> MirrorPlan {
    MirrorPlan {
        steps: Vec::new(),
        reports: vec![
            report(ARENA, &[Level::Universe]),
            report(BEACH, &[Level::Universe, Level::Place(BEACH)]),
            report(CASTLE, &[]),
        ],
    }
}

#[test]
fn a_report_waits_for_the_changes_that_it_rests_on() {
    let plan = reports();
    let ready = |made: &[Level]| -> Vec<_> {
        let ready = plan.ready_reports(made);
        ready.map(|report| report.experience).collect()
    };
    assert_eq!(ready(&[]), [CASTLE]);
    assert_eq!(ready(&[Level::Place(BEACH)]), [CASTLE]);
    assert_eq!(ready(&[Level::Universe]), [ARENA, CASTLE]);
    assert_eq!(ready(&[Level::Universe, Level::Place(BEACH)]), PLACES);
}

#[test]
fn a_change_prefers_the_keys_of_the_places_that_wait_for_it() {
    let plan = reports();
    let places = |level| plan.places_for(level).collect::<Vec<_>>();
    assert_eq!(places(Level::Universe), [ARENA, BEACH]);
    assert_eq!(places(Level::Place(BEACH)), [BEACH, BEACH]);
    assert_eq!(places(Level::Place(CASTLE)), [CASTLE]);
}
