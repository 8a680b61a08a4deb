//! Verifies Roblox's signature and yields the permission to process a notification.

use crate::api::{ApiRequest, FromRequest};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::keys::Signature;
use crate::store::{ErasureIntake, FirstRead, Store};

/// A notification that was recently signed with the secret of these intakes. It is the permission
/// to act on it in their workspaces, and in no others.
#[derive(Clone, Debug)]
pub struct RobloxNotification {
    intakes: Vec<ErasureIntake>,
}

impl RobloxNotification {
    /// Logged in place of a key's id.
    pub const KEY_ID: &'static str = "roblox";

    /// The intakes with this secret: several if a studio's workspaces share a webhook.
    #[must_use]
    pub fn intakes(&self) -> &[ErasureIntake] {
        &self.intakes
    }

    /// The notification, if the signature matches one of the intakes.
    fn verified(signature: &Signature<'_>, body: &[u8], known: &[ErasureIntake]) -> Option<Self> {
        let intakes: Vec<_> = known
            .iter()
            .filter(|intake| signature.is_by(&intake.secret, body))
            .cloned()
            .collect();
        (!intakes.is_empty()).then_some(Self { intakes })
    }
}

impl FromRequest for RobloxNotification {
    const FIRST_READ: Option<FirstRead> = Some(FirstRead::ErasureIntakes);

    async fn from_request(request: &ApiRequest, store: &Store) -> Result<Self, ApiError> {
        let sent = request
            .headers()
            .get(Signature::HEADER)
            .ok_or(ApiError::Unsigned("no signature was sent"))?;
        let signature = sent
            .to_str()
            .ok()
            .and_then(Signature::parse)
            .ok_or(ApiError::Unsigned("the signature is malformed"))?;
        if !signature.is_fresh(UnixMillis::now().seconds()) {
            return Err(ApiError::Unsigned("the signature is too old or too new"));
        }
        let body = request.raw_body()?;
        let known = store.erasure_intakes().await?;
        let notification = Self::verified(&signature, body, &known).ok_or(ApiError::Unsigned(
            "the signature matches no configured secret",
        ))?;
        for intake in notification.intakes() {
            request.trace().identify(intake.guid, Self::KEY_ID);
        }
        Ok(notification)
    }
}
