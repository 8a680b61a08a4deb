//! Reads links.

use std::collections::HashMap;

use super::item::LinkItem;
use crate::domain::account_links::{AccountLink, LinkPair, LinkSide};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::members::Member;
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::Key;

impl Store {
    /// The link of an account.
    pub async fn account_link(
        &self,
        prefix: WorkspacePrefix,
        account: LinkSide,
    ) -> Result<Option<AccountLink>, ApiError> {
        let found = self.link_item(prefix, account).await?;
        Ok(found.as_ref().map(LinkItem::link))
    }

    /// The links of up to 100 accounts, in their order, in one call to the database.
    pub async fn account_links(
        &self,
        prefix: WorkspacePrefix,
        accounts: &[LinkSide],
    ) -> Result<Vec<Option<AccountLink>>, ApiError> {
        let keys = accounts.iter().map(|side| Key::account_link(prefix, *side));
        let mut found = HashMap::new();
        for item in self.database.batch_get(keys, true).await? {
            if let Some(key) = Key::of(&item) {
                found.insert(key, items::read::<LinkItem>(item)?.link());
            }
        }
        let of = |side: &LinkSide| found.get(&Key::account_link(prefix, *side)).copied();
        Ok(accounts.iter().map(of).collect())
    }

    /// The Roblox user who is linked to the Discord account of a member without a Roblox user.
    pub async fn linked_user_of(
        &self,
        prefix: WorkspacePrefix,
        member: &Member,
    ) -> Result<Option<UserId>, ApiError> {
        let (None, Some(discord)) = (member.roblox, member.discord) else {
            return Ok(None);
        };
        let link = self
            .account_link(prefix, LinkSide::Discord(discord))
            .await?;
        Ok(link.map(|link| link.pair.roblox))
    }

    pub(in crate::store) async fn link_item(
        &self,
        prefix: WorkspacePrefix,
        account: LinkSide,
    ) -> Result<Option<LinkItem>, DatabaseError> {
        let found = self
            .database
            .get(Key::account_link(prefix, account))
            .await?;
        found.map(items::read).transpose()
    }

    /// The links of both accounts of a pair: of the Roblox user, and of the Discord user.
    pub(super) async fn links_of_pair(
        &self,
        prefix: WorkspacePrefix,
        pair: LinkPair,
    ) -> Result<[Option<LinkItem>; 2], DatabaseError> {
        let keys = [
            LinkSide::Roblox(pair.roblox),
            LinkSide::Discord(pair.discord),
        ]
        .map(|side| Key::account_link(prefix, side));
        let mut found = HashMap::new();
        for item in self.database.batch_get(keys.clone(), true).await? {
            if let Some(key) = Key::of(&item) {
                found.insert(key, items::read::<LinkItem>(item)?);
            }
        }
        Ok(keys.map(|key| found.remove(&key)))
    }
}
