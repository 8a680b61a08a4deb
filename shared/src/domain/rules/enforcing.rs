//! Enforcement: which restrictions Roblox is to hold for a user in one universe, and which places
//! may report that it does.
//!
//! A universe has places, and each mirrored place is an experience of its own with its own standing.
//! Roblox keeps one restriction per user for the universe and one for each place, and neither lifts
//! the other. What it holds is known from what the places reported, and from what this mirror has
//! asked for and has not reported yet: the [`Doubt`]s. Everything here is a function of those, so a
//! mirror that was killed goes on from what is stored.

mod pacing;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use pacing::{MessagePace, Pacing, duration};

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

/// What a mirror carries over for one place; nothing at all while its key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirrors {
    /// Bans that are owed.
    pub bans: bool,
    /// Unbans that are owed.
    pub unbans: bool,
}

/// A mirrored place of the universe.
#[derive(Clone, Debug)]
pub struct Place {
    /// The place.
    pub experience: ExperienceId,
    /// The user's standing there.
    pub standing: Standing,
    /// At which level that was applied which the place last reported; none if it reports no ban.
    pub reported_at: Option<Level>,
    /// What is mirrored there at present.
    pub mirrors: Mirrors,
}

/// Something that was asked of Roblox and that no place has reported yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Where.
    pub level: Level,
    /// The revision that was to be set, or none for a lift.
    pub content: Option<RevisionRef>,
    /// Whether Roblox has answered that it did so.
    pub done: bool,
}

/// A restriction that this mirror has set and not lifted since, whatever anybody has reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Where.
    pub level: Level,
    /// The revision that was set.
    pub content: RevisionRef,
}

/// One change to be asked of Roblox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where.
    pub level: Level,
    /// The ban to be set, or none for a lift.
    pub ban: Option<Ban>,
}

/// What a place may report once the changes it rests on are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The place.
    pub experience: ExperienceId,
    /// What it reports: a revision, or "not banned".
    pub state: Option<RevisionRef>,
    /// The levels whose steps come first.
    pub after: Vec<Level>,
}

/// What is to be done for a user in a universe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The changes, in this order: what is set comes before what is lifted, so that nobody slips in
    /// between.
    pub steps: Vec<Step>,
    /// The reports that follow.
    pub reports: Vec<Report>,
}

impl Plan {
    /// Whether nothing is to be done.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.reports.is_empty()
    }
}

/// The report that a place owes: a revision, or "not banned".
struct Owing {
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

impl Step {
    /// The revision that is set, or none for a lift.
    #[must_use]
    pub fn content(&self) -> Option<RevisionRef> {
        self.ban.as_ref().map(Ban::current)
    }
}

impl Place {
    /// The ban that keeps the user out of the place, if it is to be applied at this level.
    fn wants(&self, level: Level, now: UnixSeconds) -> Option<&Ban> {
        let ban = self.standing.counting(now)?;
        (Level::of(ban, self.experience) == level).then_some(ban)
    }

    /// What the place owes and this mirror carries over: the report to be made.
    fn owes(&self, now: UnixSeconds) -> Option<Owing> {
        let owed = self.standing.owed();
        if let Some(ban) = owed.ban_at(now) {
            let state = Some(ban.revision);
            return self.mirrors.bans.then_some(Owing { state });
        }
        let unban = owed.unban_at(now).filter(|_| self.mirrors.unbans);
        unban.map(|_| Owing { state: None })
    }

    /// Whether the universe's restriction matters for what the place owes.
    fn concerns_universe(&self, now: UnixSeconds) -> bool {
        self.reported_at == Some(Level::Universe) || self.wants(Level::Universe, now).is_some()
    }

    /// What the place reported to be applied at this level.
    fn reported(&self, level: Level) -> Option<RevisionRef> {
        let report = self.standing.here.report?;
        (self.reported_at == Some(level)).then_some(report)
    }

    const fn is_mirrored(&self) -> bool {
        self.mirrors.bans || self.mirrors.unbans
    }
}

impl Standing {
    /// The ban whose current terms the place has reported: at which level those were applied is
    /// known. Of an earlier revision it is not.
    #[must_use]
    pub fn reported_ban(&self) -> Option<&Ban> {
        let report = self.here.report?;
        self.bans().find(|ban| ban.current() == report)
    }
}

/// The ban that a level is to hold for a user, given all mirrored places of the universe.
#[must_use]
pub fn wanted(places: &[Place], level: Level, now: UnixSeconds) -> Option<&Ban> {
    match level {
        Level::Universe => universe_ban(places, now),
        Level::Place(_) => places.iter().find_map(|place| place.wants(level, now)),
    }
}

/// The doubts besides those that were noted: what the mirror has set and is not wanted any more, or
/// not at its level. Somebody may have reported the user as let in without lifting anything, and then
/// no place owes anything. What is still wanted as it is, the reports tell; and what is not mirrored
/// is left to the game servers.
#[must_use]
pub fn outdated(held: &[Held], doubts: &[Doubt], places: &[Place], now: UnixSeconds) -> Vec<Doubt> {
    let is_outdated = |it: &&Held| {
        let wanted = wanted(places, it.level, now).map(Ban::current);
        // Of the universe's restriction the place decides in which the ban was made.
        let place = match it.level {
            Level::Universe => it.content.made_in,
            Level::Place(place) => place,
        };
        let carries = |place: &Place| match wanted {
            Some(_) => place.mirrors.bans,
            None => place.mirrors.unbans,
        };
        let own = places.iter().find(|it| it.experience == place);
        let is_carried = own.map_or_else(|| places.iter().any(carries), carries);
        let is_open = doubts.iter().any(|doubt| doubt.level == it.level);
        !is_open && wanted != Some(it.content) && is_carried
    };
    held.iter()
        .filter(is_outdated)
        .map(|it| Doubt {
            level: it.level,
            content: Some(it.content),
            done: true,
        })
        .collect()
}

/// What is to be done for a user, given all mirrored places of the universe.
#[must_use]
pub fn plan(places: &[Place], doubts: &[Doubt], now: UnixSeconds) -> Plan {
    let (mut sets, mut lifts) = (Vec::new(), Vec::new());
    let mut add = |level, wanted: Option<&Ban>| {
        let step = Step {
            level,
            ban: wanted.cloned(),
        };
        if step.ban.is_some() {
            sets.push(step);
        } else {
            lifts.push(step);
        }
    };

    let doubt_at = |level| doubts.iter().find(|doubt| doubt.level == level);
    let wanted = universe_ban(places, now);
    let reported: Vec<_> = places
        .iter()
        .filter_map(|place| place.reported(Level::Universe))
        .collect();
    let concerned = places
        .iter()
        .any(|place| place.owes(now).is_some() && place.concerns_universe(now));
    let doubt = doubt_at(Level::Universe);
    let in_doubt = doubt.is_some() && places.iter().any(Place::is_mirrored);
    if (concerned || in_doubt) && is_open(wanted.map(Ban::current), &reported, doubt) {
        add(Level::Universe, wanted);
    }

    for place in places {
        let level = Level::Place(place.experience);
        let (wanted, doubt) = (place.wants(level, now), doubt_at(level));
        let reported: Vec<_> = place.reported(level).into_iter().collect();
        let concerned = place.owes(now).is_some() || (doubt.is_some() && place.is_mirrored());
        if concerned && is_open(wanted.map(Ban::current), &reported, doubt) {
            add(level, wanted);
        }
    }

    let mut steps = sets;
    steps.extend(lifts);
    let reports = places.iter().filter_map(|place| {
        let Owing { state } = place.owes(now)?;
        let rests_on = |step: &&Step| match step.level {
            Level::Universe => place.concerns_universe(now),
            Level::Place(experience) => experience == place.experience,
        };
        Some(Report {
            experience: place.experience,
            state,
            after: steps.iter().filter(rests_on).map(|it| it.level).collect(),
        })
    });
    Plan {
        reports: reports.collect(),
        steps,
    }
}

/// The ban that the universe's restriction is to hold: of those that keep the user out of some
/// place and are meant for the universe, the one that ends last.
fn universe_ban(places: &[Place], now: UnixSeconds) -> Option<&Ban> {
    let wanted = places
        .iter()
        .filter_map(|place| place.wants(Level::Universe, now));
    wanted.max_by_key(|ban| (ban.terms.expires, ban.scope == Scope::Global, ban.guid))
}

/// Whether a level has to be changed: Roblox may hold something else there than is wanted.
///
/// What was asked last and answered is known. What was asked and not answered may have happened or
/// not, and is asked again. Else the reports tell, and only if they all say the same: of two, either
/// may be the later.
fn is_open(wanted: Option<RevisionRef>, reported: &[RevisionRef], doubt: Option<&Doubt>) -> bool {
    match (doubt, wanted) {
        (Some(doubt), _) => !doubt.done || doubt.content != wanted,
        (None, Some(wanted)) => reported.is_empty() || reported.iter().any(|it| *it != wanted),
        (None, None) => !reported.is_empty(),
    }
}
