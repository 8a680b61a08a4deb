//! A small model of a universe on Roblox, with the mirror's own state.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A universe of three places, its decisions, and what Roblox holds.
#[derive(Clone, Debug)]
pub(super) struct Universe {
    pub(super) now: UnixSeconds,
    pub(super) bans: u64,
    pub(super) global: Option<Ban>,
    pub(super) places: BTreeMap<ExperienceId, (rules::Here, Option<Level>, MirroredChanges)>,
    pub(super) unconfirmed: Vec<UnconfirmedChange>,
    pub(super) applied: Vec<AppliedRestriction>,
    /// By level: the ban that is set, and until when.
    pub(super) roblox: BTreeMap<Level, (RevisionRef, Expiry)>,
    pub(super) asked: Vec<MirrorStep>,
}

impl Universe {
    pub(super) fn new() -> Self {
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

    pub(super) fn standing(&self, place: ExperienceId) -> Standing {
        Standing {
            here: self.places[&place].0.clone(),
            global: self.global.clone(),
            global_mark: None,
        }
    }

    pub(super) fn keep(&mut self, place: ExperienceId, standing: Standing) {
        self.places.get_mut(&place).unwrap().0 = standing.here;
        self.global = standing.global;
    }

    pub(super) fn ban(
        &mut self,
        place: ExperienceId,
        scope: Scope,
        universal: bool,
        length: Length,
    ) {
        let request = BanRequest {
            user: USER,
            place: place.into(),
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
            rules::make(&standing, &request, place, identity, self.now)
        };
        self.keep(place, outcome.standing);
    }

    pub(super) fn lift(&mut self, place: ExperienceId) {
        let request = UnbanRequest {
            user: USER,
            place: place.into(),
            reason: None,
            moderator: None,
            applied: false,
            report_only: false,
            from_game: false,
        };
        let outcome = rules::lift(&self.standing(place), &request, self.now);
        self.keep(place, outcome.standing);
    }

    pub(super) fn places(&self) -> Vec<MirroredPlace> {
        let place = |id: &ExperienceId| MirroredPlace {
            experience: *id,
            standing: self.standing(*id),
            reported_at: self.places[id].1,
            mirrors: self.places[id].2,
        };
        PLACES.iter().map(place).collect()
    }

    pub(super) fn plan(&self) -> MirrorPlan {
        let (places, mut unconfirmed) = (self.places(), self.unconfirmed.clone());
        unconfirmed.extend(stale_changes(
            &self.applied,
            &self.unconfirmed,
            &places,
            self.now,
        ));
        plan(&places, &unconfirmed, self.now)
    }

    pub(super) fn record_request(&mut self, step: &MirrorStep, done: bool) {
        self.unconfirmed.retain(|change| change.level != step.level);
        self.unconfirmed.push(UnconfirmedChange {
            level: step.level,
            content: step.content(),
            done,
        });
    }

    pub(super) fn ask(&mut self, step: &MirrorStep) {
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

    pub(super) fn report(
        &mut self,
        place: ExperienceId,
        state: Option<RevisionRef>,
        at: Option<Level>,
    ) {
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
    pub(super) fn mirror(&mut self, steps: usize, reaches: bool) {
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
    pub(super) fn drain(&mut self) {
        self.mirror(usize::MAX, false);
        assert!(self.plan().is_empty(), "{:?}", self.plan());
    }

    pub(super) fn holds(&self, level: Level) -> Option<RevisionRef> {
        let (revision, expires) = self.roblox.get(&level)?;
        expires.is_after(self.now).then_some(*revision)
    }

    /// The changes that were requested since the last call: the level, and whether a ban was set.
    pub(super) fn asked(&mut self) -> Vec<(Level, bool)> {
        let asked = std::mem::take(&mut self.asked);
        let kind = |step: MirrorStep| (step.level, step.ban.is_some());
        asked.into_iter().map(kind).collect()
    }

    /// Fails unless Roblox keeps the user out exactly where a place wants it.
    pub(super) fn is_right(&self) -> Result<(), TestCaseError> {
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
    pub(super) fn is_exact(&self) -> Result<(), TestCaseError> {
        let places = self.places();
        let of_places = PLACES.map(Level::Place).into_iter();
        for level in of_places.chain([Level::Universe]) {
            let wanted = wanted(&places, level, self.now).map(Ban::current);
            prop_assert_eq!(self.holds(level), wanted, "{:?}", level);
        }
        Ok(())
    }
}
