//! Which restrictions Roblox should hold for a user in one universe, and which places may report that it
//! does.
//!
//! A universe has places, and each mirrored place is an experience with its own standing. Roblox keeps
//! one restriction per user for the universe and one for each place, and lifting one leaves the others.
//! What Roblox holds follows from what the places reported, and from what this mirror has requested and
//! no place has reported yet: the [`UnconfirmedChange`]s. Everything here is a function of those, so a
//! mirror that was killed resumes from what is stored.

mod backoffs;
mod circuit_breaker;
mod key_check;
mod roblox_limits;
mod sync;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use backoffs::{BackOffs, is_in_time, until};
pub use circuit_breaker::CircuitBreaker;
pub use key_check::{KeyCheck, MirrorStop, is_check_due};
pub use roblox_limits::{MessageLimiter, RobloxLimits, restriction_seconds};
pub use sync::{RequestedChange, RestrictionSync, RobloxFailure, UserWork, retry_after_error};

use super::ban::{Ban, RevisionRef, Scope};
use super::standing::Standing;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::ExperienceId;

/// Where Roblox keeps a restriction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the whole universe.
    Universe,
    /// For one place of it.
    Place(ExperienceId),
}

/// Which kinds of changes are mirrored for a place; none while its key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirroredChanges {
    /// Pending bans.
    pub bans: bool,
    /// Pending unbans.
    pub unbans: bool,
}

/// A mirrored place of the universe.
#[derive(Clone, Debug)]
pub struct MirroredPlace {
    /// The place.
    pub experience: ExperienceId,
    /// The user's standing there.
    pub standing: Standing,
    /// The level at which the last reported ban was applied; none if the place reports no ban.
    pub reported_at: Option<Level>,
    /// What is mirrored there now.
    pub mirrors: MirroredChanges,
}

/// A change that was requested from Roblox and that no place has reported yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnconfirmedChange {
    /// The level that it changes.
    pub level: Level,
    /// The revision to set; absent for a lift.
    pub content: Option<RevisionRef>,
    /// Whether Roblox answered that it made the change.
    pub done: bool,
}

/// A restriction that this mirror has set and not lifted since, whatever the places report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedRestriction {
    /// The level at which it was set.
    pub level: Level,
    /// The revision that was set.
    pub content: RevisionRef,
}

/// One change to request from Roblox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorStep {
    /// The level to change.
    pub level: Level,
    /// The ban to set; absent for a lift.
    pub ban: Option<Ban>,
}

/// What a place may report once the changes that it rests on are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorReport {
    /// The place.
    pub experience: ExperienceId,
    /// The revision to report; absent for "not banned".
    pub state: Option<RevisionRef>,
    /// The levels whose steps come first.
    pub after: Vec<Level>,
}

/// What to do for a user in a universe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MirrorPlan {
    /// The changes in order: all bans are set before any is lifted, so that the user cannot join in
    /// between.
    pub steps: Vec<MirrorStep>,
    /// The reports that follow.
    pub reports: Vec<MirrorReport>,
}

impl MirrorPlan {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.reports.is_empty()
    }

    /// The reports that may be made once the steps at these levels are.
    pub fn ready_reports(&self, made: &[Level]) -> impl Iterator<Item = &MirrorReport> {
        let is_made = move |report: &&MirrorReport| report.after.iter().all(|it| made.contains(it));
        self.reports.iter().filter(is_made)
    }

    /// The places whose keys should change a level, best first: the level's own place, then those that
    /// wait for the change.
    pub fn places_for(&self, level: Level) -> impl Iterator<Item = ExperienceId> {
        let own = match level {
            Level::Place(place) => Some(place),
            Level::Universe => None,
        };
        let waiting = self
            .reports
            .iter()
            .filter(move |report| report.after.contains(&level));
        own.into_iter()
            .chain(waiting.map(|report| report.experience))
    }
}

/// A pending report of a place: a revision, or "not banned".
struct PendingReport {
    state: Option<RevisionRef>,
}

impl Level {
    /// The level at which a ban of a place is applied.
    #[must_use]
    pub const fn of(ban: &Ban, place: ExperienceId) -> Self {
        Self::universal(ban.terms.universal, place)
    }

    /// The universe, or this place.
    #[must_use]
    pub const fn universal(universal: bool, place: ExperienceId) -> Self {
        if universal {
            Self::Universe
        } else {
            Self::Place(place)
        }
    }
}

impl MirrorStep {
    /// The revision to set; absent for a lift.
    #[must_use]
    pub fn content(&self) -> Option<RevisionRef> {
        self.ban.as_ref().map(Ban::current)
    }
}

impl MirroredPlace {
    /// The ban that keeps the user out of the place, if it applies at this level.
    fn wants(&self, level: Level, now: UnixSeconds) -> Option<&Ban> {
        let ban = self.standing.counting(now)?;
        (Level::of(ban, self.experience) == level).then_some(ban)
    }

    /// The report that is pending here, if this mirror makes it.
    fn pending_report(&self, now: UnixSeconds) -> Option<PendingReport> {
        let pending = self.standing.pending();
        if let Some(ban) = pending.ban_at(now) {
            let state = Some(ban.revision);
            return self.mirrors.bans.then_some(PendingReport { state });
        }
        let unban = pending.unban_at(now).filter(|_| self.mirrors.unbans);
        unban.map(|_| PendingReport { state: None })
    }

    /// Whether the pending report depends on the universe's restriction.
    fn concerns_universe(&self, now: UnixSeconds) -> bool {
        self.reported_at == Some(Level::Universe) || self.wants(Level::Universe, now).is_some()
    }

    /// The revision that the place reported as applied at this level.
    fn reported(&self, level: Level) -> Option<RevisionRef> {
        let report = self.standing.here.report?;
        (self.reported_at == Some(level)).then_some(report)
    }

    const fn is_mirrored(&self) -> bool {
        self.mirrors.bans || self.mirrors.unbans
    }
}

impl Standing {
    /// The ban whose current terms the place has reported. Its terms give the level at which it was
    /// applied; those of an earlier revision are not part of a standing.
    #[must_use]
    pub fn reported_ban(&self) -> Option<&Ban> {
        let report = self.here.report?;
        self.bans().find(|ban| ban.current() == report)
    }
}

/// The ban that a level should hold for a user, given all mirrored places of the universe.
#[must_use]
pub fn wanted(places: &[MirroredPlace], level: Level, now: UnixSeconds) -> Option<&Ban> {
    match level {
        Level::Universe => universe_ban(places, now),
        Level::Place(_) => places.iter().find_map(|place| place.wants(level, now)),
    }
}

/// Unconfirmed changes besides the recorded ones: restrictions that the mirror has set and that are no
/// longer wanted at their level. A place may have reported the user as unbanned without lifting anything,
/// and then no change is pending. A restriction that is still wanted is left out, because the reports
/// cover it, and so is one that is not mirrored, because game servers apply it.
#[must_use]
pub fn stale_changes(
    applied: &[AppliedRestriction],
    unconfirmed: &[UnconfirmedChange],
    places: &[MirroredPlace],
    now: UnixSeconds,
) -> Vec<UnconfirmedChange> {
    let is_stale = |it: &&AppliedRestriction| {
        let wanted = wanted(places, it.level, now).map(Ban::current);
        // For the universe's restriction, the place in which the ban was made decides.
        let place = match it.level {
            Level::Universe => it.content.made_in,
            Level::Place(place) => place,
        };
        let mirrors = |place: &MirroredPlace| match wanted {
            Some(_) => place.mirrors.bans,
            None => place.mirrors.unbans,
        };
        let own = places.iter().find(|it| it.experience == place);
        let is_mirrored = own.map_or_else(|| places.iter().any(mirrors), mirrors);
        let is_recorded = unconfirmed.iter().any(|change| change.level == it.level);
        !is_recorded && wanted != Some(it.content) && is_mirrored
    };
    applied
        .iter()
        .filter(is_stale)
        .map(|it| UnconfirmedChange {
            level: it.level,
            content: Some(it.content),
            done: true,
        })
        .collect()
}

/// What to do for a user, given all mirrored places of the universe.
#[must_use]
pub fn plan(
    places: &[MirroredPlace],
    unconfirmed: &[UnconfirmedChange],
    now: UnixSeconds,
) -> MirrorPlan {
    let (mut sets, mut lifts) = (Vec::new(), Vec::new());
    let mut add = |level, wanted: Option<&Ban>| {
        let step = MirrorStep {
            level,
            ban: wanted.cloned(),
        };
        if step.ban.is_some() {
            sets.push(step);
        } else {
            lifts.push(step);
        }
    };

    let change_at = |level| unconfirmed.iter().find(|change| change.level == level);
    let wanted = universe_ban(places, now);
    let reported: Vec<_> = places
        .iter()
        .filter_map(|place| place.reported(Level::Universe))
        .collect();
    let is_pending = places
        .iter()
        .any(|place| place.pending_report(now).is_some() && place.concerns_universe(now));
    let change = change_at(Level::Universe);
    let is_unconfirmed = change.is_some() && places.iter().any(MirroredPlace::is_mirrored);
    if (is_pending || is_unconfirmed) && needs_work(wanted.map(Ban::current), &reported, change) {
        add(Level::Universe, wanted);
    }

    for place in places {
        let level = Level::Place(place.experience);
        let (wanted, change) = (place.wants(level, now), change_at(level));
        let reported: Vec<_> = place.reported(level).into_iter().collect();
        let is_unconfirmed = change.is_some() && place.is_mirrored();
        if (place.pending_report(now).is_some() || is_unconfirmed)
            && needs_work(wanted.map(Ban::current), &reported, change)
        {
            add(level, wanted);
        }
    }

    let mut steps = sets;
    steps.extend(lifts);
    let reports = places.iter().filter_map(|place| {
        let PendingReport { state } = place.pending_report(now)?;
        let rests_on = |step: &&MirrorStep| match step.level {
            Level::Universe => place.concerns_universe(now),
            Level::Place(experience) => experience == place.experience,
        };
        Some(MirrorReport {
            experience: place.experience,
            state,
            after: steps.iter().filter(rests_on).map(|it| it.level).collect(),
        })
    });
    MirrorPlan {
        reports: reports.collect(),
        steps,
    }
}

/// The ban that the universe's restriction should hold: of the universal bans that keep the user out of
/// some place, the one that ends last.
fn universe_ban(places: &[MirroredPlace], now: UnixSeconds) -> Option<&Ban> {
    let wanted = places
        .iter()
        .filter_map(|place| place.wants(Level::Universe, now));
    wanted.max_by_key(|ban| (ban.terms.expires, ban.scope == Scope::Global, ban.guid))
}

/// Whether a level must be changed, because Roblox may hold something other than what is wanted.
///
/// An answered request says what Roblox holds. An unanswered one may have been applied or not, and is
/// sent again. Without a request the reports say it, but only if they all agree: of two, either may be
/// the later.
fn needs_work(
    wanted: Option<RevisionRef>,
    reported: &[RevisionRef],
    change: Option<&UnconfirmedChange>,
) -> bool {
    match (change, wanted) {
        (Some(change), _) => !change.done || change.content != wanted,
        (None, Some(wanted)) => reported.is_empty() || reported.iter().any(|it| *it != wanted),
        (None, None) => !reported.is_empty(),
    }
}
