//! Delivers events to a channel of Discord: several in each message, in the order of the log.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::webhooks::discord::{
    ChannelMessage, DiscordWebhook, EventEmbed, KnownNames, WebhookAnswer, member_shown,
    users_shown,
};
use shared::domain::webhooks::{RetryDecision, Target};
use shared::integrations::discord::webhook_headers;
use shared::integrations::http_client::HttpResponse;

use crate::attempt::{Attempted, Sender};
use crate::batch::PendingDelivery;

/// The longest pause of a rate limit that a run waits for. It ends at a longer one.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How many rate limits in a row a message is given, because others may share the limit.
const LIMITS: u32 = 5;

/// How many results are recorded at the same time.
const CONCURRENT_RECORDS: usize = 8;

/// Whether more may be sent to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    Open,
    /// A rate limit asks for a longer pause than a run can wait.
    Limited,
}

impl Sender<'_> {
    /// Sends a queue to a channel. Deliveries that it does not reach stay due, and so do those that a rate
    /// limit stopped: they were not attempted.
    pub async fn send_to_channel(
        &self,
        webhook: &DiscordWebhook,
        discord: &str,
        queue: &[PendingDelivery],
    ) -> Result<ChannelState, ApiError> {
        let target = webhook
            .target(discord)
            .ok_or_else(|| ApiError::Internal("Discord's address is not a URL".to_owned()))?;
        let embeds = self.embeds(queue).await;
        let mut messages = VecDeque::from(ChannelMessage::pack(embeds));
        let (mut queue, mut limits) = (queue, 0);
        while let Some(message) = messages.pop_front() {
            if self.is_over() {
                break;
            }
            let (shown, rest) = queue
                .split_at_checked(message.events())
                .unwrap_or((queue, &[]));
            let attempted = self.post(webhook, &target, &message).await?;
            let meaning = attempted.answer.as_ref().map(meaning);
            match meaning {
                Ok(WebhookAnswer::Limited(pause)) => {
                    limits += 1;
                    if limits > LIMITS || !self.wait(pause).await {
                        self.stats.record_failed_attempt();
                        return Ok(ChannelState::Limited);
                    }
                    messages.push_front(message);
                    continue;
                }
                Ok(WebhookAnswer::Malformed) => {
                    self.stats.record_malformed();
                    // One event must not cost the others.
                    if let Some([first, second]) = message.halves() {
                        messages.push_front(second);
                        messages.push_front(first);
                        continue;
                    }
                }
                Ok(WebhookAnswer::Accepted | WebhookAnswer::Deleted | WebhookAnswer::Failed)
                | Err(_) => {}
            }
            self.record_message(shown, &attempted, meaning.ok()).await?;
            (queue, limits) = (rest, 0);
            let pause = attempted.answer.ok().and_then(|it| it.rate_limit_pause);
            if let Some(pause) = pause
                && !messages.is_empty()
                && !self.wait(pause).await
            {
                return Ok(ChannelState::Limited);
            }
        }
        Ok(ChannelState::Open)
    }

    /// An embed for each delivery, with the names that are cached.
    async fn embeds(&self, queue: &[PendingDelivery]) -> Vec<EventEmbed> {
        let events = || queue.iter().filter_map(|pending| pending.event.as_ref());
        let users: BTreeSet<_> = events().flat_map(users_shown).collect();
        let (prefix, now) = (self.endpoint.workspace.prefix(), UnixMillis::now());
        let cached = self.store.cached_names(prefix, &users, now.seconds()).await;
        // Without names, ids are shown.
        let mut names = KnownNames {
            users: cached.unwrap_or_default().names,
            ..KnownNames::default()
        };
        let members: BTreeSet<_> = events().filter_map(member_shown).collect();
        for id in members {
            if let Ok(Some(member)) = self.store.member(prefix, id).await {
                names.members.insert(id, member.name);
            }
        }
        let embed = |pending: &PendingDelivery| match &pending.event {
            Some(event) => EventEmbed::of(event, &names),
            None => EventEmbed::test(pending.delivery.created.seconds()),
        };
        queue.iter().map(embed).collect()
    }

    async fn post(
        &self,
        webhook: &DiscordWebhook,
        target: &Target,
        message: &ChannelMessage,
    ) -> Result<Attempted, ApiError> {
        let body = message.body()?;
        let sending = self.session.post(target, webhook_headers(webhook), body);
        Ok(Attempted::wait_for(sending).await)
    }

    /// Waits as long as a rate limit asks for; `false` if there is no time for it.
    async fn wait(&self, pause: Duration) -> bool {
        let after = Instant::now().checked_add(pause);
        let is_possible = pause <= LONGEST_WAIT && after.is_some_and(|after| after < self.ends);
        if is_possible {
            tokio::time::sleep(pause).await;
        }
        is_possible
    }

    /// Records the result of a message for each delivery that it shows.
    async fn record_message(
        &self,
        shown: &[PendingDelivery],
        attempted: &Attempted,
        meaning: Option<WebhookAnswer>,
    ) -> Result<(), ApiError> {
        let record = async |pending: &PendingDelivery| {
            let decision = match meaning {
                Some(WebhookAnswer::Deleted) => RetryDecision::EndpointGone,
                _ => attempted.decision(pending.delivery.attempts),
            };
            let message = pending.message(self.endpoint.workspace)?;
            self.record(pending, &message, attempted, decision).await
        };
        let recording = shown.iter().map(record);
        stream::iter(recording)
            .buffer_unordered(CONCURRENT_RECORDS)
            .try_collect()
            .await
    }
}

fn meaning(answer: &HttpResponse) -> WebhookAnswer {
    WebhookAnswer::of(answer.status, answer.retry_after, &answer.start)
}
