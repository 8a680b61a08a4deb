//! The writes of a link: both of its items, and the event.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};

use super::item::LinkItem;
use crate::domain::account_links::{LinkPair, LinkSide};
use crate::domain::activity::{Activity, ActivityDetails, ActivityId, LinkSummary};
use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::decisions::requests;
use crate::store::dynamo::database::{DatabaseError, number, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};
use crate::store::dynamo::versions::{self, IS_VERSION};

/// Who changes links.
#[derive(Clone, Debug)]
pub struct LinkActor {
    /// The public id of the key or member, or a name such as `operator`.
    pub id: String,
    pub channel: Channel,
    /// Who ran the CLI: an AWS principal or a local user.
    pub principal: Option<String>,
}

/// Which event a change of a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkChange {
    Added,
    Removed,
}

/// The keys of a link's two items.
fn keys(prefix: WorkspacePrefix, pair: LinkPair) -> [Key; 2] {
    [
        LinkSide::Roblox(pair.roblox),
        LinkSide::Discord(pair.discord),
    ]
    .map(|side| Key::account_link(prefix, side))
}

/// Writes both items of a link, where there are none or over the version that was read.
pub(in crate::store) fn writing_link(
    table: &str,
    prefix: WorkspacePrefix,
    item: &LinkItem,
    replaced: Option<&LinkItem>,
) -> Result<Vec<TransactWriteItem>, DatabaseError> {
    let version = replaced.map(|replaced| replaced.version);
    let write = |key| {
        let stored = items::write(key, StoredKind::AccountLink, item)?;
        versions::put_if_version(table, Put::builder().set_item(Some(stored)), version)
    };
    keys(prefix, item.pair()).into_iter().map(write).collect()
}

/// Deletes both items of a link as they were read.
pub(super) fn deleting_link(
    table: &str,
    prefix: WorkspacePrefix,
    item: &LinkItem,
) -> Result<Vec<TransactWriteItem>, DatabaseError> {
    let delete = |key| deleting_version(table, key, item.version);
    keys(prefix, item.pair()).into_iter().map(delete).collect()
}

/// Deletes an item of the version that was read.
pub(super) fn deleting_version(
    table: &str,
    key: Key,
    version: u64,
) -> Result<TransactWriteItem, DatabaseError> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key.item()))
        .condition_expression(IS_VERSION)
        .expression_attribute_values(":version", number(version));
    Ok(TransactWriteItem::builder()
        .delete(delete.build().map_err(refused)?)
        .build())
}

impl Store {
    pub(super) async fn link_event(
        &self,
        prefix: WorkspacePrefix,
        item: &LinkItem,
        change: LinkChange,
        by: &LinkActor,
    ) -> Result<TransactWriteItem, ApiError> {
        let link = item.link();
        let summary = LinkSummary {
            discord_id: link.pair.discord,
            method: link.proof,
        };
        let activity = Activity {
            id: ActivityId::random(),
            moment: UnixMillis::now(),
            user: Some(link.pair.roblox),
            key_id: by.id.clone(),
            channel: Some(by.channel),
            moderator: None,
            principal: by.principal.clone(),
            reason: None,
            details: match change {
                LinkChange::Added => ActivityDetails::LinkAdded(summary),
                LinkChange::Removed => ActivityDetails::LinkRemoved(summary),
            },
        };
        self.activity_write(prefix, &activity).await
    }

    /// Uses an idempotency key in the transaction of its call.
    pub(super) fn used_link_key(
        &self,
        prefix: WorkspacePrefix,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
        now: UnixSeconds,
    ) -> Result<Option<TransactWriteItem>, DatabaseError> {
        let Some(name) = name else { return Ok(None) };
        let key = requests::key(prefix, &by.id, name);
        let item = requests::item(key, name, None, now)?;
        let table = &self.database.tables().bans;
        versions::put_new(table, item).map(Some)
    }

    /// Whether an earlier call under this idempotency key has succeeded.
    pub(super) async fn is_repeated_link_call(
        &self,
        prefix: WorkspacePrefix,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
        now: UnixSeconds,
    ) -> Result<bool, ApiError> {
        match name {
            Some(name) => self.is_repeat(prefix, &by.id, name, now).await,
            None => Ok(false),
        }
    }
}
