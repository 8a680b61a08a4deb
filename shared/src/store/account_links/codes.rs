//! Makes the codes that link accounts. An account has one open code: another one replaces it.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use serde::Deserialize;

use super::item::{CodeItem, CodeUseItem};
use super::write::LinkActor;
use crate::domain::account_links::{CODE_VALID, DiscordName, LinkCode, LinkSide};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::random;
use crate::store::Store;
use crate::store::decisions::requests;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};
use crate::store::dynamo::versions;

/// How often a call is retried after a conflict, or because its code is in use.
const ROUNDS: u32 = 8;

/// A code, to be shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLinkCode {
    pub code: LinkCode,
    /// It can be redeemed before this second.
    pub expires: UnixSeconds,
}

impl Store {
    /// Makes a code for an account. A repeat under the same idempotency key returns the same code.
    pub async fn make_link_code(
        &self,
        prefix: WorkspacePrefix,
        account: LinkSide,
        discord_name: Option<&DiscordName>,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
    ) -> Result<NewLinkCode, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let now = UnixMillis::now().seconds();
            if let Some(first) = self.code_made_before(prefix, by, name, now).await? {
                return Ok(first);
            }
            let salt = random::number();
            let new = NewLinkCode {
                code: match name {
                    Some(name) => derived(name, salt),
                    None => LinkCode::random(),
                },
                expires: now.plus(CODE_VALID),
            };
            let mut writes = self
                .new_code(prefix, account, discord_name, &new, now)
                .await?;
            writes.extend(self.used_code_key(prefix, by, name, salt, &new, now)?);
            let written = self.database.transact_counted(writes).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(new);
            }
        }
    }

    async fn new_code(
        &self,
        prefix: WorkspacePrefix,
        account: LinkSide,
        discord_name: Option<&DiscordName>,
        new: &NewLinkCode,
        now: UnixSeconds,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &self.database.tables().bans;
        let use_key = Key::link_code_use(prefix, account);
        let found = self.database.get(use_key.clone()).await?;
        let earlier: Option<CodeUseItem> = found.map(items::read).transpose()?;
        let hash = new.code.hash(prefix);
        let item = CodeItem::new(account, discord_name.cloned(), now, new.expires);
        let item = items::write(Key::link_code(prefix, &hash), StoredKind::LinkCode, item)?;
        let after = CodeUseItem::with_code(earlier.as_ref(), &hash, now, new.expires);
        let after = items::write(use_key, StoredKind::LinkCodeUse, after)?;
        let version = earlier.as_ref().map(|it| it.version);
        let put = Put::builder().set_item(Some(after));
        let mut writes = vec![
            versions::put_new(table, item)?,
            versions::put_if_version(table, put, version)?,
        ];
        if let Some(replaced) = earlier.and_then(|it| it.code).filter(|code| *code != hash) {
            let delete = Delete::builder()
                .table_name(table)
                .set_key(Some(Key::link_code(prefix, &replaced).item()))
                .build();
            let delete = delete.map_err(refused)?;
            writes.push(TransactWriteItem::builder().delete(delete).build());
        }
        Ok(writes)
    }

    /// The code of the first call under the idempotency key. It is not stored, but follows from the
    /// key, which is not stored either.
    async fn code_made_before(
        &self,
        prefix: WorkspacePrefix,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
        now: UnixSeconds,
    ) -> Result<Option<NewLinkCode>, ApiError> {
        #[derive(Deserialize)]
        struct Made {
            salt: u64,
            expires: UnixSeconds,
        }
        let Some(name) = name else { return Ok(None) };
        let key = requests::key(prefix, &by.id, name);
        let Some(found) = self.database.get(key).await? else {
            return Ok(None);
        };
        if requests::repeated(found.clone(), name, now)?.is_none() {
            return Ok(None);
        }
        let Made { salt, expires } = items::read(found)?;
        let code = derived(name, salt);
        Ok(Some(NewLinkCode { code, expires }))
    }

    fn used_code_key(
        &self,
        prefix: WorkspacePrefix,
        by: &LinkActor,
        name: Option<&IdempotencyKey>,
        salt: u64,
        new: &NewLinkCode,
        now: UnixSeconds,
    ) -> Result<Option<TransactWriteItem>, DatabaseError> {
        let Some(name) = name else { return Ok(None) };
        let key = requests::key(prefix, &by.id, name);
        let mut item = requests::item(key, name, None, now)?;
        item.insert("salt".to_owned(), items::attribute(salt)?);
        item.insert("expires".to_owned(), items::attribute(new.expires)?);
        let table = &self.database.tables().bans;
        versions::put_new(table, item).map(Some)
    }
}

fn derived(name: &IdempotencyKey, salt: u64) -> LinkCode {
    LinkCode::derived(&["link-code", &name.name, &salt.to_string()])
}
