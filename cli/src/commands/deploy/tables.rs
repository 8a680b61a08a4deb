//! The indexes of the deployed tables.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::IndexStatus as Status;

use super::plan::IndexStatus;
use super::template::IndexId;
use crate::connection::{Connection, failed};

/// The polling interval. An index of a large table takes hours.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct LiveTables<'a> {
    client: Client,
    connection: &'a Connection,
}

impl<'a> LiveTables<'a> {
    pub fn new(connection: &'a Connection) -> Self {
        Self {
            client: Client::new(&connection.database),
            connection,
        }
    }

    /// The indexes of both tables.
    pub async fn indexes(&self) -> Result<BTreeMap<IndexId, IndexStatus>> {
        let mut found = self
            .indexes_of("BansTable", &self.connection.tables.bans)
            .await?;
        found.extend(
            self.indexes_of("WorkspacesTable", &self.connection.tables.workspaces)
                .await?,
        );
        Ok(found)
    }

    async fn indexes_of(
        &self,
        logical: &str,
        physical: &str,
    ) -> Result<BTreeMap<IndexId, IndexStatus>> {
        let answer = self
            .client
            .describe_table()
            .table_name(physical)
            .send()
            .await;
        let answer = answer.map_err(|error| failed("DynamoDB", "describe a table", &error))?;
        let Some(table) = answer.table() else {
            bail!("DynamoDB returned no description of {physical}");
        };
        let indexes = table.global_secondary_indexes().iter().filter_map(|index| {
            let name = index.index_name()?.to_owned();
            let status = match index.index_status() {
                Some(Status::Creating) => IndexStatus::Building,
                Some(Status::Deleting) => IndexStatus::Leaving,
                // An index is in use while its settings change.
                _ => IndexStatus::Ready,
            };
            Some((
                IndexId {
                    table: logical.to_owned(),
                    name,
                },
                status,
            ))
        });
        Ok(indexes.collect())
    }

    /// Waits until DynamoDB has built an index, or has finished deleting it.
    pub async fn wait(&self, id: &IndexId) -> Result<()> {
        let mut has_waited = false;
        while let Some(IndexStatus::Building | IndexStatus::Leaving) = self.indexes().await?.get(id)
        {
            if !has_waited {
                note!(
                    "waiting for DynamoDB to finish with the index {id}; you can stop this and run it again"
                );
                has_waited = true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
