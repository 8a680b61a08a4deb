//! Messages: as many embeds in each as Discord accepts.

use bytes::Bytes;
use serde::Serialize;

use super::event_embed::EventEmbed;
use crate::domain::discord::limits::{EMBEDS, IN_ALL};
use crate::domain::error::ApiError;

/// A message, with one embed for each event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChannelMessage {
    embeds: Vec<EventEmbed>,
    allowed_mentions: NoMentions,
}

/// Nobody is notified, whatever a text contains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct NoMentions {
    parse: [&'static str; 0],
}

impl ChannelMessage {
    /// Messages with these embeds in this order, as few as possible.
    #[must_use]
    pub fn pack(embeds: Vec<EventEmbed>) -> Vec<Self> {
        let mut messages: Vec<Self> = Vec::new();
        let mut left = 0_usize;
        for embed in embeds {
            let length = embed.length();
            match messages.last_mut() {
                Some(last) if last.embeds.len() < EMBEDS && length <= left => {
                    last.embeds.push(embed);
                    left = left.saturating_sub(length);
                }
                _ => {
                    left = IN_ALL.saturating_sub(length);
                    messages.push(Self::of(vec![embed]));
                }
            }
        }
        messages
    }

    fn of(embeds: Vec<EventEmbed>) -> Self {
        Self {
            embeds,
            ..Self::default()
        }
    }

    /// How many events it shows.
    #[must_use]
    pub const fn events(&self) -> usize {
        self.embeds.len()
    }

    /// Two messages in its place; none if it shows one event.
    #[must_use]
    pub fn halves(&self) -> Option<[Self; 2]> {
        let (first, second) = self.embeds.split_at_checked(self.events().div_ceil(2))?;
        let both = [first, second].map(|half| Self::of(half.to_vec()));
        (!second.is_empty()).then_some(both)
    }

    pub fn body(&self) -> Result<Bytes, ApiError> {
        let body = serde_json::to_vec(self);
        let body = body.map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::webhooks::discord::event_embed::tests::embed_of_length;

    fn sizes(lengths: &[usize]) -> Vec<usize> {
        let embeds = lengths.iter().map(|length| embed_of_length(*length));
        let messages = ChannelMessage::pack(embeds.collect());
        messages.iter().map(ChannelMessage::events).collect()
    }

    #[test]
    fn message_has_at_most_ten_embeds_of_six_thousand_characters() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[200; 10]), [10]);
        assert_eq!(sizes(&[200; 11]), [10, 1]);
        assert_eq!(sizes(&[200; 30]), [10, 10, 10]);
        assert_eq!(sizes(&[1000; 6]), [6]);
        assert_eq!(sizes(&[1000, 1000, 1000, 1000, 1000, 1001]), [5, 1]);
        assert_eq!(sizes(&[1000; 7]), [6, 1]);
    }

    #[test]
    fn order_is_kept_when_a_message_is_split() {
        let embeds: Vec<_> = (100..103).map(embed_of_length).collect();
        let all = ChannelMessage::pack(embeds.clone());
        let [first, second] = all[0].halves().unwrap();
        assert_eq!([&first.embeds[..], &second.embeds[..]].concat(), embeds);
        assert_eq!((first.events(), second.halves()), (2, None));
    }

    #[test]
    fn body_mentions_nobody() {
        let body = ChannelMessage::of(vec![embed_of_length(100)])
            .body()
            .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["allowed_mentions"], serde_json::json!({ "parse": [] }));
        assert_eq!(body["embeds"].as_array().unwrap().len(), 1);
    }
}
