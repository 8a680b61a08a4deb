//! Routes calls, and answers in Discord's forms.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::application;
use super::authorization;
use super::bans;
use super::commands;
use super::demo::BOT_TOKEN;
use super::guilds;
use super::originals;
use super::state::State;
use super::webhooks;
use crate::gateway::decode;

#[derive(Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub authorization: String,
    agent: String,
    pub kind: String,
    /// Why a change is made, decoded.
    pub reason: String,
    pub body: Bytes,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    pub body: String,
}

impl Call {
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Self {
        let header = |name: HeaderName| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Self {
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: pairs(uri.query().unwrap_or_default()),
            authorization: header(header::AUTHORIZATION),
            agent: header(header::USER_AGENT),
            kind: header(header::CONTENT_TYPE),
            reason: decode(
                &header(HeaderName::from_static("x-audit-log-reason")),
                false,
            ),
            body,
        }
    }

    /// Fails unless the call has the bot's token.
    pub fn as_bot(&self) -> Result<(), Answer> {
        if self.authorization.strip_prefix("Bot ") == Some(BOT_TOKEN) {
            return Ok(());
        }
        Err(Answer::error(401, 0, "401: Unauthorized"))
    }

    /// The fields of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        pairs(&String::from_utf8_lossy(&self.body))
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| (decode(name, true), decode(value, true)))
        .collect()
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    pub fn html(status: u16, body: &str) -> Self {
        Self::of(status, "text/html; charset=utf-8", body.to_owned())
    }

    fn of(status: u16, kind: &str, body: String) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or_default(),
            headers: vec![(header::CONTENT_TYPE, kind.to_owned())],
            body,
        }
    }

    pub fn redirect(target: &str) -> Self {
        let mut answer = Self::html(302, "");
        answer.headers.push((header::LOCATION, target.to_owned()));
        answer
    }

    /// An error of the API.
    pub fn error(status: u16, code: u64, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    /// What is wrong with a field of a body. Errors are nested like the fields.
    pub fn invalid_form(path: &[&str], code: &str, message: &str) -> Self {
        let errors = json!({ "_errors": [{ "code": code, "message": message }] });
        let inside = |inner: Value, name: &&str| json!({ *name: inner });
        let errors = path.iter().rev().fold(errors, inside);
        let message = "Invalid Form Body";
        Self::json(
            400,
            &json!({ "code": 50_035, "message": message, "errors": errors }),
        )
    }

    pub fn too_many(seconds: f64) -> Self {
        let mut answer = Self::json(
            429,
            &json!({ "message": "You are being rate limited.", "code": 0, "retry_after": seconds, "global": false }),
        );
        let whole = format!("{}", seconds.ceil());
        answer.headers.push((header::RETRY_AFTER, whole));
        answer
    }

    /// An answer that has no body.
    pub fn empty(status: u16) -> Self {
        let mut answer = Self::of(status, "", String::new());
        answer.headers.clear();
        answer
    }

    /// The same with a header.
    pub fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        let name = HeaderName::from_static(name);
        self.headers.push((name, value.to_string()));
        self
    }

    pub fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// `works` says whether the endpoint in a change of the application answers as it must.
pub fn answer(state: &mut State, call: &Call, works: bool) -> Answer {
    let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    let rest = match path.as_slice() {
        ["oauth2", "authorize"] => return authorization::page(state, call),
        ["oauth2", "authorize", "choice"] => return authorization::choose(state, call),
        ["api", "v10", rest @ ..] => rest,
        // The URL as people copy it.
        ["api", rest @ ..] if rest.first() == Some(&"webhooks") => rest,
        _ => return Answer::error(404, 0, "404: Not Found"),
    };
    // Cloudflare blocks other agents.
    if !call.agent.starts_with("DiscordBot (http") {
        return Answer::html(403, "error code: 1010");
    }
    match (call.method.as_str(), rest) {
        ("POST", ["oauth2", "token"]) => authorization::token(state, call),
        ("GET" | "PATCH", ["applications", "@me"]) => application::application(state, call, works),
        ("GET" | "PUT", ["applications", application, "commands"]) => {
            commands::commands(state, call, application)
        }
        ("GET", ["users", "@me"]) if call.as_bot().is_ok() => bans::bot_user(),
        ("GET", ["users", "@me"]) => authorization::current_user(state, call),
        ("GET" | "PATCH", ["webhooks", application, token, "messages", "@original"]) => {
            originals::original(state, call, application, token)
        }
        ("GET", ["guilds", guild]) => guilds::guild(state, call, guild),
        ("GET" | "PUT" | "DELETE", ["guilds", guild, "bans", user]) => {
            bans::ban(state, call, guild, user)
        }
        ("GET", ["guilds", guild, "audit-logs"]) => bans::audit_log(state, call, guild),
        ("POST", ["webhooks", webhook, token]) => webhooks::post(state, call, webhook, token),
        ("PUT" | "DELETE", ["guilds", guild, "members", user, "roles", role]) => {
            guilds::change_role(state, call, guild, (user, role))
        }
        ("GET", ["guilds", guild, "members", user]) => guilds::member(state, call, guild, user),
        _ => Answer::error(404, 0, "404: Not Found"),
    }
}
