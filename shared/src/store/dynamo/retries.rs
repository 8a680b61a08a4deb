//! Counts the SDK's retries of database calls, which slow a request down before they make it fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

/// The header in which the SDK sends the number of the attempt.
const ATTEMPT: &str = "amz-sdk-request";

/// The retries of a client. An environment serves one request at once, so those since a request
/// began are its own.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Retries(Arc<AtomicU32>);

impl Retries {
    /// Resets the counter.
    pub fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The retries since the reset.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for Retries {
    fn name(&self) -> &'static str {
        "Retries"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let attempt = context.request().headers().get(ATTEMPT);
        if attempt.is_some_and(|attempt| !attempt.contains("attempt=1;")) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
