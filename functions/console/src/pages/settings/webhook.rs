//! One webhook: its state, its deliveries, and what can be done about them.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::text::printable;
use shared::domain::webhooks::{
    Delivery, DeliveryKey, DeliveryState, Endpoint, EndpointId, Failure,
};

use super::done::DoneLine;
use super::tabs::{SettingsTab, TabView};
use super::webhooks::WebhookView;
use crate::form::TypedField;
use crate::frame::Frame;
use crate::headers;
use crate::look::{Choice, Look};
use crate::times::TimeTag;
use crate::visit::{self, Visit};

/// How many deliveries a page shows.
const SHOWN: usize = 50;

/// How many steps of a replay one request makes, each of up to 100 events.
const STEPS: u32 = 5;

const NO_WEBHOOK: ApiError = ApiError::NotFound("this workspace has no webhook with this id");

const STATES: [(&str, &str, Option<DeliveryState>); 5] = [
    ("", "All", None),
    ("due", "Waiting", Some(DeliveryState::Due)),
    ("failed", "Failed", Some(DeliveryState::Failed)),
    ("delivered", "Delivered", Some(DeliveryState::Delivered)),
    ("gone", "Gone", Some(DeliveryState::Gone)),
];

/// How far back events are sent again, in seconds.
const PERIODS: [(&str, &str, u64); 4] = [
    ("1h", "the last hour", 3_600),
    ("1d", "the last day", 86_400),
    ("7d", "the last 7 days", 7 * 86_400),
    ("30d", "the last 30 days", 30 * 86_400),
];

#[derive(Template)]
#[template(path = "settings/webhook.html")]
struct WebhookPage {
    look: Look,
    frame: Frame,
    tabs: Vec<TabView>,
    done: Option<DoneLine>,
    webhook: WebhookView,
    /// With its query.
    whole_url: String,
    states: Vec<Choice>,
    is_filtered: bool,
    deliveries: Vec<DeliveryView>,
    periods: Vec<Choice>,
    /// Where a replay continues that one request could not finish.
    continues: Option<u64>,
    typed: TypedField,
    note: Option<&'static str>,
}

/// A delivery in the list.
struct DeliveryView {
    event: String,
    id: String,
    class: &'static str,
    state: &'static str,
    attempts: u32,
    created: TimeTag,
    next: Option<TimeTag>,
    /// The last answer, or why there was none.
    last: Option<String>,
    tried: Option<TimeTag>,
}

pub async fn show(visit: &Visit, id: EndpointId) -> Result<Response<Body>, ApiError> {
    let mut page = WebhookPage::read(visit, id).await?;
    page.done = match visit.query().text("done") {
        "paused" => Some("Paused. Events from now on are not sent; you can send them later."),
        "resumed" => Some("Resumed. Waiting deliveries are sent within a minute."),
        "test" => Some("A test event is on its way. It appears below; reload for the answer."),
        "replayed" => {
            Some("Everything in this period that did not arrive is sent within a minute.")
        }
        _ => None,
    }
    .map(DoneLine::new);
    visit::show(StatusCode::OK, &page)
}

pub async fn pause(visit: &Visit, id: EndpointId) -> Result<Response<Body>, ApiError> {
    change(visit, id, Endpoint::paused, "paused").await
}

pub async fn resume(visit: &Visit, id: EndpointId) -> Result<Response<Body>, ApiError> {
    change(visit, id, Endpoint::resumed, "resumed").await
}

async fn change(
    visit: &Visit,
    id: EndpointId,
    change: fn(Endpoint) -> Endpoint,
    done: &str,
) -> Result<Response<Body>, ApiError> {
    visit.form()?;
    let changed = visit.store.change_endpoint(visit.prefix(), id, change);
    changed.await?.ok_or(NO_WEBHOOK)?;
    Ok(headers::see_other(&page_of(id, done)))
}

/// Sends a test event.
pub async fn test(visit: &Visit, id: EndpointId) -> Result<Response<Body>, ApiError> {
    visit.form()?;
    let endpoint = find(visit, id).await?;
    if !endpoint.is_active() {
        return paused(visit, id).await;
    }
    visit.store.request_test(&endpoint, visit.moment).await?;
    Ok(headers::see_other(&page_of(id, "test")))
}

/// Sends the events of a period again that did not arrive.
pub async fn replay(visit: &Visit, id: EndpointId) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let endpoint = find(visit, id).await?;
    if !endpoint.is_active() {
        return paused(visit, id).await;
    }
    let (store, prefix) = (&visit.store, visit.prefix());
    let mut after = if let Some(position) = form.parsed("after") {
        position
    } else {
        let chosen = PERIODS
            .iter()
            .find(|(name, ..)| *name == form.text("since"));
        let (_, _, seconds) = chosen.ok_or_else(|| ApiError::field("since", "is no period"))?;
        let since = visit.now().minus(*seconds).0.saturating_mul(1000);
        let since = UnixMillis::from_millis(since);
        store.position_since(prefix, since).await?
    };
    for _ in 0..STEPS {
        match store.replay(&endpoint, after, false, false).await?.next {
            Some(next) => after = next,
            None => return Ok(headers::see_other(&page_of(id, "replayed"))),
        }
    }
    let mut page = WebhookPage::read(visit, id).await?;
    page.continues = Some(after);
    visit::show(StatusCode::OK, &page)
}

/// Removes the webhook, after its name was typed.
pub async fn remove(visit: &Visit, id: EndpointId) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let mut page = WebhookPage::read(visit, id).await?;
    page.typed = TypedField::filled(form.raw("name"));
    if page.typed.value() != page.webhook.name {
        page.typed.error = Some(format!("Type {} exactly.", page.webhook.name));
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    visit.store.remove_endpoint_now(visit.prefix(), id).await?;
    Ok(headers::see_other(
        "/console/settings/webhooks?done=removed",
    ))
}

async fn paused(visit: &Visit, id: EndpointId) -> Result<Response<Body>, ApiError> {
    let mut page = WebhookPage::read(visit, id).await?;
    page.note = Some("Nothing was sent: the webhook is paused. Resume it first.");
    visit::show(StatusCode::CONFLICT, &page)
}

async fn find(visit: &Visit, id: EndpointId) -> Result<Endpoint, ApiError> {
    let found = visit.store.endpoint(visit.prefix(), id).await?;
    found.ok_or(NO_WEBHOOK)
}

fn page_of(id: EndpointId, done: &str) -> String {
    format!("/console/settings/webhooks/{id}?done={done}")
}

impl WebhookPage {
    async fn read(visit: &Visit, id: EndpointId) -> Result<Self, ApiError> {
        let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
        let query = visit.query();
        let wanted = query.text("state");
        let found = STATES.into_iter().find(|(name, ..)| *name == wanted);
        let state = found.and_then(|(_, _, state)| state);
        let endpoint = find(visit, id).await?;
        let deliveries = store.deliveries(prefix, id, state, SHOWN).await?;
        Ok(Self {
            look: visit.look,
            frame: visit.frame(),
            tabs: SettingsTab::Webhooks.tabs(),
            done: None,
            webhook: WebhookView::new(&endpoint, now),
            whole_url: endpoint.receiver.whole_url(),
            states: STATES
                .into_iter()
                .map(|(name, title, it)| {
                    let query = if name.is_empty() {
                        String::new()
                    } else {
                        format!("?state={name}")
                    };
                    let href = format!("/console/settings/webhooks/{id}{query}#deliveries");
                    Choice::new(href, title, it == state)
                })
                .collect(),
            is_filtered: state.is_some(),
            deliveries: deliveries
                .iter()
                .map(|delivery| DeliveryView::new(delivery, now))
                .collect(),
            periods: PERIODS
                .into_iter()
                .map(|(name, title, _)| Choice::new(name, title, name == "1d"))
                .collect(),
            continues: None,
            typed: TypedField::default(),
            note: None,
        })
    }
}

impl DeliveryView {
    fn new(delivery: &Delivery, now: UnixSeconds) -> Self {
        let (class, state) = match delivery.state {
            DeliveryState::Due if delivery.attempts > 0 => ("s-timed", "Failed, tried again"),
            DeliveryState::Due => ("s-timed", "Waiting"),
            DeliveryState::Delivered => ("s-free", "Delivered"),
            DeliveryState::Failed => ("s-permanent", "Failed"),
            DeliveryState::Gone => ("s-expired", "Gone"),
        };
        let last = delivery.last.as_ref();
        let answer = last.map(|last| {
            let result = match (last.status, last.failure) {
                (Some(status), _) => format!("HTTP {status}"),
                (None, Some(failure)) => Failure::reason(failure).to_owned(),
                (None, None) => "no answer".to_owned(),
            };
            let body = printable(&last.answer);
            let body = if body.is_empty() {
                String::new()
            } else {
                format!(": {body}")
            };
            format!("{result} after {} ms{body}", last.took)
        });
        let is_waiting = delivery.state == DeliveryState::Due;
        // Tests have a due time before all events.
        let next = delivery.due_at.map(|at| at.max(delivery.created).seconds());
        Self {
            event: delivery.event.clone(),
            id: match delivery.key {
                DeliveryKey::Test(_) => "test".to_owned(),
                DeliveryKey::Event(_) => delivery.event_id.clone(),
            },
            class,
            state,
            attempts: delivery.attempts,
            created: TimeTag::new(delivery.created.seconds(), now),
            next: next.filter(|_| is_waiting).map(|at| TimeTag::new(at, now)),
            last: answer,
            tried: last.map(|last| TimeTag::new(UnixMillis::from_millis(last.at).seconds(), now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::webhooks::Attempt;

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW};

    fn delivery(state: DeliveryState, status: Option<u16>) -> Delivery {
        let moment = UnixMillis::from_millis(NOW.0 * 1000);
        Delivery {
            key: DeliveryKey::Event(7),
            event_id: "evt_1".to_owned(),
            event: "GAME_BANNED".to_owned(),
            state,
            attempts: 2,
            due_at: Some(moment),
            created: moment,
            last: Some(Attempt {
                at: moment.millis(),
                took: 12,
                status,
                failure: None,
                answer: HOSTILE.to_owned(),
            }),
        }
    }

    #[test]
    fn hostile_answers_are_escaped() {
        let endpoint = super::super::webhooks::tests::endpoint(HOSTILE);
        let failed = delivery(DeliveryState::Failed, Some(500));
        let page = WebhookPage {
            look: Look::default(),
            frame: Frame::example(true),
            tabs: SettingsTab::Webhooks.tabs(),
            done: Some(DoneLine::new(HOSTILE)),
            webhook: WebhookView::new(&endpoint, NOW),
            whole_url: endpoint.receiver.whole_url(),
            states: vec![Choice::new("/x", "All", true)],
            is_filtered: true,
            deliveries: vec![DeliveryView::new(&failed, NOW)],
            periods: vec![Choice::new("1d", "the last day", true)],
            continues: Some(7),
            typed: TypedField {
                text: HOSTILE.to_owned(),
                error: Some(HOSTILE.to_owned()),
            },
            note: Some("x"),
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("HTTP 500 after 12 ms"), "{html}");
    }

    #[test]
    fn delivery_shows_the_last_answer_and_the_next_attempt() {
        let due = DeliveryView::new(&delivery(DeliveryState::Due, None), NOW);
        assert_eq!(due.state, "Failed, tried again");
        assert!(due.next.is_some() && due.last.unwrap().starts_with("no answer"));
        let delivered = DeliveryView::new(&delivery(DeliveryState::Delivered, Some(200)), NOW);
        assert_eq!((delivered.state, delivered.next), ("Delivered", None));
    }
}
