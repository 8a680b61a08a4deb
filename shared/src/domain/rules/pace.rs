//! Caps: the bans that a key or a moderator may make in any hour.

use std::num::NonZeroU32;

use crate::domain::clock::UnixSeconds;

/// How many seconds a ban counts.
const HOUR: u64 = 3600;

/// Bans are counted in steps of this many seconds, so that only thirteen numbers are stored. A step
/// counts until its last second is an hour old, so no hour has more bans than the cap allows.
const STEP: u64 = 300;

/// Recent bans, by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace(Vec<(u64, u32)>);

impl Pace {
    /// After this many seconds a count no longer matters.
    pub const MATTERS: u64 = HOUR + STEP;

    /// A stored pace: the number of each step since 1970, and the bans made in it.
    #[must_use]
    pub const fn from_steps(steps: Vec<(u64, u32)>) -> Self {
        Self(steps)
    }

    /// The steps to store.
    #[must_use]
    pub fn steps(&self) -> &[(u64, u32)] {
        &self.0
    }

    /// The pace after one more ban; if the cap is reached, the seconds until there is room for one.
    pub fn admit(&self, cap: NonZeroU32, now: UnixSeconds) -> Result<Self, u64> {
        let current = now.0 / STEP;
        let oldest = current.saturating_sub(HOUR / STEP);
        let mut recent: Vec<_> = self
            .0
            .iter()
            .copied()
            .filter(|(step, _)| *step >= oldest)
            .collect();
        recent.sort_unstable();
        let mut made: u32 = recent
            .iter()
            .fold(0, |sum, (_, bans)| sum.saturating_add(*bans));
        if made < cap.get() {
            match recent.iter_mut().find(|(step, _)| *step == current) {
                Some((_, bans)) => *bans = bans.saturating_add(1),
                None => recent.push((current, 1)),
            }
            return Ok(Self(recent));
        }
        let mut last = current;
        for (step, bans) in recent {
            made = made.saturating_sub(bans);
            last = step;
            if made < cap.get() {
                break;
            }
        }
        let room = (last + HOUR / STEP + 1).saturating_mul(STEP);
        Err(room.saturating_sub(now.0).max(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cap(bans: u32) -> NonZeroU32 {
        NonZeroU32::new(bans).unwrap()
    }

    #[test]
    fn bans_up_to_the_cap_pass_and_one_more_does_not() {
        let now = UnixSeconds(1_800_000_000);
        let mut pace = Pace::default();
        for _ in 0..3 {
            pace = pace.admit(cap(3), now).unwrap();
        }
        let wait = pace.admit(cap(3), now).unwrap_err();
        assert!((HOUR..=Pace::MATTERS).contains(&wait), "{wait}");
        assert!(pace.admit(cap(3), now.plus(wait - 1)).is_err());
        assert!(pace.admit(cap(3), now.plus(wait)).is_ok());
        assert!(pace.admit(cap(4), now).is_ok());
    }

    proptest! {
        #[test]
        fn no_hour_has_more_bans_than_the_cap(
            most in 1..6_u32,
            pauses in prop::collection::vec(0..1500_u64, 1..80),
        ) {
            let (mut now, mut pace) = (UnixSeconds(1_800_000_000), Pace::default());
            let mut made: Vec<UnixSeconds> = Vec::new();
            for pause in pauses {
                now = now.plus(pause);
                let lately = made.iter().filter(|at| at.plus(HOUR) > now).count();
                match pace.admit(cap(most), now) {
                    Ok(after) => {
                        prop_assert!(lately < most as usize);
                        pace = after;
                        made.push(now);
                    }
                    Err(wait) => {
                        // It counts at most one step too long, and returns when there is room.
                        let counted = made.iter().filter(|at| at.plus(Pace::MATTERS) > now);
                        prop_assert!(counted.count() >= most as usize);
                        prop_assert!(pace.admit(cap(most), now.plus(wait)).is_ok());
                        prop_assert!(pace.admit(cap(most), now.plus(wait - 1)).is_err());
                    }
                }
                prop_assert!(pace.steps().len() <= 13);
            }
        }
    }
}
