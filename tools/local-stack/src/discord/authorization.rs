//! Signing in: the page of authorization, codes, tokens and the current user.

use serde_json::json;
use uuid::Uuid;

use super::demo::{APPLICATION, CLIENT_SECRET};
use super::routes::{Answer, Call};
use super::state::{Code, State};

/// `GET /oauth2/authorize`: a page with a button for each user, and one to refuse.
pub fn page(state: &State, call: &Call) -> Answer {
    if let Err(what) = checked(state, call) {
        let what = escape(&what);
        return Answer::html(400, &format!("<!doctype html><h1>Invalid {what}</h1>"));
    }
    let given = |name: &str| escape(call.query.get(name).map_or("", String::as_str));
    let (redirect, state_given) = (given("redirect_uri"), given("state"));
    let button = |value: &str, text: &str| {
        let text = escape(text);
        format!(
            "<p><button name=\"user\" value=\"{value}\" data-testid=\"{value}\">{text}</button></p>"
        )
    };
    let users = state.users.iter().map(|(id, user)| {
        let name = user.global_name.as_ref().unwrap_or(&user.username);
        button(&id.to_string(), &format!("Continue as {name}"))
    });
    let users: String = users.collect();
    let cancel = button("", "Cancel");
    let page = format!(
        "<!doctype html><html lang=\"en\"><title>Discord, emulated</title>\
         <h1>Who are you?</h1><p>Discord, as the local stack emulates it.</p>\
         <form action=\"/oauth2/authorize/choice\">\
         <input type=\"hidden\" name=\"redirect_uri\" value=\"{redirect}\">\
         <input type=\"hidden\" name=\"state\" value=\"{state_given}\">{users}{cancel}</form></html>"
    );
    Answer::html(200, &page)
}

/// What is wrong with a request for authorization.
fn checked(state: &State, call: &Call) -> Result<(), String> {
    let application = APPLICATION.to_string();
    for (name, expected) in [
        ("client_id", application.as_str()),
        ("response_type", "code"),
        ("scope", "identify"),
        ("prompt", "none"),
    ] {
        if call.query.get(name).map(String::as_str) != Some(expected) {
            return Err(name.to_owned());
        }
    }
    if !call.query.contains_key("state") {
        return Err("state".to_owned());
    }
    is_registered(state, call)
}

fn is_registered(state: &State, call: &Call) -> Result<(), String> {
    let redirect = call.query.get("redirect_uri");
    let is_known = redirect.is_some_and(|redirect| state.redirects.contains(redirect));
    is_known
        .then_some(())
        .ok_or("OAuth2 redirect_uri".to_owned())
}

/// A button of that page: back to the application, with a code or an error.
pub fn choose(state: &mut State, call: &Call) -> Answer {
    if let Err(what) = is_registered(state, call) {
        return Answer::html(400, &what);
    }
    let given = |name: &str| call.query.get(name).cloned().unwrap_or_default();
    let (redirect, state_given) = (given("redirect_uri"), encode(&given("state")));
    let Some(user) = given("user").parse().ok() else {
        return Answer::redirect(&format!(
            "{redirect}?error=access_denied&error_description=The+resource+owner+denied+the+request\
             &state={state_given}"
        ));
    };
    let code = Uuid::new_v4().simple().to_string();
    let target = format!("{redirect}?code={code}&state={state_given}");
    state.codes.insert(code, Code { user, redirect });
    Answer::redirect(&target)
}

/// `POST /oauth2/token`.
pub fn token(state: &mut State, call: &Call) -> Answer {
    let refused = |status, error: &str, text: &str| {
        Answer::json(
            status,
            &json!({ "error": error, "error_description": text }),
        )
    };
    let form = call.form();
    let given = |name: &str| form.get(name).map_or("", String::as_str);
    if call.kind != "application/x-www-form-urlencoded" {
        return refused(400, "invalid_request", "The body must be a form.");
    }
    if given("client_id") != APPLICATION.to_string() || given("client_secret") != CLIENT_SECRET {
        return Answer::json(401, &json!({ "error": "invalid_client" }));
    }
    if given("grant_type") != "authorization_code" {
        return refused(400, "unsupported_grant_type", "Grant type is not supported");
    }
    let Some(code) = state.codes.remove(given("code")) else {
        return refused(400, "invalid_grant", "Invalid \"code\" in request.");
    };
    if code.redirect != given("redirect_uri") {
        return refused(
            400,
            "invalid_request",
            "Invalid \"redirect_uri\" in request.",
        );
    }
    let token = format!("user-token-{}", Uuid::new_v4().simple());
    let answer = json!({
        "token_type": "Bearer", "access_token": token, "expires_in": 604_800,
        "refresh_token": format!("refresh-{token}"), "scope": "identify",
    });
    state.tokens.insert(token, code.user);
    Answer::json(200, &answer)
}

/// `GET /users/@me`.
pub fn current_user(state: &State, call: &Call) -> Answer {
    if call.as_bot().is_ok() {
        return described(APPLICATION, "portcullis", None);
    }
    let token = call.authorization.strip_prefix("Bearer ");
    let user = token.and_then(|token| state.tokens.get(token));
    let Some((id, user)) = user.and_then(|id| Some((id, state.users.get(id)?))) else {
        return Answer::error(401, 0, "401: Unauthorized");
    };
    described(*id, &user.username, user.global_name.as_deref())
}

fn described(id: u64, username: &str, global_name: Option<&str>) -> Answer {
    Answer::json(
        200,
        &json!({
            "id": id.to_string(), "username": username, "global_name": global_name,
            "avatar": null, "discriminator": "0", "public_flags": 0, "flags": 0, "mfa_enabled": true,
            "locale": "en-US", "premium_type": 0, "primary_guild": null,
        }),
    )
}

fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    escaped.replace('"', "&quot;")
}

fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}
