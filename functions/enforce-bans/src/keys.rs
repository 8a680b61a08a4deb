//! Whether a key is accepted, and what follows for the experiences that it is for.

use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{UniverseId, UserId};
use shared::domain::rules::enforcing::Level;
use shared::integrations::roblox::{Roblox, RobloxError, RobloxKey};
use shared::integrations::secrets::{SecretError, SecretStore};
use shared::store::{Enforcement, Stopped, Store};

use crate::tally::Tally;

/// Whose restriction is read to see whether a key is accepted: Roblox's own first account.
const ANYBODY: UserId = match UserId::new(1) {
    Some(user) => user,
    None => unreachable!(),
};

/// What came of trying a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Trial {
    /// It is accepted.
    Accepted,
    /// It is not: the status and what was said.
    Refused(u16, String),
    /// That cannot be told now.
    Unknown,
}

/// Tries the key of a secret in a universe, the secret fetched anew: it must be accepted for a read,
/// and where Roblox says what a key may do, it must be allowed to write.
pub async fn try_key(
    roblox: &Roblox,
    secrets: &SecretStore,
    secret: &str,
    universe: UniverseId,
) -> Trial {
    let key = match secrets.fresh_key(secret).await {
        Ok(key) => key,
        Err(SecretError::Unusable(why)) => return Trial::Refused(0, why),
        Err(SecretError::Unavailable(_)) => return Trial::Unknown,
    };
    let reading = roblox.restriction(&key, universe, Level::Universe, ANYBODY);
    match reading.await {
        Ok(_) => may_write(roblox, &key, universe).await,
        Err(RobloxError::Unauthorized { status, message }) => Trial::Refused(status, message),
        Err(_) => Trial::Unknown,
    }
}

async fn may_write(roblox: &Roblox, key: &RobloxKey, universe: UniverseId) -> Trial {
    let Ok(info) = roblox.introspect(key).await else {
        // It was accepted a moment ago; a change will tell.
        return Trial::Accepted;
    };
    let writes = |scope: &&String| scope.ends_with("user-restriction:write");
    match info.missing(universe).iter().find(writes) {
        Some(scope) => Trial::Refused(403, format!("the key lacks {scope}")),
        None => Trial::Accepted,
    }
}

/// Takes note of what came of trying the key of an experience; says whether it goes on.
pub async fn take_note(
    store: &Store,
    enforcement: &Enforcement,
    trial: &Trial,
    now: UnixMillis,
    tally: &Tally,
) -> Result<bool, ApiError> {
    let was = &enforcement.settings.stopped;
    match trial {
        Trial::Unknown => return Ok(was.is_none()),
        Trial::Accepted => {
            store
                .note_enforcement(enforcement, None, now.seconds())
                .await?;
        }
        Trial::Refused(status, message) => {
            let since = was.as_ref().map_or(now.seconds(), |was| was.at);
            let stopped = Stopped {
                at: since,
                status: *status,
                message: message.clone(),
            };
            tally.count(|counts| counts.stopped += 1);
            tally.blame(format!(
                "the mirror of experience {} is stopped: its key is not accepted ({status})",
                enforcement.experience
            ));
            let noting = store.note_enforcement(enforcement, Some(&stopped), now.seconds());
            noting.await?;
        }
    }
    Ok(*trial == Trial::Accepted)
}
