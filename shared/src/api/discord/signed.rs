//! Verifies Discord's signature, before anything else is read.

use lambda_http::http::HeaderMap;

use crate::api::{ApiRequest, FromRequest};
use crate::domain::clock::UnixMillis;
use crate::domain::discord::{
    DiscordPublicKey, Interaction, InteractionSignature, SIGNATURE_HEADER, TIMESTAMP_HEADER,
};
use crate::domain::error::ApiError;
use crate::store::{FirstRead, Store};

/// An interaction that Discord has just signed for the application.
#[derive(Clone, Debug)]
pub struct SignedInteraction(Interaction);

impl SignedInteraction {
    /// Logged in place of a key's id until the member is known.
    pub const KEY_ID: &'static str = "discord";

    #[must_use]
    pub const fn interaction(&self) -> &Interaction {
        &self.0
    }
}

impl FromRequest for SignedInteraction {
    /// Discord's checks of the endpoint read nothing.
    const FIRST_READ: Option<FirstRead> = None;

    async fn from_request(request: &ApiRequest, _: &Store) -> Result<Self, ApiError> {
        let unsigned = ApiError::UnsignedInteraction;
        let header = |name| text(request.headers(), name);
        let (sent, time) = header(SIGNATURE_HEADER)
            .zip(header(TIMESTAMP_HEADER))
            .ok_or(unsigned("no signature was sent"))?;
        let signature = InteractionSignature::parse(sent, time)
            .ok_or(unsigned("the signature is malformed"))?;
        if !signature.is_fresh(UnixMillis::now().seconds()) {
            return Err(unsigned("the signature is too old or too new"));
        }
        let body = request.raw_body()?;
        if !signature.is_by(&public_key()?, body) {
            return Err(unsigned("the signature is not the application's"));
        }
        let interaction = Interaction::read(body);
        let interaction = interaction
            .ok_or_else(|| ApiError::InvalidJson("it is not a JSON object".to_owned()))?;
        Ok(Self(interaction))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The application's key, in `DISCORD_PUBLIC_KEY`.
fn public_key() -> Result<DiscordPublicKey, ApiError> {
    let text = std::env::var("DISCORD_PUBLIC_KEY").unwrap_or_default();
    text.parse()
        .map_err(|error| ApiError::Internal(format!("DISCORD_PUBLIC_KEY {error}")))
}
