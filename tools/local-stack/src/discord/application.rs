//! The application, as its bot reads and changes it. Before an endpoint is set, it has to answer two requests.

use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, header};
use serde_json::{Value, json};

use super::caller;
use super::demo::APPLICATION;
use super::routes::{Answer, Call};
use super::state::State;
use crate::http::Client;

/// How long Discord waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

const FIELD: &str = "interactions_endpoint_url";

/// The application's settings at Discord.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    pub endpoint: Option<String>,
    /// Another public key than the one that belongs to the signatures.
    pub other_key: Option<String>,
    /// The commands for all guilds, with what Discord has added.
    pub commands: Vec<Value>,
}

/// `GET` and `PATCH /applications/@me`. `works` says whether the endpoint in the change answers as it must.
pub fn application(state: &mut State, call: &Call, works: bool) -> Answer {
    if let Err(refusal) = call.as_bot() {
        return refusal;
    }
    if call.method == "PATCH" {
        let sent: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        if call.kind != "application/json" || !sent.is_object() {
            return Answer::error(400, 50_035, "Invalid Form Body");
        }
        match sent.get(FIELD) {
            None => {}
            Some(Value::Null) => state.registered.endpoint = None,
            Some(Value::String(url)) if url.is_empty() => state.registered.endpoint = None,
            Some(Value::String(url)) if works => state.registered.endpoint = Some(url.clone()),
            Some(_) => {
                return Answer::invalid_form(
                    &[FIELD],
                    "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID",
                    "The specified interactions endpoint URL could not be verified.",
                );
            }
        }
    }
    let registered = &state.registered;
    let Some(key) = registered.other_key.clone().or(caller::public_key().ok()) else {
        return Answer::error(500, 0, "500: Internal Server Error");
    };
    Answer::json(
        200,
        &json!({
            "id": APPLICATION.to_string(), "name": "Portcullis (local)", "icon": null, "description": "",
            "summary": "", "type": null, "is_monetized": false, "is_verified": false, "bot_public": true,
            "bot_require_code_grant": false, "verify_key": key, "flags": 0, "hook": true,
            "storefront_available": false, "redirect_uris": state.redirects, "team": null,
            "owner": {
                "id": "80351110224678911", "username": "studio", "global_name": null, "avatar": null,
                "discriminator": "0", "public_flags": 0, "flags": 0, "primary_guild": null,
            },
            "approximate_guild_count": state.guilds.values().filter(|guild| guild.has_bot).count(),
            "approximate_user_install_count": 0, "interactions_endpoint_url": registered.endpoint,
            "role_connections_verification_url": null, "event_webhooks_url": null, "event_webhooks_status": 1,
            "integration_types_config": { "0": {} }, "explicit_content_filter": 0, "rpc_application_state": 0,
        }),
    )
}

/// Whether the endpoint in a change of the application answers a PING, and refuses one with a wrong signature.
pub async fn works(call: &Call) -> bool {
    if call.method != "PATCH" || call.path != "/api/v10/applications/@me" || call.as_bot().is_err()
    {
        return false;
    }
    let sent: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match sent.get(FIELD).and_then(Value::as_str) {
        Some(url) if !url.is_empty() => is_verifying(url).await,
        _ => false,
    }
}

async fn is_verifying(url: &str) -> bool {
    let id = caller::new_id(Duration::ZERO).to_string();
    let ping = json!({
        "id": id, "application_id": APPLICATION.to_string(), "type": 1, "version": 1, "token": "a-ping",
        "entitlements": [], "authorizing_integration_owners": {},
        "user": { "id": "80351110224678911", "username": "discord", "discriminator": "0", "avatar": null },
    });
    let Ok(right) = caller::request_to(url, &ping) else {
        return false;
    };
    let mut wrong = right.clone();
    let signature = caller::signature(&caller::signing_time(), b"something else");
    let Some(signature) = signature.ok().and_then(|text| text.parse().ok()) else {
        return false;
    };
    wrong.headers_mut().insert("x-signature-ed25519", signature);
    let is_pong = |kind: &str, body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        kind.starts_with("application/json") && body.get("type") == Some(&json!(1))
    };
    let answered = answer(right).await;
    answered.is_some_and(|(status, kind, body)| status == 200 && is_pong(&kind, &body))
        && answer(wrong)
            .await
            .is_some_and(|(status, ..)| status == 401)
}

/// Status, type and body of an answer in time.
async fn answer(request: Request<Bytes>) -> Option<(u16, String, Bytes)> {
    let client = Client::new();
    let answered = tokio::time::timeout(PATIENCE, client.send(request)).await;
    let answered = answered.ok()?.ok()?;
    let kind = answered.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (status, kind) = (answered.status().as_u16(), kind.to_owned());
    Some((status, kind, answered.into_body()))
}
