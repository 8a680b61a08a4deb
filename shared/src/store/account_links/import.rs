//! Links two accounts without a proof, on the word of another registry.

use super::item::LinkItem;
use super::write::{LinkActor, LinkChange, writing_link};
use crate::domain::account_links::{
    AccountLink, LinkPair, LinkProof, LinkSide, LinkVerdict, judge_link,
};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;

/// How often a call is retried after a conflict with another one about the same accounts.
const ROUNDS: u32 = 8;

impl Store {
    /// Links a pair, unless one of its accounts is linked to another one. The link of a linked pair
    /// stays unchanged. Returns it, unless the call repeats one whose link has been removed since.
    pub async fn import_link(
        &self,
        prefix: WorkspacePrefix,
        pair: LinkPair,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
    ) -> Result<Option<AccountLink>, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let now = UnixMillis::now().seconds();
            if self.is_repeated_link_call(prefix, by, name, now).await? {
                return self
                    .account_link(prefix, LinkSide::Roblox(pair.roblox))
                    .await;
            }
            let [of_roblox, of_discord] = self.links_of_pair(prefix, pair).await?;
            let links = [of_roblox, of_discord].map(|item| item.as_ref().map(LinkItem::link));
            let [of_roblox, of_discord] = &links;
            let verdict = judge_link(
                pair,
                LinkProof::Import,
                of_roblox.as_ref(),
                of_discord.as_ref(),
            );
            let mut writes = Vec::new();
            let link = match verdict {
                LinkVerdict::Taken => return Err(ApiError::AlreadyLinked),
                LinkVerdict::Same | LinkVerdict::Prove => *of_roblox,
                LinkVerdict::New => {
                    let link = AccountLink {
                        pair,
                        proof: LinkProof::Import,
                        linked: now,
                        confirmed: None,
                    };
                    let item = LinkItem::new(&link, None);
                    let table = &self.database.tables().bans;
                    writes = writing_link(table, prefix, &item, None)?;
                    let event = self.link_event(prefix, &item, LinkChange::Added, by);
                    writes.push(event.await?);
                    Some(link)
                }
            };
            writes.extend(self.used_link_key(prefix, by, name, now)?);
            if writes.is_empty() {
                return Ok(link);
            }
            let written = self.database.transact_counted(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(link);
            }
        }
    }
}
