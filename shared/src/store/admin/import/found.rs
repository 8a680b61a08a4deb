//! What is read before some bans are judged: their users' standings, which bans exist already, and
//! who else has their guids.

use std::collections::{HashMap, HashSet};

use futures::future::try_join_all;
use serde::Deserialize;

use super::{Candidate, Import, ImportFailure, Incoming, Origin};
use crate::domain::ids::{ExperienceId, Guid, UserId};
use crate::domain::rules::Ban;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items::{self, BanItem, ExperienceItem, GlobalItem};
use crate::store::dynamo::schema::{Item, Key};

pub(super) struct Found {
    items: HashMap<(String, String), Item>,
    /// The other users whose bans have guids of imported ones.
    pub taken: HashMap<Guid, UserId>,
    /// Whether guids were looked up.
    pub has_checked_guids: bool,
}

/// What exists already of an imported ban.
#[derive(Clone, Debug)]
pub(super) enum Own {
    Record(Box<Ban>),
    /// The note of one without a guid, with the run that made it.
    Note(String),
}

#[derive(Deserialize)]
struct StoredNote {
    #[serde(default)]
    digest: String,
}

impl Import {
    pub(super) async fn read(&self, candidates: &[Candidate]) -> Result<Found, ImportFailure> {
        let mut keys = HashSet::new();
        for candidate in candidates {
            let Incoming { user, made_in, .. } = candidate.incoming;
            keys.extend(
                self.experiences(&candidate.incoming)
                    .chain([made_in])
                    .map(|experience| Key::experience(self.prefix, user, experience))
                    .chain([Key::global(self.prefix, user), self.own_key(candidate)])
                    .map(|key| (key.pk, key.sk)),
            );
        }
        let keys = keys.into_iter().map(|(pk, sk)| Key { pk, sk });
        let items = self.store.database.batch_get(keys, true).await?;
        let named = items
            .into_iter()
            .filter_map(|item| Some((Key::of(&item)?, item)));
        let mut found = Found {
            items: named.map(|(key, item)| ((key.pk, key.sk), item)).collect(),
            taken: HashMap::new(),
            has_checked_guids: self.checks_guids(),
        };
        if found.has_checked_guids {
            found.taken = self.taken(candidates, &found).await?;
        }
        Ok(found)
    }

    /// The other users whose bans have the guid of a new one. Guids are looked up in an eventually
    /// consistent index; the claims of guids cover its delay.
    async fn taken(
        &self,
        candidates: &[Candidate],
        found: &Found,
    ) -> Result<HashMap<Guid, UserId>, ImportFailure> {
        let new = candidates
            .iter()
            .filter(|candidate| found.get(&self.own_key(candidate)).is_none());
        let guids = new.filter_map(|candidate| match candidate.incoming.origin {
            Origin::Known { guid, .. } => Some(guid),
            Origin::New => None,
        });
        let looked_up = guids.map(|guid| self.store.ban_of_guid(self.prefix, guid));
        let there = try_join_all(looked_up).await.map_err(ImportFailure::from)?;
        let bans = there.into_iter().flatten().map(|recorded| recorded.ban);
        Ok(bans.map(|ban| (ban.guid, ban.user)).collect())
    }

    /// What exists of a ban, or would exist.
    pub(super) fn own(
        &self,
        candidate: &Candidate,
        found: &Found,
    ) -> Result<Option<Own>, DatabaseError> {
        let key = self.own_key(candidate);
        if let Some(own) = self.rehearsed(|rehearsal| rehearsal.own(&key)) {
            return Ok(Some(own));
        }
        let Some(item) = found.get(&key).cloned() else {
            return Ok(None);
        };
        Ok(Some(match candidate.incoming.origin {
            Origin::Known { .. } => Own::Record(Box::new(items::read::<BanItem>(item)?.ban.into())),
            Origin::New => Own::Note(items::read::<StoredNote>(item)?.digest),
        }))
    }

    /// The key that shows whether the ban exists: its record, or its note.
    pub(super) fn own_key(&self, candidate: &Candidate) -> Key {
        match candidate.incoming.origin {
            Origin::Known { guid, .. } => Key::ban(self.prefix, candidate.user(), guid),
            Origin::New => candidate.incoming.note(self.prefix),
        }
    }
}

impl Found {
    pub fn get(&self, key: &Key) -> Option<&Item> {
        self.items.get(&(key.pk.clone(), key.sk.clone()))
    }

    pub fn snapshot(
        &self,
        import: &Import,
        incoming: &Incoming,
        experience: ExperienceId,
    ) -> Result<Snapshot, DatabaseError> {
        let (prefix, user) = (import.prefix, incoming.user);
        let here = self
            .get(&Key::experience(prefix, user, experience))
            .cloned();
        let global = self.get(&Key::global(prefix, user)).cloned();
        Ok(Snapshot::new(
            prefix,
            user,
            experience,
            here.map(items::read::<ExperienceItem>).transpose()?,
            global.map(items::read::<GlobalItem>).transpose()?,
        ))
    }
}
