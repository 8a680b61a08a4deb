//! Delivers signed events: one in each request.

use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::webhooks::{SigningSecrets, Target};

use crate::attempt::{Attempted, Sender};
use crate::batch::PendingDelivery;

impl Sender<'_> {
    /// Attempts each delivery of a queue in turn. Those it does not reach stay due.
    pub async fn send_signed(
        &self,
        url: &Target,
        secrets: &SigningSecrets,
        queue: &[PendingDelivery],
    ) -> Result<(), ApiError> {
        for pending in queue {
            if self.is_over() {
                break;
            }
            let message = pending.message(self.endpoint.workspace)?;
            let now = UnixMillis::now().seconds();
            let headers = message
                .headers(secrets, now)
                .ok_or_else(|| ApiError::Internal("the message cannot be signed".to_owned()))?;
            let sending = self.session.post(url, headers, message.body.clone());
            let attempted = Attempted::wait_for(sending).await;
            let decision = attempted.decision(pending.delivery.attempts);
            self.record(pending, &message, &attempted, decision).await?;
        }
        Ok(())
    }
}
