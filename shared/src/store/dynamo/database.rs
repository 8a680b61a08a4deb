//! The connection to DynamoDB: timeouts, consumed units, and errors.

mod batches;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, TransactWriteItem};

pub(in crate::store) use self::batches::READ;
use super::deadline::{Deadline, Late};
use super::failure::transaction_failure;
pub(in crate::store) use super::failure::{DatabaseError, failure};
use super::lifetime;
use super::meter::Meter;
use super::retries::Retries;
use super::schema::{Item, Key};
use crate::domain::backoff::{Backoff, Jitter};
use crate::domain::clock::UnixMillis;
use crate::domain::random;

/// The most actions in one DynamoDB transaction.
pub(in crate::store) const TRANSACTION_ACTIONS: usize = 100;

/// The pauses of a writer that others were faster than.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(10),
    longest: Duration::from_millis(160),
    jitter: Jitter::thousandths(250, 1250),
};

/// The names of the tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Bans, links, history and what is pending.
    pub bans: String,
    /// Workspaces and keys.
    pub workspaces: String,
}

/// A DynamoDB client with the names of the tables, which counts into a meter.
#[derive(Clone, Debug)]
pub struct Database {
    client: Client,
    tables: Arc<Tables>,
    meter: Arc<Meter>,
    retries: Retries,
    deadline: Deadline,
}

impl Tables {
    /// The names from the environment variables that the template sets.
    pub fn from_environment() -> Result<Self, std::env::VarError> {
        Ok(Self {
            bans: std::env::var("BANS_TABLE")?,
            workspaces: std::env::var("WORKSPACES_TABLE")?,
        })
    }
}

impl Database {
    #[must_use]
    pub fn new(config: &SdkConfig, tables: Tables) -> Self {
        let retries = Retries::default();
        let config = aws_sdk_dynamodb::config::Builder::from(config)
            .interceptor(retries.clone())
            .build();
        Self {
            client: Client::from_conf(config),
            tables: Arc::new(tables),
            meter: Arc::default(),
            retries,
            deadline: Deadline::default(),
        }
    }

    pub(in crate::store) fn metered(&self, meter: Arc<Meter>) -> Self {
        meter.watch(&self.retries);
        Self {
            meter,
            ..self.clone()
        }
    }

    /// The same database for a request with this deadline.
    pub(in crate::store) fn answering_by(&self, answer_by: Instant) -> Self {
        Self {
            deadline: Deadline::at(answer_by),
            ..self.clone()
        }
    }

    pub(in crate::store) fn tables(&self) -> &Tables {
        &self.tables
    }

    #[cfg(feature = "admin")]
    pub(in crate::store) const fn client(&self) -> &Client {
        &self.client
    }

    pub(in crate::store) const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The name of the table for this key.
    pub(in crate::store) fn table_of(&self, key: &Key) -> &str {
        if key.is_of_workspaces() {
            &self.tables.workspaces
        } else {
            &self.tables.bans
        }
    }

    /// Reads one item, strongly consistent; none if it has expired.
    pub(in crate::store) async fn get(&self, key: Key) -> Result<Option<Item>, DatabaseError> {
        let call = self
            .client
            .get_item()
            .table_name(self.table_of(&key))
            .set_key(Some(key.item()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self.timed(call.send()).await.map_err(failure)?;
        self.meter.read(&output.consumed_capacity);
        let found = output.item.into_iter().collect();
        Ok(lasting(found).into_iter().next())
    }

    /// A query on the bans table, to be completed by the caller and sent with [`Self::query`].
    pub(in crate::store) fn querying(&self) -> QueryFluentBuilder {
        self.client.query().table_name(&self.tables.bans)
    }

    /// The same on the workspaces table.
    pub(in crate::store) fn querying_workspaces(&self) -> QueryFluentBuilder {
        self.client.query().table_name(&self.tables.workspaces)
    }

    /// One page of a query without expired items, and where the next begins: the page may be empty,
    /// and others follow. A query that does not project `ttl` returns expired items too.
    pub(in crate::store) async fn query(
        &self,
        query: QueryFluentBuilder,
    ) -> Result<(Vec<Item>, Option<Item>), DatabaseError> {
        let (found, next) = self.query_stored(query).await?;
        Ok((lasting(found), next))
    }

    async fn query_stored(
        &self,
        query: QueryFluentBuilder,
    ) -> Result<(Vec<Item>, Option<Item>), DatabaseError> {
        let query = query.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self.timed(query.send()).await.map_err(failure)?;
        self.meter.read(&output.consumed_capacity);
        let next = output.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((output.items.unwrap_or_default(), next))
    }

    /// All pages of a query, without expired items.
    pub(in crate::store) async fn query_all(
        &self,
        query: QueryFluentBuilder,
    ) -> Result<Vec<Item>, DatabaseError> {
        Ok(lasting(self.query_all_stored(query).await?))
    }

    /// The same with expired items that are not deleted yet.
    pub(in crate::store) async fn query_all_stored(
        &self,
        query: QueryFluentBuilder,
    ) -> Result<Vec<Item>, DatabaseError> {
        let (mut items, mut next) = (Vec::new(), None);
        loop {
            let page = query.clone().set_exclusive_start_key(next);
            let (found, more) = self.query_stored(page).await?;
            items.extend(found);
            next = more;
            if next.is_none() {
                return Ok(items);
            }
        }
    }

    /// A put of an item, to be completed by the caller and sent with [`Self::put`].
    pub(in crate::store) fn putting(
        &self,
        item: Item,
    ) -> Result<PutItemFluentBuilder, DatabaseError> {
        let key = Key::of(&item);
        let key = key.ok_or_else(|| DatabaseError::Refused("an item without a key".to_owned()))?;
        let put = self.client.put_item().table_name(self.table_of(&key));
        Ok(put.set_item(Some(item)))
    }

    pub(in crate::store) async fn put(
        &self,
        put: PutItemFluentBuilder,
    ) -> Result<(), DatabaseError> {
        let put = put.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self.writing(put.send()).await?.map_err(failure)?;
        self.meter.written(&output.consumed_capacity);
        Ok(())
    }

    /// Sends a put with a condition; `false` if that fails.
    pub(in crate::store) async fn put_if(
        &self,
        put: PutItemFluentBuilder,
    ) -> Result<bool, DatabaseError> {
        holds(self.put(put).await)
    }

    /// Writes an item that must not exist yet; `false` if it does.
    pub(in crate::store) async fn create(&self, item: Item) -> Result<bool, DatabaseError> {
        let put = self.putting(item)?;
        self.put_if(lifetime::put_if_absent(put)).await
    }

    /// An update of an item, to be sent with [`Self::update`].
    pub(in crate::store) fn updating(&self, key: Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(self.table_of(&key))
            .set_key(Some(key.item()))
    }

    /// Sends an update and returns the requested attributes.
    pub(in crate::store) async fn update(
        &self,
        update: UpdateItemFluentBuilder,
    ) -> Result<Item, DatabaseError> {
        let update = update.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self.writing(update.send()).await?.map_err(failure)?;
        self.meter.written(&output.consumed_capacity);
        Ok(output.attributes.unwrap_or_default())
    }

    /// Sends an update with a condition; `false` if that fails.
    pub(in crate::store) async fn update_if(
        &self,
        update: UpdateItemFluentBuilder,
    ) -> Result<bool, DatabaseError> {
        holds(self.update(update).await)
    }

    /// Writes all of these or none; more than [`TRANSACTION_ACTIONS`] are refused, because they
    /// cannot be divided. The call has a token, so that the SDK's own retries of a transaction
    /// whose answer was lost apply it once.
    ///
    /// The token is generated here. The SDK derives its tokens from the time since the machine was
    /// started, which Lambda environments share: two of them may use the same token, and the
    /// database refuses another transaction under a token of the last ten minutes.
    pub(in crate::store) async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), DatabaseError> {
        let actions = writes.len();
        if actions > TRANSACTION_ACTIONS {
            let detail = format!("a transaction of {actions} actions");
            return Err(DatabaseError::Refused(detail));
        }
        let call = self
            .client
            .transact_write_items()
            .client_request_token(uuid::Uuid::new_v4().to_string())
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self
            .writing(call.send())
            .await?
            .map_err(transaction_failure)?;
        self.meter.written(output.consumed_capacity());
        Ok(())
    }

    /// Like `transact`, and counts a write conflict.
    pub(in crate::store) async fn transact_counted(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), DatabaseError> {
        let written = self.transact(writes).await;
        if matches!(written, Err(DatabaseError::Conflict)) {
            self.meter.write_conflict();
        }
        written
    }

    /// Performs a write, if the request has time for it and for looking up whether it happened.
    pub(in crate::store) async fn writing<T>(
        &self,
        write: impl Future<Output = T>,
    ) -> Result<T, DatabaseError> {
        // On the heap: the SDK's futures are large, and each layer around one would contain it
        // again.
        let write = Box::pin(write);
        self.in_time(self.timed(write)).await
    }

    /// The same for an update beside the request: nothing waits for it, and it is not counted. If
    /// there is no time for it or the environment is frozen, it is lost.
    pub(in crate::store) fn beside(&self, update: UpdateItemFluentBuilder) {
        let database = self.clone();
        tokio::spawn(async move { database.in_time(update.send()).await.map(drop) });
    }

    /// Whether this much time is left.
    pub(in crate::store) fn has_time(&self, time: Duration) -> bool {
        self.deadline.allows(time)
    }

    /// Performs a write, if there is time for it; the caller judges its failure.
    pub(in crate::store) async fn in_time<T>(
        &self,
        write: impl Future<Output = T>,
    ) -> Result<T, DatabaseError> {
        let written = self.deadline.write(write).await;
        written.map_err(|late| match late {
            Late::NotBegun => DatabaseError::NoTime,
            Late::Unanswered => {
                DatabaseError::Unavailable("a write was not answered in time".to_owned())
            }
        })
    }

    pub(in crate::store) async fn timed<T>(&self, call: impl Future<Output = T>) -> T {
        let _underway = self.meter.begin_call();
        call.await
    }

    /// Waits a little longer each round, up to about 0.2 s, with jitter.
    pub(in crate::store) async fn pause(&self, round: u32) {
        let _underway = self.meter.begin_wait();
        tokio::time::sleep(BACKOFF.pause(round, random::number())).await;
    }
}

/// The items among these that have not expired.
fn lasting(found: Vec<Item>) -> Vec<Item> {
    lifetime::lasting(found, UnixMillis::now().seconds())
}

/// A `String` attribute.
pub(in crate::store) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A `Number` attribute.
#[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
pub(in crate::store) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// An error of the SDK's builders, which is a bug.
#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
pub(in crate::store) fn refused(error: impl ToString) -> DatabaseError {
    DatabaseError::Refused(error.to_string())
}

/// Whether the condition of a write held.
pub(in crate::store) fn holds<T>(written: Result<T, DatabaseError>) -> Result<bool, DatabaseError> {
    match written {
        Ok(_) => Ok(true),
        Err(DatabaseError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}
