//! Names of Roblox users: shown beside ids, and accepted in place of ids.

use std::collections::HashMap;

use shared::domain::ids::UserId;
use shared::domain::user_name::RobloxName;
use shared::domain::user_reference::UserReference;
use shared::moderation::names::DISPLAY_TIME;

use crate::pages::message::sentence;
use crate::visit::Visit;

/// The names of these users, as far as they are known in a short time.
pub async fn shown(
    visit: &Visit,
    users: impl IntoIterator<Item = UserId>,
) -> HashMap<UserId, RobloxName> {
    let (store, prefix) = (&visit.store, visit.prefix());
    visit.names.shown(store, prefix, users, DISPLAY_TIME).await
}

/// The user whom a person means, looked up now, or why nobody fits.
pub async fn resolve(visit: &Visit, typed: &str) -> Result<UserId, String> {
    let reference: UserReference = typed.trim().parse().map_err(|_| {
        "Type a name such as @builderman, a user id such as 156, or paste a link to the player's \
         Roblox profile."
            .to_owned()
    })?;
    let found = visit.names.resolve(&reference).await;
    let (user, _) = found.map_err(|error| sentence(&error.to_string()))?;
    Ok(user)
}
