//! Games with several places.

use super::Store;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{ExperienceId, PlaceId, UserId};
use crate::domain::places::{Join, Membership, Resolved};
use crate::domain::rules::{Identity, carry_over};

impl Store {
    pub(in super::super) fn resolved(&self, place: PlaceId, now: UnixSeconds) -> Resolved {
        let own = ExperienceId::of_root(place);
        let found = self.joins.get(&own).copied().unwrap_or_default();
        Resolved::of(place, found, UnixMillis::from_millis(now.0 * 1000))
    }

    pub(in super::super) fn acts_in(&self, place: PlaceId, now: UnixSeconds) -> ExperienceId {
        self.resolved(place, now).experience
    }

    pub(super) fn experiences(&self, place: PlaceId, now: UnixSeconds) -> Vec<ExperienceId> {
        let place = self.resolved(place, now);
        std::iter::once(place.experience)
            .chain(place.other)
            .collect()
    }

    /// Carries a user over; the standing of the place changes with that of the root.
    pub(in super::super) fn carry_over(
        &mut self,
        user: UserId,
        part: ExperienceId,
        identity: Identity,
        now: UnixSeconds,
    ) {
        let Some(Membership::Part(Join { root, .. })) = self.joins.get(&part).copied() else {
            return;
        };
        let (from, to) = (self.standing(user, part), self.standing(user, root));
        if let Some(carried) = carry_over(&from, &to, root, Some(identity), now) {
            self.finish(Ok(Some(carried.root)), user, root, now);
            self.finish(Ok(Some(carried.part)), user, part, now);
        }
    }
}
