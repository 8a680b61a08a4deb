//! A call to Discord on behalf of an application.

use std::time::Duration;

use bytes::Bytes;
use lambda_http::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use lambda_http::http::{HeaderValue, Method, Request};
use serde_json::Value;
use url::Url;

use super::answer::{self, DiscordError};
use crate::domain::discord::AuditReason;
use crate::domain::members::DiscordId;
use crate::integrations::secret_text::SecretText;
use crate::integrations::service_client::{CallLimits, ServiceAnswer, ServiceClient};

/// Discord's address, unless `DISCORD_API_URL` has another.
pub const DISCORD_URL: &str = "https://discord.com";

/// The address in `DISCORD_API_URL`, or the public one.
#[must_use]
pub fn address() -> String {
    let set = std::env::var("DISCORD_API_URL").ok();
    let set = set.filter(|text| !text.is_empty());
    set.unwrap_or_else(|| DISCORD_URL.to_owned())
}

const JSON: &str = "application/json";

/// Why a change is made, for the audit log of the guild.
const AUDIT_LOG_REASON: &str = "x-audit-log-reason";

/// The version of the API.
const API: &str = "api/v10";

const LIMITS: CallLimits = CallLimits {
    time: Duration::from_secs(2),
    // A guild with 250 roles, 500 emojis and 60 stickers is below 400 KB.
    answer: 1024 * 1024,
};

/// Discord at one address, for one application. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Discord {
    client: ServiceClient,
    pub(super) application: DiscordId,
}

impl Discord {
    /// Discord at `DISCORD_API_URL`, or at its public address.
    pub fn from_environment(application: DiscordId) -> Result<Self, lambda_http::Error> {
        Self::at(&address(), application)
    }

    pub fn at(base: &str, application: DiscordId) -> Result<Self, lambda_http::Error> {
        Self::within(base, application, LIMITS.time)
    }

    /// The same with another time for each call.
    pub fn within(
        base: &str,
        application: DiscordId,
        time: Duration,
    ) -> Result<Self, lambda_http::Error> {
        let limits = CallLimits { time, ..LIMITS };
        Ok(Self {
            client: ServiceClient::at(base, limits)?,
            application,
        })
    }

    /// The address of one of Discord's pages.
    pub(super) fn page(&self, path: &str) -> Url {
        self.client.url(path)
    }

    pub(super) async fn get(
        &self,
        path: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<Value, DiscordError> {
        answer::object(&self.read(path, authorization).await?)
    }

    pub(super) async fn read(
        &self,
        path: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<ServiceAnswer, DiscordError> {
        self.send(Method::GET, path, authorization, None).await
    }

    /// Reads with parameters.
    pub(super) async fn read_where(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        authorization: Option<HeaderValue>,
    ) -> Result<ServiceAnswer, DiscordError> {
        let mut url = self.address(path);
        url.query_pairs_mut().extend_pairs(parameters);
        self.send_to(&url, Method::GET, authorization, None, None)
            .await
    }

    /// Changes a guild as the bot. The guild's audit log shows the reason.
    pub(super) async fn change_guild(
        &self,
        method: Method,
        path: &str,
        bot: &SecretText,
        reason: &AuditReason,
        body: Option<&Value>,
    ) -> Result<(), DiscordError> {
        let reason = HeaderValue::from_str(&reason.encoded()).ok();
        let body = body.map(|body| (JSON, body.to_string()));
        let url = self.address(path);
        let answer = self.send_to(&url, method, bot.after("Bot"), reason, body);
        answer::require_success(&answer.await?)
    }

    /// Sends a form.
    pub(super) async fn post(&self, path: &str, form: String) -> Result<Value, DiscordError> {
        let form = ("application/x-www-form-urlencoded", form);
        answer::object(&self.send(Method::POST, path, None, Some(form)).await?)
    }

    /// Sends JSON.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value, DiscordError> {
        let body = (JSON, body.to_string());
        answer::object(&self.send(Method::PATCH, path, None, Some(body)).await?)
    }

    /// Sends JSON as the bot.
    pub(super) async fn send_as_bot(
        &self,
        method: Method,
        path: &str,
        bot: &SecretText,
        body: &Value,
    ) -> Result<ServiceAnswer, DiscordError> {
        let body = (JSON, body.to_string());
        self.send(method, path, bot.after("Bot"), Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        authorization: Option<HeaderValue>,
        body: Option<(&str, String)>,
    ) -> Result<ServiceAnswer, DiscordError> {
        let url = self.address(path);
        self.send_to(&url, method, authorization, None, body).await
    }

    fn address(&self, path: &str) -> Url {
        self.client.url(&format!("{API}/{path}"))
    }

    async fn send_to(
        &self,
        url: &Url,
        method: Method,
        authorization: Option<HeaderValue>,
        reason: Option<HeaderValue>,
        body: Option<(&str, String)>,
    ) -> Result<ServiceAnswer, DiscordError> {
        // Discord blocks other forms of this header.
        let agent = format!(
            "DiscordBot (https://discord.com/developers/applications/{}, {})",
            self.application,
            env!("CARGO_PKG_VERSION")
        );
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(ACCEPT, JSON)
            .header(USER_AGENT, agent);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(reason) = reason {
            request = request.header(AUDIT_LOG_REASON, reason);
        }
        if let Some((kind, _)) = body {
            request = request.header(CONTENT_TYPE, kind);
        }
        let body = body.map(|(_, body)| body).unwrap_or_default();
        let request = request.body(Bytes::from(body));
        let answer = self.client.send(request).await;
        answer.map_err(DiscordError::Unavailable)
    }
}
