//! The webhooks of the workspace.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::clock::UnixSeconds;
use shared::domain::error::ApiError;
use shared::domain::event::EventName;
use shared::domain::webhooks::{AddressPolicy, Endpoint, EndpointState, PausedFor};

use super::done::DoneLine;
use super::keys::NewSecret;
use super::tabs::{SettingsTab, TabView};
use super::webhook_form::TypedWebhook;
use super::{form_key, new_key, use_form};
use crate::frame::Frame;
use crate::look::Look;
use crate::times::TimeTag;
use crate::visit::{self, Visit};

const USED_FORM: &str = "This form was sent before, and a secret is shown once. If you did not see it, \
    remove the newest webhook below and add it again.";

const ADDED_CHANNEL: &str = "The webhook is added. Events from now on appear in the channel.";

#[derive(Template)]
#[template(path = "settings/webhooks.html")]
struct WebhooksPage {
    look: Look,
    frame: Frame,
    tabs: Vec<TabView>,
    done: Option<DoneLine>,
    webhooks: Vec<WebhookView>,
    key: String,
    typed: TypedWebhook,
    note: Option<&'static str>,
    /// A new signing secret, shown once.
    secret: Option<NewSecret>,
}

/// A webhook without its secret or token.
pub struct WebhookView {
    pub id: String,
    /// Its name, or else its id: what has to be typed to remove it.
    pub name: String,
    /// Without the query, which may contain a secret.
    pub url: String,
    pub class: &'static str,
    pub state: &'static str,
    pub is_active: bool,
    pub failing_since: Option<TimeTag>,
    pub events: Vec<&'static str>,
    pub created: TimeTag,
}

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let page = WebhooksPage::read(visit, TypedWebhook::empty(), new_key()).await?;
    visit::show(StatusCode::OK, &page)
}

pub async fn add(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let key = form_key(&form);
    let (typed, fields) = TypedWebhook::read(&form, AddressPolicy::from_environment());
    let Some(fields) = fields else {
        let page = WebhooksPage::read(visit, typed, key).await?;
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    if !use_form(visit, "webhook", &key).await? {
        let mut page = WebhooksPage::read(visit, TypedWebhook::empty(), new_key()).await?;
        page.note = Some(USED_FORM);
        return visit::show(StatusCode::CONFLICT, &page);
    }
    let workspace = visit.signed_in.workspace.guid;
    let mut endpoint = Endpoint::of(workspace, fields.url.into(), fields.events, visit.now());
    endpoint.name = fields.name;
    visit.store.create_endpoint(&endpoint).await?;
    let mut page = WebhooksPage::read(visit, TypedWebhook::empty(), new_key()).await?;
    match endpoint.secrets() {
        Some(secrets) => {
            page.secret = Some(NewSecret {
                name: WebhookView::new(&endpoint, visit.now()).name,
                secret: secrets.current().reveal().to_owned(),
            });
        }
        None => page.done = Some(DoneLine::new(ADDED_CHANNEL)),
    }
    visit::show(StatusCode::OK, &page)
}

impl WebhooksPage {
    async fn read(visit: &Visit, typed: TypedWebhook, key: String) -> Result<Self, ApiError> {
        let now = visit.now();
        let mut endpoints = visit.store.endpoints(visit.prefix()).await?;
        endpoints.sort_by_key(|endpoint| (endpoint.created, endpoint.id));
        let removed = visit.query().text("done") == "removed";
        Ok(Self {
            look: visit.look,
            frame: visit.frame(),
            tabs: SettingsTab::Webhooks.tabs(),
            done: removed.then(|| DoneLine::new("The webhook is removed. It gets no more events.")),
            webhooks: endpoints
                .iter()
                .map(|endpoint| WebhookView::new(endpoint, now))
                .collect(),
            key,
            typed,
            note: None,
            secret: None,
        })
    }
}

impl WebhookView {
    pub fn new(endpoint: &Endpoint, now: UnixSeconds) -> Self {
        let id = endpoint.id.to_string();
        let (class, state) = match (endpoint.state, endpoint.paused_for) {
            (EndpointState::Active, _) if endpoint.failing_since.is_some() => {
                ("s-timed", "Failing")
            }
            (EndpointState::Active, _) => ("s-free", "Active"),
            (EndpointState::Paused, None) => ("s-expired", "Paused"),
            (_, Some(PausedFor::Gone)) if endpoint.discord().is_some() => {
                ("s-permanent", "Paused: deleted in Discord")
            }
            (_, Some(PausedFor::Gone)) => ("s-permanent", "Paused: it answered 410 Gone"),
            (_, Some(PausedFor::Failures) | None) => {
                ("s-permanent", "Paused: no success for three days")
            }
        };
        Self {
            name: endpoint.name.clone().unwrap_or_else(|| id.clone()),
            id,
            url: endpoint.receiver.to_string(),
            class,
            state,
            is_active: endpoint.is_active(),
            failing_since: endpoint.failing_since.map(|at| TimeTag::new(at, now)),
            events: endpoint.events.events().map(EventName::as_str).collect(),
            created: TimeTag::new(endpoint.created, now),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use shared::domain::ids::WorkspaceId;
    use shared::domain::webhooks::{EventFilter, Target};

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW};
    use crate::form::TypedField;

    pub fn endpoint(name: &str) -> Endpoint {
        let url = Target::parse("https://example.com/bans?token=secret").unwrap();
        let mut endpoint = Endpoint::new(WorkspaceId::random(), url, EventFilter::all(), NOW);
        endpoint.name = Some(name.to_owned());
        endpoint
    }

    #[test]
    fn hostile_names_are_escaped_and_the_list_has_no_query() {
        let page = WebhooksPage {
            look: Look::default(),
            frame: Frame::example(true),
            tabs: SettingsTab::Webhooks.tabs(),
            done: Some(DoneLine::new(HOSTILE)),
            webhooks: vec![WebhookView::new(&endpoint(HOSTILE), NOW)],
            key: "key".to_owned(),
            typed: TypedWebhook {
                url: TypedField {
                    text: HOSTILE.to_owned(),
                    error: Some(HOSTILE.to_owned()),
                },
                ..TypedWebhook::empty()
            },
            note: Some(USED_FORM),
            secret: Some(NewSecret {
                name: HOSTILE.to_owned(),
                secret: "whsec_x".to_owned(),
            }),
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(!html.contains("token=secret"), "{html}");
        assert_eq!(html.matches("whsec_x").count(), 1);
    }

    #[test]
    fn state_of_a_webhook_is_a_word() {
        let state = |endpoint: &Endpoint| WebhookView::new(endpoint, NOW).state;
        let active = endpoint("x");
        assert_eq!(state(&active), "Active");
        let failing = active.clone().after_failure(NOW);
        assert_eq!(state(&failing), "Failing");
        assert_eq!(state(&active.clone().paused()), "Paused");
        assert!(state(&active.clone().after_gone(NOW)).contains("410"));
        let long = failing.after_failure(NOW.plus(4 * 86_400));
        assert!(state(&long).contains("three days"));
    }
}
