//! Resolves the place that a call names to the experience in which the call acts.
//!
//! A link shows whether its place is part of another. It is read strongly consistent and cached for
//! at most [`link_ttl`]; the phases of a join rely on that. Checks also cache that a place is not
//! linked, because public keys name places of other communities.

use serde::Deserialize;

use crate::domain::clock::{Reading, UnixMillis};
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, PlaceId, WorkspacePrefix};
use crate::domain::places::{Join, Membership, Resolved, link_ttl};
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Item, Key};

/// The part of a link that says whether its place is part of another.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(in crate::store) struct JoinAttributes {
    #[serde(default)]
    root: Option<ExperienceId>,
    /// Unix milliseconds.
    #[serde(default)]
    announced: u64,
    #[serde(default)]
    joined: bool,
    #[serde(default)]
    former_root: Option<ExperienceId>,
    /// Unix milliseconds.
    #[serde(default)]
    left: u64,
}

impl JoinAttributes {
    pub fn membership(self) -> Membership {
        match (self.root, self.former_root) {
            (Some(root), _) => Membership::Part(Join {
                root,
                announced: UnixMillis::from_millis(self.announced),
                is_complete: self.joined,
            }),
            (None, Some(root)) => Membership::Left(root, UnixMillis::from_millis(self.left)),
            (None, None) => Membership::Alone,
        }
    }

    pub fn join(self) -> Option<Join> {
        self.membership().join()
    }
}

impl Store {
    /// Where a check that names this place looks. It never refuses a place.
    pub async fn resolve(
        &self,
        prefix: WorkspacePrefix,
        place: PlaceId,
    ) -> Result<Resolved, ApiError> {
        if let Some(known) = self.known_place(prefix, place) {
            return Ok(known);
        }
        Ok(self.resolve_link(prefix, place).await?.0)
    }

    /// The same, from the cache alone.
    pub(in crate::store) fn known_place(
        &self,
        prefix: WorkspacePrefix,
        place: PlaceId,
    ) -> Option<Resolved> {
        let (links, name) = (&self.caches, (prefix, place));
        let linked = links.links.get(&name, |_| link_ttl());
        let found = linked.or_else(|| {
            let unlinked = links.unlinked.get(&name, |()| link_ttl());
            unlinked.map(|()| Membership::Alone)
        })?;
        Some(Resolved::of(place, found, UnixMillis::now()))
    }

    /// Where a call that names this place acts, and whether the place is linked. That a place is not
    /// linked is read again each time.
    pub(in crate::store) async fn resolve_link(
        &self,
        prefix: WorkspacePrefix,
        place: PlaceId,
    ) -> Result<(Resolved, bool), DatabaseError> {
        let known = self.caches.links.get(&(prefix, place), |_| link_ttl());
        if let Some(membership) = known {
            return Ok((Resolved::of(place, membership, UnixMillis::now()), true));
        }
        let looked_up = Reading::now();
        let found = self.database.get(Key::link(prefix, place)).await?;
        let is_linked = found.is_some();
        let resolved = self.learn_place(prefix, place, found, looked_up)?;
        Ok((resolved, is_linked))
    }

    /// Caches a link that was looked up, or its absence.
    pub(in crate::store) fn learn_place(
        &self,
        prefix: WorkspacePrefix,
        place: PlaceId,
        found: Option<Item>,
        looked_up: Reading,
    ) -> Result<Resolved, DatabaseError> {
        let name = (prefix, place);
        let membership = if let Some(item) = found {
            let membership = items::read::<JoinAttributes>(item)?.membership();
            self.caches.links.put(name, membership, looked_up);
            membership
        } else {
            self.caches.unlinked.put(name, (), looked_up);
            Membership::Alone
        };
        Ok(Resolved::of(place, membership, UnixMillis::now()))
    }

    /// Caches a link that this function has just written: no join can have been announced before. A
    /// link that existed must not be cached without reading it, or the phases of a join fail.
    pub(in crate::store) fn remember_link(&self, prefix: WorkspacePrefix, place: ExperienceId) {
        let name = (prefix, place.into());
        let alone = Membership::Alone;
        self.caches.links.put(name, alone, Reading::now());
    }
}
