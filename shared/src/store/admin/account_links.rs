//! What the operator does with account links.

use crate::domain::account_links::{AccountLink, LinkProof, LinkSide};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::account_links::{LinkItem, writing_link};
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::text;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, ACCOUNT_LINK_SHARDS};

/// How often a confirmation is retried after a conflict with another change of the link.
const ROUNDS: u32 = 8;

/// Why a link is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfirmed {
    NotLinked,
    /// Nobody has proven it.
    Imported,
}

impl Store {
    /// All links of a workspace, by Roblox user; eventually consistent.
    pub async fn all_account_links(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<Vec<AccountLink>, ApiError> {
        let mut links = Vec::new();
        for shard in 0..ACCOUNT_LINK_SHARDS {
            let query = self
                .database
                .querying()
                .key_condition_expression("pk = :links")
                .expression_attribute_values(":links", text(schema::roblox_links(prefix, shard)));
            for item in self.database.query_all(query).await? {
                links.push(items::read::<LinkItem>(item)?.link());
            }
        }
        links.sort_by_key(|link| link.pair.roblox);
        Ok(links)
    }

    /// Marks a proven link as confirmed by an administrator, so that permissions may be based on it.
    pub async fn confirm_account_link(
        &self,
        prefix: WorkspacePrefix,
        account: LinkSide,
    ) -> Result<Result<AccountLink, Unconfirmed>, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let Some(item) = self.link_item(prefix, account).await? else {
                return Ok(Err(Unconfirmed::NotLinked));
            };
            let link = item.link();
            if link.proof == LinkProof::Import {
                return Ok(Err(Unconfirmed::Imported));
            }
            if link.confirmed.is_some() {
                return Ok(Ok(link));
            }
            let confirmed = item.confirmed_at(UnixMillis::now().seconds());
            let table = &self.database.tables().bans;
            let writes = writing_link(table, prefix, &confirmed, Some(&item))?;
            let written = self.database.transact(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(Ok(confirmed.link()));
            }
        }
    }
}
