//! The settings of a workspace, for its administrators.

mod done;
mod key_form;
mod keys;
mod last_administrator;
mod member;
mod member_form;
mod members;
mod preset_form;
mod presets;
mod protected;
mod revoke;
mod rules;
mod tabs;
mod webhook;
mod webhook_form;
mod webhooks;

use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::idempotency::IdempotencyKey;
use shared::domain::rules::Meaning;

use super::ban_form::new_key;
use crate::form::Submitted;
use crate::headers;
use crate::router::SettingsRoute;
use crate::visit::Visit;

/// Answers a page of the settings, or does what its form says.
pub async fn answer(visit: &Visit, route: SettingsRoute) -> Result<Response<Body>, ApiError> {
    visit.administrator()?;
    match route {
        SettingsRoute::Home => Ok(headers::see_other("/console/settings/members")),
        SettingsRoute::Members => members::show(visit).await,
        SettingsRoute::AddMember => members::add(visit).await,
        SettingsRoute::Member(id) => member::show(visit, id).await,
        SettingsRoute::ChangeMember(id) => member::change(visit, id).await,
        SettingsRoute::InviteMember(id) => member::invite(visit, id).await,
        SettingsRoute::RemoveMember(id) => member::remove(visit, id).await,
        SettingsRoute::RestoreMember(id) => member::restore(visit, id).await,
        SettingsRoute::AddRule => rules::add(visit).await,
        SettingsRoute::RemoveRule(rule) => rules::remove(visit, &rule).await,
        SettingsRoute::Keys => keys::show(visit).await,
        SettingsRoute::CreateKey => keys::create(visit).await,
        SettingsRoute::RevokeForm(key) => revoke::show(visit, &key).await,
        SettingsRoute::RevokeKey(key) => revoke::submit(visit, &key).await,
        SettingsRoute::Presets => presets::show(visit).await,
        SettingsRoute::SavePreset => presets::save(visit).await,
        SettingsRoute::RemovePreset => presets::remove(visit).await,
        SettingsRoute::RequirePresets => presets::require(visit).await,
        SettingsRoute::Webhooks => webhooks::show(visit).await,
        SettingsRoute::AddWebhook => webhooks::add(visit).await,
        SettingsRoute::Webhook(id) => webhook::show(visit, id).await,
        SettingsRoute::PauseWebhook(id) => webhook::pause(visit, id).await,
        SettingsRoute::ResumeWebhook(id) => webhook::resume(visit, id).await,
        SettingsRoute::TestWebhook(id) => webhook::test(visit, id).await,
        SettingsRoute::ReplayWebhook(id) => webhook::replay(visit, id).await,
        SettingsRoute::RemoveWebhook(id) => webhook::remove(visit, id).await,
        SettingsRoute::Protected => protected::show(visit).await,
        SettingsRoute::Protect => protected::add(visit).await,
        SettingsRoute::Unprotect(user) => protected::remove(visit, user).await,
    }
}

/// The key of a submitted form, or a new one.
fn form_key(form: &Submitted) -> String {
    let key = Some(form.text("key")).filter(|key| (1..=64).contains(&key.len()));
    key.map_or_else(new_key, str::to_owned)
}

/// Uses up a form that makes something; `false` if it was sent before.
async fn use_form(visit: &Visit, what: &str, key: &str) -> Result<bool, ApiError> {
    let form = IdempotencyKey::of_form(key, &Meaning::of_parts(&[what]));
    let (prefix, member) = (visit.prefix(), visit.signed_in.member.id);
    visit
        .store
        .use_form(prefix, member, &form, visit.now())
        .await
}
