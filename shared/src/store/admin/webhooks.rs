//! Manages webhook endpoints: creates, tests and removes them, and lists their deliveries.

use futures::future::try_join;

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::webhooks::{Delivery, DeliveryKey, DeliveryState, Endpoint, EndpointId, TEST};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, attributes};
use crate::store::events::deliveries::{DeliveryItem, read};
use crate::store::events::endpoints::endpoint_item;

/// How many deliveries are removed in one request.
const REMOVED_NOW: i32 = 500;

/// The most pages of deliveries that one list reads.
const PAGES: u32 = 40;

impl Store {
    /// Stores a new endpoint; `false` if its id is taken, so that another must be tried.
    pub async fn create_endpoint(&self, endpoint: &Endpoint) -> Result<bool, ApiError> {
        let item = endpoint_item(endpoint)?;
        Ok(self.database.create(item).await?)
    }

    /// Removes an endpoint, then its deliveries; returns how many there were.
    pub async fn remove_endpoint(
        &self,
        prefix: WorkspacePrefix,
        id: EndpointId,
    ) -> Result<u64, ApiError> {
        // The endpoint first: without it, no more deliveries are written.
        self.database.delete(Key::endpoint(prefix, id)).await?;
        let deliveries = schema::delivery_partition(prefix, id);
        Ok(self.remove_partition(deliveries).await?)
    }

    /// Removes an endpoint with its newest deliveries. The others are kept until their time ends.
    pub async fn remove_endpoint_now(
        &self,
        prefix: WorkspacePrefix,
        id: EndpointId,
    ) -> Result<(), ApiError> {
        self.database.delete(Key::endpoint(prefix, id)).await?;
        let query = self
            .database
            .querying()
            .key_condition_expression("pk = :deliveries")
            .projection_expression("pk, sk")
            .scan_index_forward(false)
            .limit(REMOVED_NOW)
            .expression_attribute_values(
                ":deliveries",
                text(schema::delivery_partition(prefix, id)),
            );
        let (found, _) = self.database.query(query).await?;
        self.remove(found.iter().filter_map(Key::of).collect())
            .await?;
        Ok(())
    }

    /// Removes all endpoints of a workspace with their deliveries; returns how many items there
    /// were.
    pub(in crate::store) async fn remove_endpoints(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<u64, ApiError> {
        let mut removed = 0_u64;
        for endpoint in self.endpoints(prefix).await? {
            let deliveries = self.remove_endpoint(prefix, endpoint.id).await?;
            removed = removed.saturating_add(deliveries).saturating_add(1);
        }
        Ok(removed)
    }

    /// Writes a test delivery to an endpoint, due before everything else: an endpoint with many
    /// failures is what gets tested.
    pub async fn request_test(
        &self,
        endpoint: &Endpoint,
        now: UnixMillis,
    ) -> Result<DeliveryKey, ApiError> {
        let prefix = endpoint.workspace.prefix();
        let key = DeliveryKey::Test(now.millis());
        let id = format!("test_{}", uuid::Uuid::new_v4().simple());
        let item = DeliveryItem::due(
            prefix,
            endpoint.id,
            (id, TEST),
            UnixMillis::from_millis(0),
            now,
        );
        let of_test = Key::delivery(prefix, endpoint.id, key);
        self.create_chain(vec![(of_test, item)]).await?;
        Ok(key)
    }

    pub async fn delivery(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        key: DeliveryKey,
    ) -> Result<Option<Delivery>, ApiError> {
        let key = Key::delivery(prefix, endpoint, key);
        let found = self.database.get(key).await?;
        Ok(found.map(read).transpose()?.flatten())
    }

    /// The deliveries to an endpoint, newest first, in one state or all.
    pub async fn deliveries(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        state: Option<DeliveryState>,
        limit: usize,
    ) -> Result<Vec<Delivery>, ApiError> {
        // Tests sort after all events, whenever they were made.
        let (events, tests) = try_join(
            self.some_deliveries(prefix, endpoint, "sk < :tests", state, limit),
            self.some_deliveries(prefix, endpoint, "sk >= :tests", state, limit),
        )
        .await?;
        let mut found: Vec<_> = events.into_iter().chain(tests).collect();
        found.sort_by_key(|delivery| std::cmp::Reverse((delivery.created, delivery.key)));
        found.truncate(limit);
        Ok(found)
    }

    async fn some_deliveries(
        &self,
        prefix: WorkspacePrefix,
        endpoint: EndpointId,
        which: &str,
        state: Option<DeliveryState>,
        limit: usize,
    ) -> Result<Vec<Delivery>, DatabaseError> {
        let mut query = self
            .database
            .querying()
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression(format!("pk = :deliveries AND {which}"))
            .expression_attribute_values(
                ":deliveries",
                text(schema::delivery_partition(prefix, endpoint)),
            )
            .expression_attribute_values(":tests", text("T"));
        if let Some(state) = state {
            query = query
                .filter_expression("#state = :state")
                .expression_attribute_names("#state", attributes::STATE)
                .expression_attribute_values(":state", items::attribute(state)?);
        } else {
            query = query.limit(i32::try_from(limit).unwrap_or(i32::MAX));
        }
        let (mut found, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = query.clone().set_exclusive_start_key(next);
            let (items, more) = self.database.query(page).await?;
            for item in items {
                found.extend(read(item)?);
            }
            next = more;
            if found.len() >= limit || next.is_none() {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}
