//! The cookie of a session, and the member behind it.

use shared::api::PageRequest;
use shared::domain::clock::UnixSeconds;
use shared::domain::error::ApiError;
use shared::domain::members::{SESSION_LONGEST, SessionToken};
use shared::store::{SignedIn, Store};

/// Browsers accept the prefix only for a secure cookie of this host alone. They count `localhost` as
/// secure.
const COOKIE: &str = "__Host-portcullis";

/// The member who sends a request, if they are signed in.
pub async fn member_of(
    request: &PageRequest,
    store: &Store,
    now: UnixSeconds,
) -> Result<Option<SignedIn>, ApiError> {
    let token = request.cookie(COOKIE).and_then(|sent| sent.parse().ok());
    let Some(token) = token else {
        return Ok(None);
    };
    let signed_in = store.session(&token, now).await?;
    if let Some(member) = &signed_in {
        let id = member.member.id.to_string();
        request.trace().identify(member.workspace.guid, &id);
    }
    Ok(signed_in)
}

/// The cookie that begins a session. `Lax`, since with `Strict` a link from a chat arrives signed out.
pub fn begin(token: &SessionToken) -> String {
    let token = token.reveal();
    format!("{COOKIE}={token}; Path=/; Max-Age={SESSION_LONGEST}; Secure; HttpOnly; SameSite=Lax")
}

/// The cookie that removes it.
pub fn end() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}
