//! What to do with an item that the copy has and the live table lacks, by its kind.

use super::{Restored, Restoring};
use crate::domain::clock::UnixMillis;
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::store::access::places::JoinAttributes;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key, StoredKind, attributes};

/// What to do with a missing item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is put back unchanged.
    PutBack,
    /// The same, unless the piece of evidence it belongs to has been removed since.
    WithEvidence,
    /// It is linked again, with a back-fill from the beginning.
    Link,
    /// It is put back only if its user is still known, or is brought back: evidence, or an erasure
    /// request.
    IfUserIsKnown,
    /// It is moved forward with the other counters.
    Counter,
    /// It stays deleted: a lease, a recent observation, a cached name, a snapshot, or a link of accounts
    /// and the consent to it, which are removed permanently.
    StayGone,
    /// It is put back with its user.
    WithUser,
}

/// What to do with a missing item of a kind; `None` for those of the workspaces table.
const fn fate(kind: StoredKind) -> Option<Fate> {
    match kind {
        StoredKind::Activity
        | StoredKind::Application
        | StoredKind::Ban
        | StoredKind::Decision
        | StoredKind::Delivery
        | StoredKind::Erased
        | StoredKind::EvidenceBytes
        | StoredKind::Expiry
        | StoredKind::Notification
        | StoredKind::Receipt
        | StoredKind::RemovedEvidence
        | StoredKind::Request => Some(Fate::PutBack),
        StoredKind::Link => Some(Fate::Link),
        StoredKind::Evidence | StoredKind::QueuedErasure => Some(Fate::IfUserIsKnown),
        StoredKind::EvidenceEntry | StoredKind::EvidenceText => Some(Fate::WithEvidence),
        StoredKind::Counter | StoredKind::Log => Some(Fate::Counter),
        StoredKind::AccountLink
        | StoredKind::Checks
        | StoredKind::Lease
        | StoredKind::LinkCode
        | StoredKind::LinkCodeUse
        | StoredKind::LinkConsent
        | StoredKind::LoggedTick
        | StoredKind::Name
        | StoredKind::Pace
        | StoredKind::Sighting
        | StoredKind::Snapshot
        | StoredKind::Tick
        | StoredKind::WrongCodes => Some(Fate::StayGone),
        StoredKind::Experience | StoredKind::Global | StoredKind::Protected => Some(Fate::WithUser),
        StoredKind::DiscordRules
        | StoredKind::EndedMirror
        | StoredKind::Endpoint
        | StoredKind::ErasureIntake
        | StoredKind::Group
        | StoredKind::Guild
        | StoredKind::GuildWatch
        | StoredKind::Invitation
        | StoredKind::Member
        | StoredKind::MemberAccount
        | StoredKind::Presets
        | StoredKind::Rules
        | StoredKind::Session
        | StoredKind::Key
        | StoredKind::Mirror
        | StoredKind::Restore
        | StoredKind::RoleRules
        | StoredKind::RoleSync
        | StoredKind::Workspace => None,
    }
}

/// The kind of an item; empty if it has none.
pub(super) fn kind_of(item: &Item) -> &str {
    let kind = item.get(attributes::KIND).and_then(|kind| kind.as_s().ok());
    kind.map_or("", String::as_str)
}

/// The fate of an item of this kind. An unknown one must not be lost silently.
pub(super) fn fate_of(kind: &str) -> Result<Fate, DatabaseError> {
    let known = StoredKind::in_bans(kind).and_then(fate);
    known.ok_or_else(|| {
        let what = format!("the copy contains an item of unknown kind {kind:?}");
        DatabaseError::Refused(what)
    })
}

fn is_link_slots(item: &Item) -> bool {
    Key::of(item).is_some_and(|key| key.sk == "links")
}

/// Whether the item's `ttl` has passed.
pub(super) fn has_expired(item: &Item, now: UnixMillis) -> bool {
    let ttl = item.get(attributes::TTL).and_then(|ttl| ttl.as_n().ok());
    let ttl = ttl.and_then(|ttl| ttl.parse::<u64>().ok());
    ttl.is_some_and(|ttl| ttl <= now.seconds().0)
}

impl Restoring {
    /// Puts back an item that the live table lacks, according to its kind.
    pub(super) async fn put_back(
        &self,
        prefix: WorkspacePrefix,
        item: Item,
        done: &mut Restored,
    ) -> Result<(), DatabaseError> {
        #[derive(serde::Deserialize)]
        struct Queued {
            user: crate::domain::ids::UserId,
        }
        let now = UnixMillis::now();
        match fate_of(kind_of(&item))? {
            _ if has_expired(&item, now) => Ok(()),
            // The number of self-linked experiences: their links are put back as well.
            Fate::Counter if is_link_slots(&item) => self.create(item, done).await,
            Fate::Counter | Fate::StayGone | Fate::WithUser => Ok(()),
            Fate::PutBack => self.create(item, done).await,
            Fate::WithEvidence if self.live.has_removed(prefix, &item).await? => Ok(()),
            Fate::IfUserIsKnown | Fate::WithEvidence => {
                let Queued { user } = items::read(item.clone())?;
                let comes_back = self.brings_back(user) && self.copy.is_known(prefix, user).await?;
                if comes_back || self.live.is_known(prefix, user).await? {
                    self.create(item, done).await?;
                }
                Ok(())
            }
            Fate::Link => {
                let experience = Key::of(&item).and_then(|key| ExperienceId::in_key(&key.sk));
                if let Some(experience) = experience {
                    if !self.is_preview {
                        let join = items::read::<JoinAttributes>(item)?.join();
                        let now = now.seconds();
                        self.live.write_link(prefix, experience, now).await?;
                        self.live.put_back_join(prefix, experience, join).await?;
                    }
                    done.linked.insert(experience);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_bans_table_has_a_fate_and_no_other() {
        for kind in StoredKind::IN_BANS {
            assert!(fate_of(kind.name()).is_ok(), "{kind:?}");
        }
        for kind in StoredKind::IN_WORKSPACES {
            assert!(fate_of(kind.name()).is_err(), "{kind:?}");
        }
        assert!(fate_of("unknown").is_err());
    }
}
