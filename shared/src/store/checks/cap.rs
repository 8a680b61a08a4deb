//! The cap on a key's checks, shared between environments. The rule is [`crate::domain::rules::CheckRate`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::ReturnValue;

use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::keys::KeyRecord;
use crate::domain::lock::lock;
use crate::domain::rules::{CheckRate, CheckReport};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, failure, number, text};
use crate::store::dynamo::schema::{Key, StoredKind, attributes};

/// The most keys whose checks are counted; with one more, the count starts over.
const MOST: usize = 4096;

/// A key with a cap.
type Name = (WorkspacePrefix, String);

/// The checks of keys with a cap.
#[derive(Debug, Default)]
pub(in crate::store) struct Checks(Mutex<HashMap<Name, CheckRate>>);

impl Checks {
    fn with<T>(&self, name: &Name, change: impl FnOnce(&mut CheckRate) -> T) -> T {
        let mut rates = self.rates();
        if rates.len() >= MOST && !rates.contains_key(name) {
            rates.clear();
        }
        change(rates.entry(name.clone()).or_default())
    }

    fn rates(&self) -> MutexGuard<'_, HashMap<Name, CheckRate>> {
        lock(&self.0)
    }
}

impl Store {
    /// Counts checks against the key's cap: 429 if it is reached. Nothing is awaited, so a database
    /// that fails neither fails nor slows a check; reports are sent beside the answer.
    pub fn count_checks(&self, key: &KeyRecord, checks: u32) -> Result<(), ApiError> {
        let Some(cap) = key.check_cap() else {
            return Ok(());
        };
        let name = (key.workspace.prefix(), key.key_id.clone());
        let now = UnixMillis::now();
        let count = |rate: &mut CheckRate| rate.count(cap, checks, now);
        let (verdict, report) = self.caches.checks.with(&name, count);
        if let Some(report) = report {
            let store = self.clone();
            tokio::spawn(async move {
                let total = store.report_checks(&name, report, now.seconds()).await;
                store.caches.checks.with(&name, |rate| match total {
                    Ok(total) => rate.reported(report, total),
                    Err(_) => rate.failed(report),
                });
            });
        }
        verdict.map_err(|retry_after| ApiError::RateLimited {
            what: "this key has reached its limit of checks per minute",
            retry_after,
        })
    }

    /// Adds checks to the total of a key's minute and returns the total. Not retried, because an
    /// addition whose answer was lost would count twice.
    async fn report_checks(
        &self,
        (prefix, key_id): &Name,
        report: CheckReport,
        now: UnixSeconds,
    ) -> Result<u32, DatabaseError> {
        let once = aws_sdk_dynamodb::config::Builder::new().retry_config(RetryConfig::disabled());
        let update = self
            .database
            .updating(Key::checks(*prefix, key_id, report.minute))
            .update_expression("SET kind = :kind, #ttl = :ttl ADD #count :checks")
            .expression_attribute_names("#ttl", attributes::TTL)
            .expression_attribute_names("#count", attributes::COUNT)
            .expression_attribute_values(":kind", text(StoredKind::Checks))
            .expression_attribute_values(":ttl", number(now.plus(CheckReport::MATTERS).0))
            .expression_attribute_values(":checks", number(report.checks))
            .return_values(ReturnValue::UpdatedNew);
        let update = update.customize().config_override(once).send();
        let updated = self.database.in_time(Box::pin(update)).await?;
        let updated = updated.map_err(failure)?.attributes.unwrap_or_default();
        updated
            .get(attributes::COUNT)
            .and_then(|count| count.as_n().ok()?.parse().ok())
            .ok_or_else(|| DatabaseError::Refused("a total without a number".to_owned()))
    }
}
