//! Reads a user's standing, the input of every rule, in one round trip.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, Guid, Uid, UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, Standing};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items::{self, BanItem, ExperienceItem, GlobalItem};
use crate::store::dynamo::schema::{Key, StoredKind, attributes};

/// A standing with the versions that a write will require.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub user: UserId,
    /// The experience it is seen from.
    pub experience: ExperienceId,
    pub standing: Standing,
    pub(in crate::store) prefix: WorkspacePrefix,
    pub(in crate::store) here_item: Option<ExperienceItem>,
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
            standing,
            prefix,
            here_item,
            global_version,
            is_linked: true,
        }
    }

    /// The versions of the experience's item and of the Global ban.
    pub(in crate::store) fn versions(&self) -> (Option<u64>, Option<u64>) {
        let here = self.here_item.as_ref().map(|item| item.version);
        (here, self.global_version)
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
            .standing_and(prefix, user, experience, Vec::new())
            .await?
            .0)
    }

    /// The standing, and which of some other items exist, in the same round trip.
    pub(in crate::store) async fn standing_and(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        experience: ExperienceId,
        others: Vec<Key>,
    ) -> Result<(Snapshot, Vec<crate::store::dynamo::schema::Item>), DatabaseError> {
        let here_key = Key::experience(prefix, user, experience);
        let global_key = Key::global(prefix, user);
        let keys = [here_key.clone(), global_key.clone()]
            .into_iter()
            .chain(others);
        let (mut here, mut global, mut found) = (None, None, Vec::new());
        for item in self.database.batch_get(keys, true).await? {
            match Key::of(&item) {
                Some(key) if key == here_key => here = Some(items::read(item)?),
                Some(key) if key == global_key => global = Some(items::read(item)?),
                _ => found.push(item),
            }
        }
        Ok((Snapshot::new(prefix, user, experience, here, global), found))
    }

    /// The next number of the workspace, for a new ban. An unused one leaves a gap.
    pub async fn new_uid(&self, prefix: WorkspacePrefix) -> Result<Uid, ApiError> {
        let update = self
            .database
            .updating(Key::uid_counter(prefix))
            .update_expression("SET kind = :kind ADD #value :one")
            .expression_attribute_names("#value", attributes::VALUE)
            .expression_attribute_values(":kind", text(StoredKind::Counter))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedNew);
        let updated = self.database.update(update).await?;
        updated
            .get(attributes::VALUE)
            .and_then(|value| value.as_n().ok()?.parse().ok())
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
