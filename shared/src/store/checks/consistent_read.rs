//! A ban check that no pair of writes can slip through.
//!
//! A check reads two items in one call: the user's Global ban and the experience's item (and, while
//! a place joins another one, that of both). Each read is strongly consistent, but the two do not happen at the same instant. If a user's ban moves
//! between the scopes meanwhile (a Global ban is made, then the Experience ban is ended, or the
//! other way round), one item may be read before the first write and the other after the second.
//! Then neither shows a ban in force, although the user was banned all the time. (Nothing else can
//! go wrong: an older state of one item alone was current after the check began.)
//!
//! Such a reading always shows a ban that ended a moment ago. Only then the items are read again,
//! until two consecutive readings find the same versions: then both items were in that state at one
//! moment in between. `TransactGetItems` would double the cost of every check, and it fails while a
//! write is in progress.

use std::future::Future;

use crate::domain::clock::{Reading, UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, PlaceId, UserId, WorkspacePrefix};
use crate::domain::places::Resolved;
use crate::domain::rules::{Ban, Expiry, Standing};
use crate::store::Store;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::schema::{Item, Key};

/// How many seconds ago a ban may have ended to make a reading doubtful: far more than a check
/// takes, and than clocks differ.
const LATELY: u64 = 60;

/// The most repeated readings.
pub(super) const READINGS: u32 = 4;

impl Store {
    /// The standing of a user for a ban check, consistent at one moment.
    pub async fn steady_standing(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        place: Resolved,
    ) -> Result<Standing, ApiError> {
        let first = self.standing_and(prefix, user, place, Vec::new()).await?;
        Ok(self.steadied(first.0, place).await?)
    }

    /// The same for a place. If its link is not cached, this reads it in the same round trip; a part
    /// then takes another one.
    pub async fn standing_in_place(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        place: PlaceId,
    ) -> Result<Standing, ApiError> {
        let first = self.first_look(prefix, user, place, None).await?;
        self.looked(first).await
    }

    pub(in crate::store) async fn first_look(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        place: PlaceId,
        also: Option<&Key>,
    ) -> Result<FirstLook, DatabaseError> {
        let known = self.known_place(prefix, place);
        let own = Resolved::itself(ExperienceId::of_root(place));
        let link = known.is_none().then(|| Key::link(prefix, place));
        let others = also.cloned().into_iter().chain(link).collect();
        let looked_up = Reading::now();
        let assumed = known.unwrap_or(own);
        let (snapshot, found) = self.standing_and(prefix, user, assumed, others).await?;
        Ok(FirstLook {
            place,
            known,
            snapshot,
            found,
            looked_up,
        })
    }

    /// Completes a check: caches the link that was read, and looks where the place acts.
    pub(in crate::store) async fn looked(
        &self,
        mut first: FirstLook,
    ) -> Result<Standing, ApiError> {
        let (prefix, user) = (first.snapshot.prefix(), first.snapshot.user);
        let link = first.take(&Key::link(prefix, first.place));
        let FirstLook {
            place,
            known,
            snapshot,
            looked_up,
            ..
        } = first;
        let resolved = match known {
            Some(known) => known,
            None => self.learn_place(prefix, place, link, looked_up)?,
        };
        let is_elsewhere = resolved.besides.is_some() || resolved.experience != snapshot.experience;
        if known.is_none() && is_elsewhere {
            return self.steady_standing(prefix, user, resolved).await;
        }
        Ok(self.steadied(snapshot, resolved).await?)
    }

    /// The same, given a first reading.
    pub(in crate::store) async fn steadied(
        &self,
        first: Snapshot,
        place: Resolved,
    ) -> Result<Standing, DatabaseError> {
        let (prefix, user, now) = (first.prefix(), first.user, UnixMillis::now().seconds());
        let read = || async {
            let again = self.standing_and(prefix, user, place, Vec::new());
            Ok(again.await?.0)
        };
        Ok(steady(first, now, read).await?.checked(now))
    }
}

/// The first reading of a check: in the place itself, unless its link is cached.
#[derive(Debug)]
pub(in crate::store) struct FirstLook {
    place: PlaceId,
    known: Option<Resolved>,
    snapshot: Snapshot,
    /// The other items that were read.
    found: Vec<Item>,
    looked_up: Reading,
}

impl FirstLook {
    /// The other item with this key.
    pub fn take(&mut self, key: &Key) -> Option<Item> {
        let mut found = self.found.iter();
        let at = found.position(|item| Key::of(item).as_ref() == Some(key))?;
        Some(self.found.swap_remove(at))
    }
}

/// The snapshot at one moment, given a first reading.
async fn steady<F, Fut>(
    first: Snapshot,
    now: UnixSeconds,
    mut read: F,
) -> Result<Snapshot, DatabaseError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Snapshot, DatabaseError>>,
{
    let mut last = first;
    for _ in 0..READINGS {
        if !may_be_torn(&last, now) {
            break;
        }
        let again = read().await?;
        let is_same = again.versions() == last.versions();
        last = again;
        if is_same {
            break;
        }
    }
    Ok(last)
}

/// Whether no ban is in force, but one was until a moment ago.
pub(super) fn may_be_torn(snapshot: &Snapshot, now: UnixSeconds) -> bool {
    let standing = &snapshot.standing;
    let besides = snapshot.besides_item.as_ref();
    let besides = besides.and_then(|item| item.here().ban);
    let bans = [&standing.here.ban, &standing.global, &besides];
    let mut bans = bans.into_iter().flatten();
    bans.clone().all(|ban| !ban.holds(now))
        && bans.any(|ban| ended(ban).is_some_and(|at| at.plus(LATELY) >= now))
}

/// When a ban ended, or will end.
fn ended(ban: &Ban) -> Option<UnixSeconds> {
    let expires = match ban.terms.expires {
        Expiry::At(at) => Some(at),
        Expiry::Never => None,
    };
    ban.ending.map(|ending| ending.at).or(expires)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::domain::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId, WorkspaceId};
    use crate::domain::rules::{Ending, EndingKind, Here, Scope, Standing, Terms};
    use crate::store::dynamo::items::{ExperienceItem, GlobalItem, StoredBan};

    const NOW: UnixSeconds = UnixSeconds(1_000_000);

    fn ban(scope: Scope, ended: Option<u64>) -> Ban {
        Ban {
            guid: Guid::from(1),
            uid: Uid(1),
            user: UserId::new(1).unwrap(),
            scope,
            made_in: ExperienceId::new(7).unwrap(),
            terms: Terms {
                moderator: ModeratorId::new(1).unwrap(),
                private_reason: "r".to_owned(),
                public_reason: "r".to_owned(),
                expires: Expiry::Never,
                universal: true,
            },
            revision: 1,
            decisions: 1,
            created: UnixSeconds(1),
            updated: UnixSeconds(1),
            ending: ended.map(|at| Ending {
                at: UnixSeconds(at),
                kind: EndingKind::Lifted,
            }),
        }
    }

    /// The experience's ban and the Global one, each with the version of its item.
    fn reading(here: Option<(Ban, u64)>, global: Option<(Ban, u64)>) -> Snapshot {
        let prefix = WorkspaceId::random().prefix();
        let experience = ExperienceId::new(7).unwrap();
        let here = here.map(|(ban, version)| {
            let standing = Standing {
                here: Here {
                    ban: Some(ban),
                    ..Here::default()
                },
                ..Standing::default()
            };
            ExperienceItem::new(prefix, experience, &standing, version, NOW)
        });
        let global = global.map(|(ban, version)| GlobalItem {
            version,
            ban: StoredBan::from(&ban),
            mark: None,
        });
        Snapshot::new(prefix, UserId::new(1).unwrap(), experience, here, global)
    }

    /// Whether the user counts as banned by these readings, and how many were made.
    async fn checked(readings: &[Snapshot]) -> (bool, usize) {
        let at = Cell::new(1);
        let read = || {
            let next = readings[at.get()].clone();
            at.set(at.get() + 1);
            async move { Ok(next) }
        };
        let found = steady(readings[0].clone(), NOW, read).await.unwrap();
        (found.standing.counting(NOW).is_some(), at.get())
    }

    #[tokio::test]
    async fn a_ban_that_moves_between_two_reads_is_seen() {
        let lifted = |version| Some((ban(Scope::Experience, Some(NOW.0)), version));
        let moved = reading(lifted(2), Some((ban(Scope::Global, None), 1)));
        let torn = reading(lifted(2), None);
        assert_eq!(checked(&[torn.clone(), moved]).await, (true, 2));
        // It moves back meanwhile: the Global ban is ended, and the other is read in its old state.
        let appealed = Some((ban(Scope::Global, Some(NOW.0)), 2));
        let torn_again = reading(lifted(2), appealed.clone());
        let back = reading(Some((ban(Scope::Experience, None), 3)), appealed);
        assert_eq!(checked(&[torn, torn_again, back]).await, (true, 3));
    }

    #[tokio::test]
    async fn a_ban_that_was_lifted_is_not_seen() {
        let lifted = reading(Some((ban(Scope::Experience, Some(NOW.0)), 2)), None);
        assert_eq!(checked(&[lifted.clone(), lifted]).await, (false, 2));
    }

    #[tokio::test]
    async fn all_other_checks_read_once() {
        let long_ago = NOW.0 - LATELY - 1;
        for (once, is_banned) in [
            (reading(None, None), false),
            (reading(Some((ban(Scope::Experience, None), 1)), None), true),
            (
                reading(Some((ban(Scope::Experience, Some(long_ago)), 2)), None),
                false,
            ),
        ] {
            assert_eq!(checked(&[once]).await, (is_banned, 1));
        }
    }
}
