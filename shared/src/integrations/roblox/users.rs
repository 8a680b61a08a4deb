//! Roblox's users API: names by id, and users by name. It needs no key.

use lambda_http::http::Method;
use serde_json::{Value, json};

use super::answer::RobloxError;
use super::client::{Roblox, json_object};
use crate::domain::ids::UserId;
use crate::domain::user_name::{RobloxName, RobloxUser, UserName};

/// The address of the users API, unless `ROBLOX_USERS_URL` has another.
pub const USERS_URL: &str = "https://users.roblox.com";

/// How many users a call may name. Roblox publishes 200 for ids and nothing for names, where callers
/// report 100.
pub const MOST_USERS: usize = 100;

/// The users API at one address. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct UsersApi(Roblox);

/// A user, and the name that was looked up: their present or a previous one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserByName {
    pub requested: String,
    pub user: RobloxUser,
}

impl UsersApi {
    /// The users API at `ROBLOX_USERS_URL`, or at its public address.
    pub fn from_environment() -> Result<Self, lambda_http::Error> {
        Roblox::from_variable("ROBLOX_USERS_URL", USERS_URL).map(Self)
    }

    pub fn at(base: &str) -> Result<Self, lambda_http::Error> {
        Roblox::at(base).map(Self)
    }

    /// The users with these ids, up to [`MOST_USERS`], without those whom Roblox does not know.
    pub async fn by_id(&self, ids: &[UserId]) -> Result<Vec<RobloxUser>, RobloxError> {
        let found = self.look_up("v1/users", "userIds", json!(ids)).await?;
        let users = found.iter().filter_map(read_user);
        Ok(users.filter(|user| ids.contains(&user.id)).collect())
    }

    /// The users who have or had these names, up to [`MOST_USERS`].
    pub async fn by_name(&self, names: &[UserName]) -> Result<Vec<UserByName>, RobloxError> {
        let names: Vec<_> = names.iter().map(UserName::as_str).collect();
        let found = self.look_up("v1/usernames/users", "usernames", json!(names));
        let found = found.await?;
        let read = |entry: &Value| {
            Some(UserByName {
                requested: entry.get("requestedUsername")?.as_str()?.to_owned(),
                user: read_user(entry)?,
            })
        };
        Ok(found.iter().filter_map(read).collect())
    }

    async fn look_up(
        &self,
        path: &str,
        field: &str,
        named: Value,
    ) -> Result<Vec<Value>, RobloxError> {
        let body = json!({ field: named, "excludeBannedUsers": false });
        let url = self.0.url(path);
        let answer = self.0.send(Method::POST, url, None, Some(body)).await?;
        match json_object(&answer)?.get_mut("data").map(Value::take) {
            Some(Value::Array(found)) => Ok(found),
            _ => Err(RobloxError::Unavailable(
                "the answer has no list of users".to_owned(),
            )),
        }
    }
}

fn read_user(entry: &Value) -> Option<RobloxUser> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    Some(RobloxUser {
        id: entry.get("id")?.as_u64().and_then(UserId::new)?,
        name: RobloxName::new(text("name")?, text("displayName").unwrap_or_default())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_has_an_id_and_a_name() {
        for (entry, expected) in [
            (
                json!({ "id": 156, "name": "a_b", "displayName": "A" }),
                Some("A"),
            ),
            (json!({ "id": 156, "name": "a_b" }), Some("a_b")),
            (json!({ "id": 156 }), None),
            (json!({ "id": 0, "name": "a_b" }), None),
            (json!({ "id": -1, "name": "a_b" }), None),
            (json!({ "id": 156, "name": "a\u{1b}b" }), None),
            (json!(null), None),
        ] {
            let user = read_user(&entry);
            let shown = user.as_ref().map(|user| user.name.display_name());
            assert_eq!(shown, expected, "{entry}");
        }
    }
}
