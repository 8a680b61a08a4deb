//! Reads a user's standing, the input of every rule, in one round trip.

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, Guid, Uid, UserId, WorkspacePrefix};
use crate::domain::places::Resolved;
use crate::domain::rules::{Ban, RevisionRef, Scope, Standing};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, number, text};
use crate::store::dynamo::items::{self, BanItem, ExperienceItem, GlobalItem};
use crate::store::dynamo::schema::{Item, Key, StoredKind, attributes};

/// A standing with the versions that a write will require.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub user: UserId,
    /// The experience it is seen from.
    pub experience: ExperienceId,
    /// The place of the call.
    pub(in crate::store) place: Resolved,
    pub standing: Standing,
    pub(in crate::store) prefix: WorkspacePrefix,
    pub(in crate::store) here_item: Option<ExperienceItem>,
    /// The item of the other experience that a check reads.
    pub(in crate::store) besides_item: Option<ExperienceItem>,
    pub(in crate::store) global_version: Option<u64>,
    /// Whether something can become pending for the experience.
    pub(in crate::store) is_linked: bool,
}

impl Snapshot {
    pub(in crate::store) fn new(
        prefix: WorkspacePrefix,
        user: UserId,
        experience: ExperienceId,
        here_item: Option<ExperienceItem>,
        global: Option<GlobalItem>,
    ) -> Self {
        let global_version = global.as_ref().map(|item| item.version);
        let (global, global_mark) = global.map(|item| (Ban::from(item.ban), item.mark)).unzip();
        let standing = Standing {
            here: here_item
                .as_ref()
                .map(ExperienceItem::here)
                .unwrap_or_default(),
            global,
            global_mark: global_mark.flatten(),
        };
        Self {
            user,
            experience,
            place: Resolved::itself(experience),
            standing,
            prefix,
            here_item,
            besides_item: None,
            global_version,
            is_linked: true,
        }
    }

    /// The versions of what was read.
    pub(in crate::store) fn versions(&self) -> [Option<u64>; 3] {
        let version = |item: &Option<ExperienceItem>| item.as_ref().map(|item| item.version);
        let (here, besides) = (version(&self.here_item), version(&self.besides_item));
        [here, besides, self.global_version]
    }

    /// The standing that a check shows.
    pub(in crate::store) fn checked(self, now: UnixSeconds) -> Standing {
        match self.besides_item {
            Some(item) => self.standing.with_other(item.here(), now),
            None => self.standing,
        }
    }

    /// The experiences whose revisions a call may report.
    pub(in crate::store) fn experiences(&self) -> Vec<ExperienceId> {
        let other = self.place.other;
        std::iter::once(self.experience).chain(other).collect()
    }

    /// Whether a revision is of the root that the place is about to join or has just left. Its report
    /// is not recorded: the ban is not in force in the place, and still becomes pending for the root.
    #[must_use]
    pub fn is_of_root_beside(&self, scope: Scope, revision: RevisionRef) -> bool {
        let root = self.place.root_beside();
        scope == Scope::Experience && root == Some(revision.made_in)
    }

    #[must_use]
    pub const fn prefix(&self) -> WorkspacePrefix {
        self.prefix
    }
}

impl Store {
    /// A user's standing in one experience: two items, strongly consistent, one round trip.
    pub async fn standing(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        experience: ExperienceId,
    ) -> Result<Snapshot, ApiError> {
        Ok(self
            .standing_and(prefix, user, Resolved::itself(experience), Vec::new())
            .await?
            .0)
    }

    /// The standing where a call that names this place acts or looks, and which of some other items
    /// exist, in the same round trip.
    pub(in crate::store) async fn standing_and(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        place: Resolved,
        others: Vec<Key>,
    ) -> Result<(Snapshot, Vec<Item>), DatabaseError> {
        let key_of = |experience| Key::experience(prefix, user, experience);
        let (here_key, besides_key) = (key_of(place.experience), place.besides.map(key_of));
        let global_key = Key::global(prefix, user);
        let keys = [here_key.clone(), global_key.clone()].into_iter();
        let keys = keys.chain(besides_key.clone()).chain(others);
        let (mut here, mut besides, mut global, mut found) = (None, None, None, Vec::new());
        for item in self.database.batch_get(keys, true).await? {
            match Key::of(&item) {
                Some(key) if key == here_key => here = Some(items::read(item)?),
                Some(key) if key == global_key => global = Some(items::read(item)?),
                Some(key) if Some(&key) == besides_key.as_ref() => {
                    besides = Some(items::read(item)?);
                }
                _ => found.push(item),
            }
        }
        let snapshot = Snapshot::new(prefix, user, place.experience, here, global);
        let snapshot = Snapshot {
            besides_item: besides,
            place,
            ..snapshot
        };
        Ok((snapshot, found))
    }

    /// A ban that reaches the experience and is no longer the latest of its scope.
    pub async fn replaced_ban(
        &self,
        snapshot: &Snapshot,
        guid: Guid,
    ) -> Result<Option<Ban>, ApiError> {
        if snapshot.standing.is_blank() && snapshot.place.other.is_none() {
            return Ok(None);
        }
        let key = Key::ban(snapshot.prefix, snapshot.user, guid);
        let Some(item) = self.database.get(key).await? else {
            return Ok(None);
        };
        let ban = Ban::from(items::read::<BanItem>(item)?.ban);
        let reaches = ban.scope == Scope::Global || snapshot.experiences().contains(&ban.made_in);
        Ok(reaches.then_some(ban))
    }

    /// The user's latest ban in the other experience whose bans the call may report.
    pub async fn ban_of_other(&self, snapshot: &Snapshot) -> Result<Option<Ban>, ApiError> {
        let Some(other) = snapshot.place.other else {
            return Ok(None);
        };
        let key = Key::experience(snapshot.prefix, snapshot.user, other);
        let found = self.database.get(key).await?;
        let item = found.map(items::read::<ExperienceItem>).transpose()?;
        Ok(item.and_then(|item| item.here().ban))
    }

    /// The first of the workspace's next `count` numbers, for new bans. An unused one leaves a gap.
    pub async fn new_uids(&self, prefix: WorkspacePrefix, count: u64) -> Result<Uid, ApiError> {
        let update = self
            .database
            .updating(Key::uid_counter(prefix))
            .update_expression("SET kind = :kind ADD #value :count")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::Counter))
            .expression_attribute_values(":count", number(count))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew);
        let updated = self.database.update(update).await?;
        updated
            .get(attributes::VALUE)
            .and_then(|value| value.as_n().ok()?.parse::<u64>().ok())
            .and_then(|last| last.checked_sub(count)?.checked_add(1))
            .map(Uid)
            .ok_or_else(|| ApiError::Internal("the counter update returned no value".to_owned()))
    }

    /// The records of some bans, in this order; eventually consistent.
    pub(in crate::store) async fn records(
        &self,
        prefix: WorkspacePrefix,
        bans: &[(UserId, Guid)],
    ) -> Result<Vec<Ban>, DatabaseError> {
        let keys = bans
            .iter()
            .map(|(user, guid)| Key::ban(prefix, *user, *guid));
        let found = self.database.batch_get(keys, false).await?;
        let mut records: Vec<Ban> = found
            .into_iter()
            .map(|item| items::read::<BanItem>(item).map(|record| Ban::from(record.ban)))
            .collect::<Result<_, _>>()?;
        records.sort_by_cached_key(|ban| bans.iter().position(|(_, guid)| *guid == ban.guid));
        Ok(records)
    }
}
