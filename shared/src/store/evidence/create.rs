//! Creates a piece of evidence: the item, its entry in the list of the ban, its text, its bytes in the
//! workspace's count and its event, all or nothing, and only while the ban is on record.

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::events::{EvidenceActor, EvidenceChange};
use super::item::{Due, EvidenceItem, StoredEvidence, UNFINISHED};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::evidence::{Evidence, EvidenceText, NewEvidence, NewEvidenceBody};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::{Guid, Uid, UserId, WorkspacePrefix};
use crate::domain::random;
use crate::store::Store;
use crate::store::decisions::requests;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};
use crate::store::dynamo::versions::{self, EXISTS};

/// How often a creation is retried after a conflict, such as with another one about the workspace's
/// count.
const ROUNDS: u32 = 20;

const NO_BAN: ApiError = ApiError::NotFound("the workspace has no ban with this guid");

#[derive(Serialize, Deserialize)]
pub(super) struct TextItem {
    pub user: UserId,
    pub text: EvidenceText,
}

#[derive(Serialize)]
struct EntryItem {
    user: UserId,
    at: UnixSeconds,
}

impl Store {
    /// Creates a piece of evidence for a ban on record. A repeat under the same idempotency key
    /// returns the piece of the first call.
    pub async fn create_evidence(
        &self,
        prefix: WorkspacePrefix,
        new: &NewEvidence,
        name: Option<&IdempotencyKey>,
    ) -> Result<Evidence, ApiError> {
        if let Some(first) = self.created_before(prefix, new, name).await? {
            return Ok(first);
        }
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let now = UnixMillis::now();
            let guid = Guid::mint(now, Uid(random::number()));
            let item = self.new_item(prefix, guid, new, now.seconds()).await?;
            let mut writes = self.creation(prefix, &item, guid, new).await?;
            writes.extend(self.used_key(prefix, new, name, guid, now.seconds())?);
            let written = self.database.transact_counted(writes).await;
            if self
                .database
                .retry_on_conflict(&mut rounds, written)
                .await?
                .is_some()
            {
                return Ok(item.evidence()?);
            }
            if let Some(first) = self.created_before(prefix, new, name).await? {
                return Ok(first);
            }
            self.demand_ban(prefix, new.user, new.case).await?;
            if !self.has_quota(prefix, new.body.body().bytes()).await? {
                return Err(ApiError::EvidenceQuotaReached);
            }
        }
    }

    async fn new_item(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        new: &NewEvidence,
        now: UnixSeconds,
    ) -> Result<EvidenceItem, ApiError> {
        let due = match new.body {
            NewEvidenceBody::File(_) => Due::at(guid, now.plus(UNFINISHED)),
            NewEvidenceBody::Text(_) => self.retention_due(prefix, guid, now).await?,
        };
        Ok(EvidenceItem::new(guid, new, now, due))
    }

    /// When a piece that is complete now is removed, if the workspace limits that.
    pub(super) async fn retention_due(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
        now: UnixSeconds,
    ) -> Result<Due, ApiError> {
        let workspace = self.known_workspace(prefix).await?;
        let days = workspace.and_then(|workspace| workspace.evidence_days);
        Ok(days.map_or_else(Due::default, |days| {
            Due::at(guid, now.plus(u64::from(days.get()).saturating_mul(86_400)))
        }))
    }

    async fn creation(
        &self,
        prefix: WorkspacePrefix,
        item: &EvidenceItem,
        guid: Guid,
        new: &NewEvidence,
    ) -> Result<Vec<TransactWriteItem>, ApiError> {
        let table = &self.database.tables().bans;
        let entry = EntryItem {
            user: new.user,
            at: item.at,
        };
        let entry_key = Key::evidence_entry(prefix, new.user, new.case, guid);
        let entry = items::write(entry_key, StoredKind::EvidenceEntry, entry)?;
        let mut writes = vec![
            item.create(table, prefix)?,
            versions::put_new(table, entry)?,
            self.take_quota(prefix, new.body.body().bytes()).await?,
            requires(table, Key::ban(prefix, new.user, new.case))?,
        ];
        if let NewEvidenceBody::Text(text) = &new.body {
            let stored = TextItem {
                user: new.user,
                text: text.clone(),
            };
            let key = Key::evidence_text(prefix, guid);
            let stored = items::write(key, StoredKind::EvidenceText, stored)?;
            writes.push(versions::put_new(table, stored)?);
            let added = EvidenceChange::Added(EvidenceActor {
                id: &new.key_id,
                channel: new.channel,
            });
            writes.push(self.evidence_event(prefix, item, added).await?);
        }
        Ok(writes)
    }

    /// 404 unless the ban is on record.
    pub async fn demand_ban(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        case: Guid,
    ) -> Result<(), ApiError> {
        let found = self.database.get(Key::ban(prefix, user, case)).await?;
        found.map(drop).ok_or(NO_BAN)
    }

    /// The piece that the first call under the idempotency key created, if there was one.
    async fn created_before(
        &self,
        prefix: WorkspacePrefix,
        new: &NewEvidence,
        name: Option<&IdempotencyKey>,
    ) -> Result<Option<Evidence>, ApiError> {
        #[derive(Deserialize)]
        struct Created {
            evidence: u64,
        }
        let Some(name) = name else { return Ok(None) };
        let key = requests::key(prefix, &new.key_id, name);
        let Some(found) = self.database.get(key).await? else {
            return Ok(None);
        };
        let now = UnixMillis::now().seconds();
        if requests::repeated(found.clone(), name, now)?.is_none() {
            return Ok(None);
        }
        let Created { evidence } = items::read(found)?;
        match self.stored_evidence(prefix, Guid::from(evidence)).await? {
            Some(StoredEvidence::Present(item)) => Ok(Some(item.evidence()?)),
            _ => Err(ApiError::NotFound(
                "the evidence of the first call with this idempotency-key has been removed",
            )),
        }
    }

    fn used_key(
        &self,
        prefix: WorkspacePrefix,
        new: &NewEvidence,
        name: Option<&IdempotencyKey>,
        guid: Guid,
        now: UnixSeconds,
    ) -> Result<Option<TransactWriteItem>, DatabaseError> {
        let Some(name) = name else { return Ok(None) };
        let key = requests::key(prefix, &new.key_id, name);
        let mut item = requests::item(key, name, None, now)?;
        item.insert("evidence".to_owned(), items::attribute(guid.get())?);
        let table = &self.database.tables().bans;
        let put = Put::builder().set_item(Some(item));
        Ok(Some(versions::put_if_version(table, put, None)?))
    }

    /// The user of the ban with this guid. A ban of the last minute may not be in the index yet.
    pub async fn user_of_ban(
        &self,
        prefix: WorkspacePrefix,
        case: Guid,
    ) -> Result<UserId, ApiError> {
        for round in 0..LOOKUPS {
            if let Some(found) = self.ban_of_guid(prefix, case).await? {
                return Ok(found.ban.user);
            }
            let now = UnixMillis::now().seconds();
            if case.created().plus(60) < now {
                break;
            }
            self.database.pause(round.saturating_add(LATE)).await;
        }
        Err(NO_BAN)
    }
}

/// How often a ban of the last minute is looked up: for about a second.
const LOOKUPS: u32 = 6;

/// The round whose pause is the longest.
const LATE: u32 = 4;

/// Requires that an item exists.
fn requires(table: &str, key: Key) -> Result<TransactWriteItem, DatabaseError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key.item()))
        .condition_expression(EXISTS)
        .build()
        .map_err(refused)?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}
