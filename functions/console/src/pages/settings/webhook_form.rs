//! The fields of a webhook, as typed.

use shared::domain::event::EventName;
use shared::domain::text::{LONGEST_NAME, display_name};
use shared::domain::webhooks::discord::is_of_discord;
use shared::domain::webhooks::{
    AddressPolicy, EndpointUrl, EventFilter, InvalidEndpointUrl, ReceiverKind,
};
use shared::integrations::http_client::may_be_public;

use super::super::message::sentence;
use crate::form::{Submitted, TypedField};
use crate::look::Choice;

/// The longest URL in bytes.
const LONGEST_URL: usize = 2_048;

const IS_DISCORD: &str = "This is a webhook of Discord: tick the box for readable messages.";

/// What a person typed about a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedWebhook {
    pub url: TypedField,
    /// Whether it is a webhook of Discord.
    pub is_discord: bool,
    pub name: TypedField,
    pub events: Vec<EventName>,
    pub events_error: Option<String>,
}

/// The settings of a webhook, once they are all right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookFields {
    pub url: EndpointUrl,
    pub name: Option<String>,
    pub events: EventFilter,
}

impl TypedWebhook {
    /// An empty form: a new webhook receives all events.
    pub fn empty() -> Self {
        Self {
            events: EventName::ALL.to_vec(),
            ..Self::default()
        }
    }

    pub fn read(form: &Submitted, reach: AddressPolicy) -> (Self, Option<WebhookFields>) {
        let events = form.all("event").filter_map(EventName::named);
        let mut typed = Self {
            url: form.required("url", LONGEST_URL, "Type the URL that receives the events."),
            is_discord: !form.text("discord").is_empty(),
            name: form.typed("name", 4 * LONGEST_NAME),
            events: events.collect(),
            events_error: None,
        };
        let mut url = None;
        if typed.url.is_fine() {
            match url_of(typed.url.value(), typed.is_discord, reach) {
                Ok(target) => url = Some(target),
                Err(error) => typed.url.error = Some(error),
            }
        }
        let name = display_name(typed.name.value()).map(str::to_owned);
        if name.is_none() && !typed.name.value().is_empty() && typed.name.is_fine() {
            let wrong = format!("The name must be at most {LONGEST_NAME} characters on one line.");
            typed.name.error = Some(wrong);
        }
        let filter = EventFilter::of(typed.events.iter().copied());
        if filter.is_none() {
            typed.events_error = Some("Tick at least one event.".to_owned());
        }
        let fields = url.zip(filter).filter(|_| typed.name.is_fine());
        let fields = fields.map(|(url, events)| WebhookFields { url, name, events });
        if fields.is_none() && is_of_discord(typed.url.value()) {
            // It is a secret, so the page does not repeat it.
            typed.url.text.clear();
            let again = "Paste it again.".to_owned();
            typed.url.error = typed
                .url
                .error
                .map(|error| format!("{error} {again}"))
                .or(Some(again));
        }
        (typed, fields)
    }

    /// Each event as a box to tick.
    pub fn event_choices(&self) -> Vec<Choice> {
        let choice = |event| {
            let title = format!("{}: {}", EventName::as_str(event), words(event));
            Choice::new(event.as_str(), title, self.events.contains(&event))
        };
        EventName::ALL.into_iter().map(choice).collect()
    }
}

fn url_of(text: &str, is_discord: bool, reach: AddressPolicy) -> Result<EndpointUrl, String> {
    let kind = if is_discord {
        ReceiverKind::Discord
    } else {
        ReceiverKind::Signed
    };
    let url = EndpointUrl::parse(text, kind).map_err(|error| match error {
        InvalidEndpointUrl::OfDiscord => IS_DISCORD.to_owned(),
        _ => sentence(&error.to_string()),
    })?;
    let EndpointUrl::Signed(target) = &url else {
        return Ok(url);
    };
    if !may_be_public(target, reach) {
        return Err("This is not a public address, so the service cannot reach it.".to_owned());
    }
    if let Some(service) = target.chat_service() {
        return Err(format!(
            "{service} does not understand these events and answers 400 to each: use a service that \
             translates them."
        ));
    }
    Ok(url)
}

/// An event in a few words.
const fn words(event: EventName) -> &'static str {
    match event {
        EventName::Banned => "a ban is in force",
        EventName::BanUpdated => "a ban has new terms",
        EventName::Unbanned => "a ban has ended",
        EventName::GroupRoleChanged => "a group role was changed",
        EventName::EvidenceAdded => "evidence was added",
        EventName::EvidenceRemoved => "evidence was removed",
        EventName::LinkAdded => "accounts were linked",
        EventName::LinkRemoved => "accounts were unlinked",
        EventName::KeyBound => "a key of Roblox Open Cloud was bound",
        EventName::DiscordBanned => "a user was banned on Discord",
        EventName::DiscordUnbanned => "a user was unbanned on Discord",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> (TypedWebhook, Option<WebhookFields>) {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        TypedWebhook::read(&Submitted::new(fields.collect()), AddressPolicy::Public)
    }

    #[test]
    fn complete_form_is_a_webhook() {
        let (_, fields) = read(&[
            ("url", "https://example.com/bans"),
            ("name", "Staff panel"),
            ("event", "GAME_BANNED"),
            ("event", "GAME_OVER"),
        ]);
        let fields = fields.unwrap();
        assert_eq!(fields.name.as_deref(), Some("Staff panel"));
        assert_eq!(
            fields.events.events().collect::<Vec<_>>(),
            [EventName::Banned]
        );
    }

    #[test]
    fn urls_that_cannot_be_reached_are_refused() {
        for url in [
            "",
            "example.com",
            "http://example.com/x",
            "https://10.0.0.1/x",
            "https://169.254.169.254/latest",
            "http://localhost:8080/",
            "https://user:password@example.com/",
        ] {
            let (typed, fields) = read(&[("url", url), ("event", "GAME_BANNED")]);
            assert!(fields.is_none() && !typed.url.is_fine(), "{url}");
            assert_eq!(typed.url.text, url);
        }
    }

    #[test]
    fn discord_webhook_needs_its_box_and_is_not_repeated() {
        let url = ("url", "https://discord.com/api/webhooks/1/token");
        let (typed, fields) = read(&[url, ("event", "GAME_BANNED")]);
        let error = typed.url.error.unwrap();
        assert!(
            fields.is_none() && error.contains("tick the box"),
            "{error}"
        );
        assert_eq!(typed.url.text, "");
        let (_, fields) = read(&[url, ("discord", "1"), ("event", "GAME_BANNED")]);
        assert!(matches!(fields.unwrap().url, EndpointUrl::Discord(_)));
        let (typed, fields) = read(&[url, ("discord", "1")]);
        assert!(fields.is_none() && typed.url.text.is_empty() && typed.is_discord);
        let other = ("url", "https://example.com/bans");
        let (typed, fields) = read(&[other, ("discord", "1"), ("event", "GAME_BANNED")]);
        assert!(fields.is_none() && typed.url.error.is_some());
    }

    #[test]
    fn webhook_without_events_is_refused() {
        let (typed, fields) = read(&[("url", "https://example.com/bans")]);
        assert!(fields.is_none() && typed.events_error.is_some());
    }
}
