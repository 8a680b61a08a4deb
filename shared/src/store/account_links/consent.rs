//! That a person on Discord has agreed to be linked, and when. It lasts until they withdraw it, their link is
//! removed or its Roblox user is erased, and names no Roblox user.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::item::LinkItem;
use crate::domain::account_links::{AccountLink, LinkSide};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::DiscordId;
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};

#[derive(Serialize, Deserialize)]
struct ConsentItem {
    at: UnixSeconds,
}

/// What is stored about a Discord user and links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiscordLinkState {
    pub link: Option<AccountLink>,
    /// When they agreed.
    pub agreed: Option<UnixSeconds>,
}

/// Deletes a consent, if there is one.
pub(super) fn withdrawing(
    table: &str,
    prefix: WorkspacePrefix,
    user: DiscordId,
) -> Result<TransactWriteItem, DatabaseError> {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(Key::link_consent(prefix, user).item()));
    Ok(TransactWriteItem::builder()
        .delete(delete.build().map_err(refused)?)
        .build())
}

impl Store {
    pub async fn discord_link_state(
        &self,
        prefix: WorkspacePrefix,
        user: DiscordId,
    ) -> Result<DiscordLinkState, ApiError> {
        let keys = [
            Key::account_link(prefix, LinkSide::Discord(user)),
            Key::link_consent(prefix, user),
        ];
        let mut state = DiscordLinkState::default();
        for item in self.database.batch_get(keys, true).await? {
            match StoredKind::of(&item) {
                Some(StoredKind::LinkConsent) => {
                    state.agreed = Some(items::read::<ConsentItem>(item)?.at);
                }
                _ => state.link = Some(items::read::<LinkItem>(item)?.link()),
            }
        }
        Ok(state)
    }

    /// Records that a user agrees. Returns when they first did.
    pub async fn agree_to_link(
        &self,
        prefix: WorkspacePrefix,
        user: DiscordId,
        now: UnixSeconds,
    ) -> Result<UnixSeconds, ApiError> {
        let key = Key::link_consent(prefix, user);
        let item = items::write(
            key.clone(),
            StoredKind::LinkConsent,
            ConsentItem { at: now },
        )?;
        if self.database.create(item).await? {
            return Ok(now);
        }
        let found = self.database.get(key).await?;
        let earlier = found.map(items::read::<ConsentItem>).transpose()?;
        Ok(earlier.map_or(now, |earlier| earlier.at))
    }

    /// Deletes the consent of a user who is not linked.
    pub async fn withdraw_link_consent(
        &self,
        prefix: WorkspacePrefix,
        user: DiscordId,
    ) -> Result<(), ApiError> {
        let table = &self.database.tables().bans;
        let delete = withdrawing(table, prefix, user)?;
        Ok(self.database.transact(vec![delete]).await?)
    }
}
