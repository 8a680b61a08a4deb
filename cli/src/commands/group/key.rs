//! Whether an Open Cloud key can change ranks in a group.

use shared::domain::ids::{GroupId, UserId};
use shared::integrations::roblox::{Roblox, RobloxError, RobloxKey};

/// What Roblox reports about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedKey {
    pub owner: Option<UserId>,
    /// Why the key cannot change ranks in the group.
    pub flaw: Option<String>,
}

/// Checks a key; fails if Roblox does not answer.
pub async fn check_key(
    roblox: &Roblox,
    key: &RobloxKey,
    group: GroupId,
) -> Result<CheckedKey, RobloxError> {
    let info = match roblox.introspect(key).await {
        Ok(info) => info,
        Err(error @ RobloxError::Unauthorized { .. }) => {
            return Ok(CheckedKey {
                owner: None,
                flaw: Some(error.to_string()),
            });
        }
        Err(error) => return Err(error),
    };
    let flaw = if !info.enabled || info.expired {
        Some("the key is disabled or has expired".to_owned())
    } else if !info.writes_group(group) {
        Some(format!("the key lacks group:write for group {group}"))
    } else {
        unreachable(roblox, key, group).await?
    };
    Ok(CheckedKey {
        owner: info.owner,
        flaw,
    })
}

/// Why Roblox refuses to list the group's roles.
async fn unreachable(
    roblox: &Roblox,
    key: &RobloxKey,
    group: GroupId,
) -> Result<Option<String>, RobloxError> {
    match roblox.group_roles(key, group, None).await {
        Ok(_) => Ok(None),
        Err(error @ (RobloxError::Unauthorized { .. } | RobloxError::Refused { .. })) => {
            Ok(Some(error.to_string()))
        }
        Err(error) => Err(error),
    }
}
