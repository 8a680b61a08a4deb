//! Games with several places: a *part* acts as its *root*.
//!
//! A join takes effect in phases, by the time since it was announced, because a warm function may
//! not know it for as long as it caches a link. In each phase, every check reads all that any
//! function may write.

use std::time::Duration;

use crate::domain::clock::UnixMillis;
use crate::domain::ids::{ExperienceId, PlaceId};
use crate::domain::rules::LATE_WINDOW;

/// How long a warm function uses a link without reading it again.
pub const LINK_TTL: Duration = Duration::from_mins(1);

/// For how many milliseconds decisions still act in the part: [`LINK_TTL`], and [`MARGIN_MS`]. Before
/// that, some function may check the part alone.
pub const ANNOUNCED_MS: u64 = 60_000 + MARGIN_MS;

/// How many milliseconds clocks that differ and calls in progress may take.
const MARGIN_MS: u64 = 15_000;

/// For how many milliseconds at least decisions act in the root before the part's bans are carried
/// over, so that no function decides in the part any more.
pub const SETTLING_MS: u64 = 120_000;

/// [`LINK_TTL`], unless a test shortens it.
#[must_use]
pub fn link_ttl() -> Duration {
    crate::testing::link_ttl().unwrap_or(LINK_TTL)
}

/// [`ANNOUNCED_MS`], unless a test shortens [`link_ttl`].
fn announced_ms() -> u64 {
    let shortened = crate::testing::link_ttl().and_then(|ttl| u64::try_from(ttl.as_millis()).ok());
    shortened.map_or(ANNOUNCED_MS, |ttl| ttl.saturating_add(MARGIN_MS))
}

/// [`SETTLING_MS`]; if a test shortens [`link_ttl`], as long as the phase before.
fn settling_ms() -> u64 {
    crate::testing::link_ttl().map_or(SETTLING_MS, |_| announced_ms())
}

/// For how many milliseconds a place that has left may report the root's bans: as long as any late
/// report is recognised.
const LATE_MS: u64 = LATE_WINDOW * 1000;

/// A place's membership in another one, as its link holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    pub root: ExperienceId,
    /// When the join was announced. It also names the join.
    pub announced: UnixMillis,
    /// Whether all bans of the part have been carried over.
    pub is_complete: bool,
}

/// What a link says about its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// It was never part of another place, as far as is known.
    #[default]
    Alone,
    Part(Join),
    /// It was part of a root, until then.
    Left(ExperienceId, UnixMillis),
}

impl Membership {
    /// The join, if the place is part of another.
    #[must_use]
    pub const fn join(self) -> Option<Join> {
        match self {
            Self::Part(join) => Some(join),
            Self::Alone | Self::Left(..) => None,
        }
    }
}

/// How far a join has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Calls act in the part; checks read the root too.
    Announced,
    /// Calls act in the root; checks read the part too, whose bans are being carried over.
    Settling,
    /// Calls and checks use the root alone.
    Joined,
}

impl Join {
    #[must_use]
    pub fn phase(&self, now: UnixMillis) -> Phase {
        if self.is_complete {
            Phase::Joined
        } else if now.millis() < self.announced.plus(announced_ms()).millis() {
            Phase::Announced
        } else {
            Phase::Settling
        }
    }

    /// From when on the part's bans can be carried over.
    #[must_use]
    pub fn carries_from(&self) -> UnixMillis {
        self.announced.plus(announced_ms()).plus(settling_ms())
    }

    /// The name under which the decisions of this join are in the history, for an undo.
    #[must_use]
    pub fn name(&self, part: ExperienceId) -> String {
        format!("join-{part}-{}", self.announced.millis())
    }

    /// The part of a join with this name.
    #[must_use]
    pub fn part_of(name: &str) -> Option<ExperienceId> {
        let (part, _) = name.strip_prefix("join-")?.split_once('-')?;
        ExperienceId::in_key(part)
    }
}

/// Where a call that names a place acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Where it decides, reports and polls.
    pub experience: ExperienceId,
    /// The other experience that a check also reads, while a join is not complete.
    pub besides: Option<ExperienceId>,
    /// The other experience whose bans a call may report: the root that a place is about to join or
    /// has just left, or the part that a call in the root names.
    pub(crate) other: Option<ExperienceId>,
    /// The join, if the place is a part and the call acts in its root.
    pub(crate) join: Option<(ExperienceId, Join)>,
}

impl Resolved {
    /// A place that is not part of another.
    #[must_use]
    pub const fn itself(experience: ExperienceId) -> Self {
        Self {
            experience,
            besides: None,
            other: None,
            join: None,
        }
    }

    #[must_use]
    pub fn of(place: PlaceId, membership: Membership, now: UnixMillis) -> Self {
        let own = ExperienceId::of_root(place);
        let join = match membership {
            Membership::Part(join) => join,
            Membership::Alone => return Self::itself(own),
            Membership::Left(root, at) => {
                let is_recent = now.millis() <= at.plus(LATE_MS).millis();
                return Self {
                    other: is_recent.then_some(root),
                    ..Self::itself(own)
                };
            }
        };
        match join.phase(now) {
            Phase::Announced => Self {
                experience: own,
                besides: Some(join.root),
                other: Some(join.root),
                join: None,
            },
            Phase::Settling => Self {
                experience: join.root,
                besides: Some(own),
                other: Some(own),
                join: Some((own, join)),
            },
            Phase::Joined => Self {
                experience: join.root,
                besides: None,
                other: Some(own),
                join: Some((own, join)),
            },
        }
    }

    /// The root of a place that acts alone, and is about to join it or has just left it.
    #[must_use]
    pub fn root_beside(&self) -> Option<ExperienceId> {
        self.other.filter(|_| self.join.is_none())
    }

    /// The part and its join, while the part's bans are being carried over.
    #[must_use]
    pub fn settling(&self) -> Option<(ExperienceId, Join)> {
        self.join.filter(|(_, join)| !join.is_complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: ExperienceId = ExperienceId::new(2).unwrap();
    const ROOT: ExperienceId = ExperienceId::new(1).unwrap();

    /// Where it acts and looks besides, the other experience, and whether it settles.
    fn resolved(is_complete: bool, after: u64) -> (u64, Option<u64>, Option<u64>, bool) {
        let announced = UnixMillis::from_millis(1_000_000);
        let join = Join {
            root: ROOT,
            announced,
            is_complete,
        };
        let found = Resolved::of(PART.into(), Membership::Part(join), announced.plus(after));
        (
            found.experience.get(),
            found.besides.map(ExperienceId::get),
            found.other.map(ExperienceId::get),
            found.settling().is_some(),
        )
    }

    #[test]
    fn place_acts_in_its_root_75_s_after_the_announcement() {
        assert_eq!(resolved(false, 0), (2, Some(1), Some(1), false));
        assert_eq!(resolved(false, 74_999), (2, Some(1), Some(1), false));
        assert_eq!(resolved(false, 75_000), (1, Some(2), Some(2), true));
        assert_eq!(resolved(false, 999_000), (1, Some(2), Some(2), true));
        assert_eq!(resolved(true, 999_000), (1, None, Some(2), false));
    }

    #[test]
    fn place_without_a_join_acts_alone() {
        let at = UnixMillis::from_millis;
        let found = Resolved::of(PART.into(), Membership::Alone, at(0));
        assert_eq!(found, Resolved::itself(PART));
        let left = |now| Resolved::of(PART.into(), Membership::Left(ROOT, at(0)), at(now));
        assert_eq!(left(3_600_001), found);
        let lately = left(3_600_000);
        assert_eq!((lately.experience, lately.besides), (PART, None));
        assert_eq!(lately.root_beside(), Some(ROOT));
        assert_eq!((found.other, found.settling()), (None, None));
    }

    #[test]
    fn calls_act_in_the_part_longer_than_any_function_can_check_it_alone() {
        assert!(u128::from(ANNOUNCED_MS) >= LINK_TTL.as_millis() + 15_000);
    }

    #[test]
    fn name_of_a_join_names_its_part() {
        let join = Join {
            root: ROOT,
            announced: UnixMillis::from_millis(7),
            is_complete: false,
        };
        assert_eq!(join.name(PART), "join-2-7");
        assert_eq!(Join::part_of("join-2-7"), Some(PART));
        assert_eq!(Join::part_of("operator"), None);
    }
}
