//! The changes requested from Roblox, checked against a small model of it.

mod whatever_happens;

use std::collections::BTreeMap;

use proptest::prelude::*;

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

/// A universe of three places, its decisions, and what Roblox holds.
#[derive(Clone, Debug)]
struct Universe {
    now: UnixSeconds,
    bans: u64,
    global: Option<Ban>,
    places: BTreeMap<ExperienceId, (rules::Here, Option<Level>, MirroredChanges)>,
    unconfirmed: Vec<UnconfirmedChange>,
    applied: Vec<AppliedRestriction>,
    /// By level: the ban that is set, and until when.
    roblox: BTreeMap<Level, (RevisionRef, Expiry)>,
    asked: Vec<MirrorStep>,
}

impl Universe {
    fn new() -> Self {
        let place = (rules::Here::default(), None, ALL);
        Self {
            now: START,
            bans: 0,
            global: None,
            places: PLACES.map(|id| (id, place.clone())).into(),
            unconfirmed: Vec::new(),
            applied: Vec::new(),
            roblox: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    fn standing(&self, place: ExperienceId) -> Standing {
        Standing {
            here: self.places[&place].0.clone(),
            global: self.global.clone(),
            global_mark: None,
        }
    }

    fn keep(&mut self, place: ExperienceId, standing: Standing) {
        self.places.get_mut(&place).unwrap().0 = standing.here;
        self.global = standing.global;
    }

    fn ban(&mut self, place: ExperienceId, scope: Scope, universal: bool, length: Length) {
        let request = BanRequest {
            user: USER,
            experience: place,
            scope,
            overwrite: true,
            applied: false,
            moderator: ALICE,
            private_reason: format!("{}", self.bans),
            public_reason: String::new(),
            length,
            universal: Some(universal),
        };
        let standing = self.standing(place);
        self.bans += 1;
        let moment = UnixMillis::from_millis(self.now.0 * 1000);
        let identity = Identity {
            guid: Guid::mint(moment, Uid(self.bans)),
            uid: Uid(self.bans),
        };
        let outcome = if standing.in_force(scope, self.now).is_some() {
            rules::overwrite(&standing, &request, self.now)
        } else {
            rules::make(&standing, &request, identity, self.now)
        };
        self.keep(place, outcome.standing);
    }

    fn lift(&mut self, place: ExperienceId) {
        let request = UnbanRequest {
            user: USER,
            experience: place,
            reason: None,
            moderator: None,
            applied: false,
            report_only: false,
            from_game: false,
        };
        let outcome = rules::lift(&self.standing(place), &request, self.now);
        self.keep(place, outcome.standing);
    }

    fn places(&self) -> Vec<MirroredPlace> {
        let place = |id: &ExperienceId| MirroredPlace {
            experience: *id,
            standing: self.standing(*id),
            reported_at: self.places[id].1,
            mirrors: self.places[id].2,
        };
        PLACES.iter().map(place).collect()
    }

    fn plan(&self) -> MirrorPlan {
        let (places, mut unconfirmed) = (self.places(), self.unconfirmed.clone());
        unconfirmed.extend(stale_changes(
            &self.applied,
            &self.unconfirmed,
            &places,
            self.now,
        ));
        plan(&places, &unconfirmed, self.now)
    }

    fn record_request(&mut self, step: &MirrorStep, done: bool) {
        self.unconfirmed.retain(|change| change.level != step.level);
        self.unconfirmed.push(UnconfirmedChange {
            level: step.level,
            content: step.content(),
            done,
        });
    }

    fn ask(&mut self, step: &MirrorStep) {
        self.asked.push(step.clone());
        match &step.ban {
            Some(ban) => {
                let held = (ban.current(), ban.terms.expires);
                self.roblox.insert(step.level, held);
            }
            None => {
                self.roblox.remove(&step.level);
            }
        }
    }

    fn report(&mut self, place: ExperienceId, state: Option<RevisionRef>, at: Option<Level>) {
        let standing = self.standing(place);
        let outcome = match state {
            Some(revision) => rules::report(&standing, revision),
            None => rules::report_unbanned(&standing),
        };
        self.keep(place, outcome.standing);
        self.places.get_mut(&place).unwrap().1 = at;
    }

    /// Applies the plan. After `steps` steps the mirror is killed, before the last of them reached Roblox or
    /// after it.
    fn mirror(&mut self, steps: usize, reaches: bool) {
        let plan = self.plan();
        let mut made = Vec::new();
        for (n, step) in plan.steps.iter().enumerate() {
            let last = n == steps;
            self.record_request(step, false);
            if !last || reaches {
                self.ask(step);
            }
            if last {
                return;
            }
            self.record_request(step, true);
            self.applied.retain(|held| held.level != step.level);
            let held = step.content().map(|content| AppliedRestriction {
                level: step.level,
                content,
            });
            self.applied.extend(held);
            made.push(step.level);
        }
        for report in &plan.reports {
            assert!(report.after.iter().all(|level| made.contains(level)));
            let standing = self.standing(report.experience);
            let at = report.state.and_then(|_| {
                let ban = standing.counting(self.now)?;
                Some(Level::of(ban, report.experience))
            });
            self.report(report.experience, report.state, at);
        }
        self.unconfirmed.clear();
    }

    /// Applies everything that is pending.
    fn drain(&mut self) {
        self.mirror(usize::MAX, false);
        assert!(self.plan().is_empty(), "{:?}", self.plan());
    }

    fn holds(&self, level: Level) -> Option<RevisionRef> {
        let (revision, expires) = self.roblox.get(&level)?;
        expires.is_after(self.now).then_some(*revision)
    }

    /// The changes that were requested since the last call: the level, and whether a ban was set.
    fn asked(&mut self) -> Vec<(Level, bool)> {
        let asked = std::mem::take(&mut self.asked);
        let kind = |step: MirrorStep| (step.level, step.ban.is_some());
        asked.into_iter().map(kind).collect()
    }

    /// Fails unless Roblox keeps the user out exactly where a place wants it.
    fn is_right(&self) -> Result<(), TestCaseError> {
        for place in PLACES {
            let standing = self.standing(place);
            let Some(ban) = standing.counting(self.now) else {
                let level = Level::Place(place);
                prop_assert_eq!(self.holds(level), None, "{} is free", place);
                continue;
            };
            let level = Level::of(ban, place);
            let held = self.roblox.get(&level);
            let held = held.filter(|(_, expires)| *expires >= ban.terms.expires);
            prop_assert!(held.is_some(), "{place}: {ban:?} {:?}", self.roblox);
        }
        let wanted = PLACES.iter().any(|place| {
            let standing = self.standing(*place);
            (standing.counting(self.now)).is_some_and(|ban| ban.terms.universal)
        });
        prop_assert_eq!(self.holds(Level::Universe).is_some(), wanted);
        Ok(())
    }
}

impl Universe {
    /// Fails if any level holds something other than the ban that is wanted there.
    fn is_exact(&self) -> Result<(), TestCaseError> {
        let places = self.places();
        let of_places = PLACES.map(Level::Place).into_iter();
        for level in of_places.chain([Level::Universe]) {
            let wanted = wanted(&places, level, self.now).map(Ban::current);
            prop_assert_eq!(self.holds(level), wanted, "{:?}", level);
        }
        Ok(())
    }
}

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
