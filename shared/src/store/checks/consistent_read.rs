//! A ban check that no pair of writes can slip through.
//!
//! A check reads two items in one call: the user's Global ban and the experience's item. Each read
//! is strongly consistent, but the two do not happen at the same instant. If a user's ban moves
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

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, Expiry};
use crate::store::Store;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::DatabaseError;

/// How many seconds ago a ban may have ended to make a reading doubtful: far more than a check
/// takes, and than clocks differ.
const LATELY: u64 = 60;

/// The most repeated readings.
const READINGS: u32 = 4;

impl Store {
    /// The standing of a user for a ban check, consistent at one moment.
    pub async fn steady_standing(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        experience: ExperienceId,
    ) -> Result<Snapshot, ApiError> {
        let first = self
            .standing_and(prefix, user, experience, Vec::new())
            .await?;
        Ok(self.steadied(first.0, user, experience).await?)
    }

    /// The same, given a first reading.
    pub(in crate::store) async fn steadied(
        &self,
        first: Snapshot,
        user: UserId,
        experience: ExperienceId,
    ) -> Result<Snapshot, DatabaseError> {
        let prefix = first.prefix();
        let read = || async {
            let again = self.standing_and(prefix, user, experience, Vec::new());
            Ok(again.await?.0)
        };
        steady(first, UnixMillis::now().seconds(), read).await
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
fn may_be_torn(snapshot: &Snapshot, now: UnixSeconds) -> bool {
    let standing = &snapshot.standing;
    let mut bans = standing.here.ban.iter().chain(&standing.global);
    standing.counting(now).is_none()
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
