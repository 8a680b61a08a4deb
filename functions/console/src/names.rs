//! Names of Roblox users: shown beside ids, and accepted in place of ids.

use std::collections::HashMap;

use shared::domain::ids::UserId;
use url::Url;

/// What Roblox calls a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerName {
    pub name: String,
    pub display_name: String,
}

/// The names of these users, as far as they are known. Nothing looks them up yet.
pub async fn shown(_: impl IntoIterator<Item = UserId>) -> HashMap<UserId, PlayerName> {
    HashMap::new()
}

/// The user whom a person means, or why nobody fits.
pub async fn resolve(typed: &str) -> Result<UserId, String> {
    let typed = typed.trim();
    if let Some(user) = id(typed).or_else(|| linked(typed)) {
        return Ok(user);
    }
    Err("Type a user id, such as 156, or paste a link to the player's Roblox profile.".to_owned())
}

/// The same for several, in their order.
pub async fn resolve_all(typed: &[&str]) -> Vec<Result<UserId, String>> {
    let mut found = Vec::with_capacity(typed.len());
    for one in typed {
        found.push(resolve(one).await);
    }
    found
}

fn id(text: &str) -> Option<UserId> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// The user of a link to a profile.
fn linked(text: &str) -> Option<UserId> {
    let url = match text.contains("://") {
        true => Url::parse(text),
        false => Url::parse(&format!("https://{text}")),
    };
    let url = url.ok()?;
    let host = url.host_str()?;
    let is_roblox = host == "roblox.com" || host.ends_with(".roblox.com");
    let mut segments = url.path_segments().filter(|_| is_roblox)?;
    segments.find(|segment| *segment == "users")?;
    id(segments.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ids_and_links_are_understood() {
        let user = UserId::new(156).unwrap();
        for typed in [
            "156",
            " 156 ",
            "https://www.roblox.com/users/156/profile",
            "www.roblox.com/de/users/156/profile",
        ] {
            assert_eq!(resolve(typed).await, Ok(user), "{typed}");
        }
        for typed in [
            "",
            "0",
            "-1",
            "https://example.com/users/156/profile",
            "x y",
        ] {
            assert!(resolve(typed).await.is_err(), "{typed}");
        }
    }
}
