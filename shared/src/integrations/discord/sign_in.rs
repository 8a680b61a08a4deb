//! Signing in by `OAuth2` with the scope `identify`: who the user is, and nothing else.

use serde_json::Value;
use url::{Url, form_urlencoded};

use super::answer::{DiscordError, unintelligible};
use super::client::Discord;
use crate::domain::members::DiscordId;
use crate::integrations::secret_text::SecretText;

/// A user's access token. It is used once and never stored.
#[derive(Debug)]
pub struct UserToken(SecretText);

/// Who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscordUser {
    pub id: DiscordId,
    /// The unique name.
    pub username: String,
    /// The name that they show, if they have set one.
    pub global_name: Option<String>,
}

impl Discord {
    /// The page on which a user agrees that the application learns who they are. Discord then sends
    /// them to `redirect_uri`, which the application must have registered.
    #[must_use]
    pub fn authorize_url(&self, redirect_uri: &str, state: &str) -> Url {
        let mut url = self.page("oauth2/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &self.application.to_string())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "identify")
            .append_pair("state", state)
            // A user who has agreed before is not asked again.
            .append_pair("prompt", "none");
        url
    }

    /// The token for the code with which Discord has sent a user back.
    pub async fn exchange_code(
        &self,
        client_secret: &SecretText,
        code: &str,
        redirect_uri: &str,
    ) -> Result<UserToken, DiscordError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.application.to_string())
            .append_pair("client_secret", client_secret.reveal())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri)
            .finish();
        let answer = self.post("oauth2/token", form).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let is_bearer = text("token_type").is_some_and(|it| it.eq_ignore_ascii_case("bearer"));
        let token = text("access_token").filter(|_| is_bearer);
        let token = token.and_then(SecretText::new).map(UserToken);
        token.ok_or_else(|| unintelligible("has no token"))
    }

    pub async fn current_user(&self, token: UserToken) -> Result<DiscordUser, DiscordError> {
        let answer = self.get("users/@me", token.0.after("Bearer")).await?;
        DiscordUser::read(&answer).ok_or_else(|| unintelligible("has no user"))
    }
}

impl DiscordUser {
    fn read(answer: &Value) -> Option<Self> {
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        Some(Self {
            id: text("id")?.parse().ok()?,
            username: text("username")?.to_owned(),
            global_name: text("global_name").map(str::to_owned),
        })
    }

    /// The name by which others know them.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.global_name.as_deref().unwrap_or(&self.username)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn user_is_asked_for_nothing_but_who_they_are() {
        let discord = Discord::at("https://discord.com", "157730590492196864".parse().unwrap());
        let url = discord
            .unwrap()
            .authorize_url("https://a.example/back", "s&t");
        assert_eq!(
            url.as_str(),
            "https://discord.com/oauth2/authorize?client_id=157730590492196864&response_type=code\
             &redirect_uri=https%3A%2F%2Fa.example%2Fback&scope=identify&state=s%26t&prompt=none"
        );
    }

    #[test]
    fn user_has_an_id_and_a_name() {
        let id = "80351110224678912";
        let user = DiscordUser::read(&json!({ "id": id, "username": "ada", "global_name": null }));
        assert_eq!(user.unwrap().display_name(), "ada");
        let named = json!({ "id": id, "username": "ada", "global_name": "Ada" });
        assert_eq!(DiscordUser::read(&named).unwrap().display_name(), "Ada");
        for other in [
            json!({ "id": id }),
            json!({ "id": 7, "username": "ada" }),
            json!({}),
        ] {
            assert_eq!(DiscordUser::read(&other), None, "{other}");
        }
    }
}
