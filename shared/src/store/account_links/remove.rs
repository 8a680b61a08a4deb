//! Unlinks two accounts. Nothing is left of the link and of the consent to it but the events, which are
//! erased with the user.

use super::consent::withdrawing;
use super::write::{LinkActor, LinkChange, deleting_link};
use crate::domain::account_links::LinkSide;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;

/// How often a call is retried after a conflict with another one about the same accounts.
const ROUNDS: u32 = 8;

impl Store {
    /// Removes the link of an account, and the consent to it. 404 if it has none.
    pub async fn remove_account_link(
        &self,
        prefix: WorkspacePrefix,
        account: LinkSide,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
    ) -> Result<(), ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let now = UnixMillis::now().seconds();
            if self.is_repeated_link_call(prefix, by, name, now).await? {
                return Ok(());
            }
            let item = self.link_item(prefix, account).await?;
            let item = item.ok_or(ApiError::NotFound("this account is not linked"))?;
            let table = &self.database.tables().bans;
            let mut writes = deleting_link(table, prefix, &item)?;
            writes.push(withdrawing(table, prefix, item.pair().discord)?);
            let event = self.link_event(prefix, &item, LinkChange::Removed, by);
            writes.push(event.await?);
            writes.extend(self.used_link_key(prefix, by, name, now)?);
            let written = self.database.transact_counted(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(());
            }
        }
    }
}
