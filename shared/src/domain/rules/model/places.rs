//! Places that act as another place, in the words of the contract, section 7.

use super::history::{Event, How, Made, Report};
use super::{AN_HOUR, Model};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, PlaceId, UserId};
use crate::domain::rules::{Identity, Scope};

/// For how many seconds after the announcement calls still act in the place.
const ANNOUNCED: u64 = 75;

/// A place that is or becomes part of another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartOf {
    part: ExperienceId,
    root: ExperienceId,
    announced: UnixSeconds,
    complete: bool,
    left: Option<UnixSeconds>,
}

/// Events.
impl Model {
    pub fn announce(&mut self, part: ExperienceId, root: ExperienceId, now: UnixSeconds) {
        self.parts.retain(|it| it.part != part);
        self.parts.push(PartOf {
            part,
            root,
            announced: now,
            complete: false,
            left: None,
        });
    }

    /// All users have been carried over.
    pub fn complete(&mut self, part: ExperienceId) {
        let its = self.parts.iter_mut().filter(|it| it.part == part);
        its.for_each(|it| it.complete = true);
    }

    pub fn leave(&mut self, part: ExperienceId, now: UnixSeconds) {
        let its = self.parts.iter_mut().filter(|it| it.part == part);
        its.for_each(|it| it.left = Some(now));
    }

    /// A user's ban in the place moves to the root, under `identity` if that has none in force. Of two,
    /// the one that ends last holds. What the place had applied counts as applied by the root.
    pub fn carry_over(
        &mut self,
        user: UserId,
        part: ExperienceId,
        identity: Identity,
        now: UnixSeconds,
    ) {
        let Some(PartOf { root, .. }) = self.part_of(part.into()) else {
            return;
        };
        let carried = self.in_force(user, part, Scope::Experience, now).cloned();
        let held = self.in_force(user, root, Scope::Experience, now).cloned();
        let applied = self.history.reported(user, part);
        if carried.is_none() && applied == Report::NotBanned {
            return;
        }
        self.called(None, now);
        let mut report = match self.history.reported(user, root) {
            Report::NotBanned => applied,
            own @ Report::Banned(..) => own,
        };
        if let Some(carried) = carried {
            let current = self.history.current(&carried);
            let (terms, expires) = (current.terms.clone(), current.until);
            let had_applied = applied == Report::Banned(carried.guid(), current.number);
            let is_longer = |held: &Made| self.history.current(held).until >= expires;
            let decided = match held {
                Some(held) if is_longer(&held) => None,
                Some(held) => {
                    let number = self.history.current(&held).number + 1;
                    let at = now.max(self.history.updated(&held));
                    self.history.add(at, Event::Changed(held.guid(), terms));
                    Some(Report::Banned(held.guid(), number))
                }
                None => {
                    let made = Made {
                        identity,
                        user,
                        scope: Scope::Experience,
                        experience: root,
                        terms,
                        at: now,
                    };
                    self.history.add(now, Event::Made(made));
                    Some(Report::Banned(identity.guid, 1))
                }
            };
            self.history
                .add(now, Event::Ended(carried.guid(), How::Lifted));
            report = decided.filter(|_| had_applied).unwrap_or(report);
        }
        self.report(user, part, Report::NotBanned, now);
        self.report(user, root, report, now);
    }
}

/// Questions.
impl Model {
    /// Where a call that names the place acts.
    pub(super) fn acts_in(&self, place: PlaceId, now: UnixSeconds) -> ExperienceId {
        let own = ExperienceId::of_root(place);
        let found = self.part_of(place);
        let acts_there = |it: &PartOf| it.complete || now >= it.announced.plus(ANNOUNCED);
        found.filter(acts_there).map_or(own, |it| it.root)
    }

    /// The root that the place is about to join, or left within the last hour.
    pub(super) fn root_beside(&self, place: PlaceId, now: UnixSeconds) -> Option<ExperienceId> {
        let own = ExperienceId::of_root(place);
        let mut experiences = self.may_report(place, now).into_iter();
        let acts_alone = self.acts_in(place, now) == own;
        experiences.find(|it| acts_alone && *it != own)
    }

    /// The experiences whose bans a call that names the place may report.
    pub(super) fn may_report(&self, place: PlaceId, now: UnixSeconds) -> Vec<ExperienceId> {
        let own = ExperienceId::of_root(place);
        let mut parts = self.parts.iter().filter(|it| it.part == own);
        let found = parts.find(|it| it.left.is_none_or(|left| now <= left.plus(AN_HOUR)));
        let root = found.map(|it| it.root);
        std::iter::once(own).chain(root).collect()
    }

    fn part_of(&self, place: PlaceId) -> Option<PartOf> {
        let own = ExperienceId::of_root(place);
        let mut parts = self.parts.iter().filter(|it| it.left.is_none());
        parts.find(|it| it.part == own).copied()
    }

    /// The experiences whose bans keep users out of the place.
    pub(super) fn looks_in(&self, place: PlaceId) -> Vec<ExperienceId> {
        let own = ExperienceId::of_root(place);
        match self.part_of(place) {
            None => vec![own],
            Some(it) if it.complete => vec![it.root],
            Some(it) => vec![own, it.root],
        }
    }
}
