//! Counts for the operator. A count reads what it counts, so no request makes one.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use futures::future::try_join_all;

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, failure, number, text};
use crate::store::dynamo::schema::{self, GLOBAL_SHARDS, LEDGER_SHARDS, names};
use crate::store::lists::pending::Pending;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BanCounts {
    /// Bans ever made.
    pub on_record: u64,
    /// Bans in force now.
    pub in_force: u64,
}

impl Store {
    /// Counts a workspace's bans; eventually consistent. `counted` gets the count of each page.
    pub async fn count_bans(
        &self,
        prefix: WorkspacePrefix,
        now: UnixSeconds,
        counted: &dyn Fn(u64),
    ) -> Result<BanCounts, ApiError> {
        let shards = (0..LEDGER_SHARDS).map(|shard| {
            let query = self
                .database
                .querying()
                .index_name(names::BY_WORKSPACE)
                .key_condition_expression("ledger = :list")
                .expression_attribute_values(":list", text(schema::ledger_partition(prefix, shard)))
                .filter_expression(
                    "attribute_not_exists(ban.ended) AND (ban.expires = :never OR ban.expires > :now)",
                )
                .expression_attribute_values(":never", number(0))
                .expression_attribute_values(":now", number(now.0));
            self.count(query, counted)
        });
        let mut counts = BanCounts::default();
        for (matching, looked_at) in try_join_all(shards).await? {
            counts.in_force = counts.in_force.saturating_add(matching);
            counts.on_record = counts.on_record.saturating_add(looked_at);
        }
        Ok(counts)
    }

    /// Counts what is pending for an experience now or, without a time, now or later; eventually
    /// consistent.
    pub async fn count_pending(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: Option<UnixSeconds>,
    ) -> Result<u64, ApiError> {
        let query = self.counting_pending(pending, prefix, experience, now);
        Ok(self.count(query, &|_| ()).await?.0)
    }

    /// The same now and up to a number of entries, and whether there are more.
    pub async fn count_some_pending(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: UnixSeconds,
        most: u16,
    ) -> Result<(u64, bool), ApiError> {
        let page = self
            .counting_pending(pending, prefix, experience, Some(now))
            .select(Select::Count)
            .limit(i32::from(most))
            .send()
            .await
            .map_err(failure)?;
        let count = u64::try_from(page.count()).unwrap_or_default();
        Ok((count, page.last_evaluated_key().is_some()))
    }

    fn counting_pending(
        &self,
        pending: Pending,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        now: Option<UnixSeconds>,
    ) -> QueryFluentBuilder {
        let query = self.querying_pending(pending, prefix, experience, now);
        match (pending, now) {
            (Pending::Unbans, _) | (_, None) => query,
            (Pending::Bans, Some(now)) => query
                .filter_expression("attribute_not_exists(ban_owed_until) OR ban_owed_until > :now")
                .expression_attribute_values(":now", number(now.0)),
        }
    }

    /// Counts the users that a back-fill of an experience reads.
    pub async fn count_backfill(
        &self,
        prefix: WorkspacePrefix,
        experience: ExperienceId,
    ) -> Result<u64, ApiError> {
        let globals = (0..GLOBAL_SHARDS).map(|shard| {
            self.database
                .querying()
                .key_condition_expression("pk = :list")
                .expression_attribute_values(":list", text(schema::global_partition(prefix, shard)))
        });
        let own = (0..LEDGER_SHARDS).map(|shard| {
            let list = schema::experience_ledger_partition(prefix, experience, shard);
            self.database
                .querying()
                .index_name(names::BY_EXPERIENCE)
                .key_condition_expression("experience_ledger = :list")
                .expression_attribute_values(":list", text(list))
        });
        let counts =
            try_join_all(globals.chain(own).map(|query| self.count(query, &|_| ()))).await?;
        Ok(counts.into_iter().map(|(matching, _)| matching).sum())
    }

    /// How many items a query returns, and how many it reads.
    async fn count(
        &self,
        query: QueryFluentBuilder,
        counted: &dyn Fn(u64),
    ) -> Result<(u64, u64), DatabaseError> {
        let mut pages = query.select(Select::Count).into_paginator().send();
        let (mut matching, mut looked_at) = (0_u64, 0_u64);
        while let Some(page) = pages.next().await {
            let page = page.map_err(failure)?;
            let count = |count: i32| u64::try_from(count).unwrap_or_default();
            matching = matching.saturating_add(count(page.count()));
            looked_at = looked_at.saturating_add(count(page.scanned_count()));
            counted(count(page.scanned_count()));
        }
        Ok((matching, looked_at))
    }
}
