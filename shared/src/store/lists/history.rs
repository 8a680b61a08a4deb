//! The history of decisions: append-only, by user and time.

mod of_ban;
mod search;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::Deserialize;

use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::history::PastDecision;
use crate::domain::ids::{Guid, ModeratorId, UserId, WorkspacePrefix};
use crate::domain::rules::{Ban, DecisionKind};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items::{self, BanItem, StoredBan};
use crate::store::dynamo::schema::{self, names};
use crate::store::lists::ban_list::BanRecord;

pub use of_ban::{HistoryPage, HistoryPosition};

#[derive(Deserialize)]
pub(in crate::store) struct DecisionItem {
    decision: DecisionKind,
    at: UnixSeconds,
    at_ms: u64,
    ban: StoredBan,
    #[serde(default)]
    previous: Option<StoredBan>,
    #[serde(default)]
    applied: bool,
    #[serde(default)]
    previous_applied: bool,
    #[serde(default)]
    reason: Option<String>,
    key_id: String,
    #[serde(default)]
    channel: Option<Channel>,
    #[serde(default)]
    moderator: Option<ModeratorId>,
    #[serde(default)]
    principal: Option<String>,
}

impl From<DecisionItem> for PastDecision {
    fn from(item: DecisionItem) -> Self {
        Self {
            kind: item.decision,
            at: item.at,
            moment: UnixMillis::from_millis(item.at_ms),
            ban: item.ban.into(),
            previous: item.previous.map(Ban::from),
            applied: item.applied,
            previous_applied: item.previous_applied,
            reason: item.reason,
            key_id: item.key_id,
            channel: item.channel,
            moderator: item.moderator,
            principal: item.principal,
        }
    }
}

impl Store {
    /// A user's decisions made at or after `since`, oldest first; strongly consistent.
    pub async fn history(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        since: UnixMillis,
    ) -> Result<Vec<PastDecision>, ApiError> {
        let query = self
            .past(prefix, user, since, schema::DECISIONS_END)
            .consistent_read(true);
        let items = self.database.query_all(query).await?;
        let read = |item| items::read::<DecisionItem>(item).map(PastDecision::from);
        Ok(items
            .into_iter()
            .map(read)
            .collect::<Result<_, DatabaseError>>()?)
    }

    fn past(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        since: UnixMillis,
        end: &str,
    ) -> QueryFluentBuilder {
        self.database
            .querying()
            .key_condition_expression("pk = :user AND sk BETWEEN :since AND :end")
            .expression_attribute_values(":user", text(schema::user_partition(prefix, user)))
            .expression_attribute_values(":since", text(schema::decisions_since(since)))
            .expression_attribute_values(":end", text(end))
    }

    /// The ban with this guid; eventually consistent.
    pub async fn ban_of_guid(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<Option<BanRecord>, ApiError> {
        let list = schema::ledger_partition(prefix, schema::ledger_shard(guid));
        let query = self
            .database
            .querying()
            .index_name(names::BY_WORKSPACE)
            .key_condition_expression("ledger = :list AND guid_key = :guid")
            .expression_attribute_values(":list", text(list))
            .expression_attribute_values(":guid", text(schema::padded_guid(guid)))
            .limit(1);
        let (found, _) = self.database.query(query).await?;
        let ban = found.into_iter().next().map(items::read::<BanItem>);
        Ok(ban.transpose()?.map(BanRecord::from))
    }
}
