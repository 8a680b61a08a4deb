//! How account links are named in calls and answers.

use serde::Serialize;
use serde_json::Value;

use super::{ApiRequest, Fields, Reply};
use crate::api::auth::Caller;
use crate::domain::account_links::{AccountLink, LinkProof, LinkSide};
use crate::domain::error::ApiError;
use crate::domain::ids::UserId;
use crate::domain::members::DiscordId;
use crate::store::LinkActor;

const NO_DISCORD_ID: &str = "must be the id of a Discord user: a string of 17 to 19 digits";

/// A link in an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkInfo {
    roblox_id: UserId,
    discord_id: DiscordId,
    method: LinkProof,
    created: u64,
    /// Whether an administrator has confirmed it.
    confirmed: bool,
}

impl From<&AccountLink> for LinkInfo {
    fn from(link: &AccountLink) -> Self {
        Self {
            roblox_id: link.pair.roblox,
            discord_id: link.pair.discord,
            method: link.proof,
            created: link.linked.0,
            confirmed: link.confirmed.is_some(),
        }
    }
}

/// The answer to a call that changes a link; with the link only if the caller prefers that.
#[derive(Serialize)]
struct ChangedLink {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkInfo>,
}

impl LinkInfo {
    /// The answer to a call that changed a link.
    pub fn changed(request: &ApiRequest, link: Option<&AccountLink>) -> Result<Reply, ApiError> {
        let link = link.filter(|_| request.prefers_representation());
        let reply = Reply::json(&ChangedLink {
            status: "ok",
            link: link.map(Self::from),
        })?;
        Ok(match link {
            Some(_) => reply.preferred(),
            None => reply,
        })
    }
}

impl<P> Caller<P> {
    /// Who changes links.
    #[must_use]
    pub fn link_actor(&self) -> LinkActor {
        LinkActor {
            id: self.key_id().to_owned(),
            channel: self.channel(),
            principal: None,
        }
    }
}

impl Fields {
    /// A required Discord user.
    pub fn discord_id(&mut self, field: &'static str) -> Option<DiscordId> {
        if self.value(field).is_none() {
            self.reject(field, format!("is required and {NO_DISCORD_ID}"));
        }
        self.optional_discord_id(field)
    }

    fn optional_discord_id(&mut self, field: &'static str) -> Option<DiscordId> {
        let id = discord_id(self.value(field)?);
        if id.is_none() {
            self.reject(field, NO_DISCORD_ID);
        }
        id
    }

    /// Exactly one of `userId` and `discordId`.
    pub fn link_side(&mut self) -> Option<LinkSide> {
        match (self.value("userId"), self.value("discordId")) {
            (Some(_), Some(_)) => {
                self.reject(
                    "discordId",
                    "cannot be combined with userId: send one of them",
                );
                None
            }
            (None, None) => {
                self.reject(
                    "userId",
                    "is required, unless you send discordId, and must be a Roblox id",
                );
                None
            }
            (Some(_), None) => self.optional_id("userId").map(LinkSide::Roblox),
            (None, Some(_)) => self.optional_discord_id("discordId").map(LinkSide::Discord),
        }
    }

    /// The Discord and Roblox users of a look-up, 1 to `most` in all, in the order sent.
    pub fn link_sides(&mut self, most: usize) -> Option<Vec<LinkSide>> {
        let read = |value: &Value| discord_id(value).map(LinkSide::Discord);
        let mut sides = self.optional_list("discord", NO_DISCORD_ID, read)?;
        let read = |value: &Value| Self::read_id(value).map(LinkSide::Roblox);
        sides.extend(self.optional_list("roblox", "must be a Roblox id", read)?);
        if !(1..=most).contains(&sides.len()) {
            let expected = format!("must have 1 to {most} ids, together with roblox");
            self.reject("discord", expected);
            return None;
        }
        Some(sides)
    }
}

fn discord_id(value: &Value) -> Option<DiscordId> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DISCORD: &str = "80351110224678912";

    fn read<T>(value: Value, read: impl Fn(&mut Fields) -> Option<T>) -> Result<T, Vec<String>> {
        let Value::Object(map) = value else {
            panic!("no object")
        };
        let mut fields = Fields::new(map);
        let found = read(&mut fields);
        match fields.build(|| found) {
            Ok(found) => Ok(found),
            Err(ApiError::InvalidRequest(errors)) => {
                Err(errors.iter().map(|it| it.field.to_string()).collect())
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn account_is_on_exactly_one_side() {
        let roblox = LinkSide::Roblox(UserId::new(156).unwrap());
        let discord = LinkSide::Discord(DISCORD.parse().unwrap());
        let wrong = |field: &str| Err(vec![field.to_owned()]);
        for (body, expected) in [
            (json!({ "userId": 156.0 }), Ok(roblox)),
            (json!({ "discordId": DISCORD }), Ok(discord)),
            (json!({ "userId": null, "discordId": DISCORD }), Ok(discord)),
            (
                json!({ "userId": 156, "discordId": DISCORD }),
                wrong("discordId"),
            ),
            (json!({}), wrong("userId")),
            (json!({ "userId": "x" }), wrong("userId")),
            // A number of this size is not exact in JSON.
            (
                json!({ "discordId": 80_351_110_224_678_912_u64 }),
                wrong("discordId"),
            ),
            (json!({ "discordId": "156" }), wrong("discordId")),
        ] {
            let sent = body.to_string();
            assert_eq!(read(body, Fields::link_side), expected, "{sent}");
        }
    }

    #[test]
    fn both_lists_count_together() {
        let sides = |body| read(body, |fields| fields.link_sides(3)).map(|sides| sides.len());
        let wrong = |fields: &[&str]| Err(fields.iter().map(ToString::to_string).collect());
        assert_eq!(
            sides(json!({ "discord": [DISCORD], "roblox": [1, 1.0] })),
            Ok(3)
        );
        assert_eq!(sides(json!({ "roblox": ["1"] })), Ok(1));
        assert_eq!(sides(json!({ "discord": [], "roblox": [1] })), Ok(1));
        assert_eq!(
            sides(json!({ "discord": [DISCORD], "roblox": [1, 2, 3] })),
            wrong(&["discord"])
        );
        assert_eq!(sides(json!({})), wrong(&["discord"]));
        assert_eq!(
            sides(json!({ "discord": DISCORD, "roblox": [1] })),
            wrong(&["discord"])
        );
        assert_eq!(
            sides(json!({ "discord": [DISCORD, 7], "roblox": [0] })),
            wrong(&["discord[1]"])
        );
        assert_eq!(sides(json!({ "roblox": [1, 0] })), wrong(&["roblox[1]"]));
    }
}
