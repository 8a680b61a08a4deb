//! Webhook endpoints, in the workspaces table.

use aws_sdk_dynamodb::types::ReturnValue;

use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::webhooks::{Endpoint, EndpointId};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::difference::update_difference;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind};

/// How often a change is retried after a write conflict.
const ROUNDS: u32 = 8;

/// An endpoint before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedEndpoint {
    pub before: Endpoint,
    pub after: Endpoint,
}

impl Store {
    /// The endpoints of a workspace by id; strongly consistent.
    pub async fn endpoints(&self, prefix: WorkspacePrefix) -> Result<Vec<Endpoint>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :endpoints AND begins_with(sk, :prefix)")
            .expression_attribute_values(":endpoints", text(schema::ENDPOINTS))
            .expression_attribute_values(":prefix", text(format!("{prefix}#")));
        read(self.database.query_all(query).await?)
    }

    /// The endpoints of all workspaces; eventually consistent.
    pub async fn all_endpoints(&self) -> Result<Vec<Endpoint>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .key_condition_expression("pk = :endpoints")
            .expression_attribute_values(":endpoints", text(schema::ENDPOINTS));
        read(self.database.query_all(query).await?)
    }

    pub async fn endpoint(
        &self,
        prefix: WorkspacePrefix,
        id: EndpointId,
    ) -> Result<Option<Endpoint>, ApiError> {
        let found = self.database.get(Key::endpoint(prefix, id)).await?;
        Ok(found.map(items::read).transpose()?)
    }

    /// Changes an endpoint and returns it before and after; `None` if it is gone. Only differences
    /// are written, and only over what was read, so that the operator and the deliveries do not
    /// undo each other's changes.
    pub async fn change_endpoint(
        &self,
        prefix: WorkspacePrefix,
        id: EndpointId,
        change: impl Fn(Endpoint) -> Endpoint,
    ) -> Result<Option<ChangedEndpoint>, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let Some(before) = self.endpoint(prefix, id).await? else {
                return Ok(None);
            };
            let after = change(before.clone());
            let written = self.replace(prefix, &before, &after).await;
            let ended = self.database.retry_on_conflict(&mut rounds, written);
            if ended.await?.is_some() {
                return Ok(Some(ChangedEndpoint { before, after }));
            }
        }
    }

    async fn replace(
        &self,
        prefix: WorkspacePrefix,
        before: &Endpoint,
        after: &Endpoint,
    ) -> Result<(), DatabaseError> {
        let key = Key::endpoint(prefix, before.id);
        let (before, after) = (endpoint_item(before)?, endpoint_item(after)?);
        let update = self.database.updating(key);
        let Some(update) = update_difference(update, &before, &after, true) else {
            return Ok(());
        };
        let update = update.return_values(ReturnValue::None);
        self.database.update(update).await.map(|_| ())
    }
}

fn read(items: Vec<Item>) -> Result<Vec<Endpoint>, ApiError> {
    Ok(items
        .into_iter()
        .map(items::read)
        .collect::<Result<_, DatabaseError>>()?)
}

pub(in crate::store) fn endpoint_item(endpoint: &Endpoint) -> Result<Item, DatabaseError> {
    let key = Key::endpoint(endpoint.workspace.prefix(), endpoint.id);
    items::write(key, StoredKind::Endpoint, endpoint)
}
