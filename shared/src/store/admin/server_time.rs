//! The database's time, for what the operator's machine and the functions must agree on.

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};

use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::store::Store;
use crate::store::dynamo::database::{failure, text};
use crate::store::dynamo::schema;

/// Reads the `date` of an answer.
#[derive(Clone, Debug, Default)]
struct DateReader(Arc<OnceLock<DateTime>>);

impl Intercept for DateReader {
    fn name(&self) -> &'static str {
        "DateReader"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date {
            let _ = self.0.set(date);
        }
        Ok(())
    }
}

impl Store {
    /// By how many milliseconds the database's clock is ahead of this machine's, to about a second;
    /// 0 if it does not say.
    pub async fn server_clock_offset(&self, prefix: WorkspacePrefix) -> Result<i64, ApiError> {
        let reader = DateReader::default();
        let query = self
            .database
            .querying()
            .key_condition_expression("pk = :links")
            .expression_attribute_values(":links", text(schema::link_partition(prefix)))
            .limit(1);
        let before = UnixMillis::now().millis();
        let answer = query.customize().interceptor(reader.clone()).send().await;
        answer.map_err(failure)?;
        let after = UnixMillis::now().millis();
        let Some(date) = reader.0.get().and_then(|date| date.to_millis().ok()) else {
            return Ok(0);
        };
        // The header has whole seconds.
        let server = date.saturating_add(500);
        let here = i64::try_from(before.midpoint(after)).unwrap_or(i64::MAX);
        Ok(server.saturating_sub(here))
    }
}
