//! Checks keys with Roblox and records the result for the experiences that use them.

use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{UniverseId, UserId};
use shared::domain::rules::mirror::{KeyCheck, Level, MirrorStop};
use shared::integrations::roblox::{Roblox, RobloxError, RobloxKey};
use shared::integrations::secrets::{SecretError, SecretStore};
use shared::store::{Mirror, Store};

use crate::stats::MirrorStats;

/// The user whose restriction is read to check a key: Roblox's own first account.
const PROBE: UserId = match UserId::new(1) {
    Some(user) => user,
    None => unreachable!(),
};

/// Checks the key of a secret in a universe, with the secret read from Secrets Manager: Roblox must accept
/// it for a read, and where Roblox says what the key may do, it must allow writes.
pub async fn check_key(
    roblox: &Roblox,
    secrets: &SecretStore,
    secret: &str,
    universe: UniverseId,
) -> KeyCheck {
    let key = match secrets.fresh_key(secret).await {
        Ok(key) => key,
        Err(SecretError::Unusable(message)) => return KeyCheck::Refused { status: 0, message },
        Err(SecretError::Unavailable(_)) => return KeyCheck::Unknown,
    };
    let reading = roblox.restriction(&key, universe, Level::Universe, PROBE);
    match reading.await {
        Ok(_) => check_scopes(roblox, &key, universe).await,
        Err(RobloxError::Unauthorized { status, message }) => KeyCheck::Refused { status, message },
        Err(_) => KeyCheck::Unknown,
    }
}

async fn check_scopes(roblox: &Roblox, key: &RobloxKey, universe: UniverseId) -> KeyCheck {
    let Ok(info) = roblox.introspect(key).await else {
        // Roblox accepted the key for a read. The next change shows whether it may write.
        return KeyCheck::Accepted;
    };
    let writes = |scope: &&String| scope.ends_with("user-restriction:write");
    match info.missing(universe).iter().find(writes) {
        Some(scope) => KeyCheck::Refused {
            status: 403,
            message: format!("the key lacks {scope}"),
        },
        None => KeyCheck::Accepted,
    }
}

/// Records the result of checking an experience's key. Returns why its mirror is stopped, if it is.
pub async fn record_check(
    store: &Store,
    mirror: &Mirror,
    check: &KeyCheck,
    now: UnixMillis,
    stats: &MirrorStats,
) -> Result<Option<MirrorStop>, ApiError> {
    let now = now.seconds();
    let stop = check.stop(mirror.settings.stopped.as_ref(), now);
    if let KeyCheck::Refused { status, .. } = check {
        stats.count(|counts| counts.stopped += 1);
        stats.record_roblox_error(format!(
            "the mirror of experience {} is stopped: its key is not accepted ({status})",
            mirror.experience
        ));
    }
    if *check != KeyCheck::Unknown {
        store.record_key_check(mirror, stop.as_ref(), now).await?;
    }
    Ok(stop)
}
