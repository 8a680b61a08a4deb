//! The answer to an interaction.

use serde_json::{Value, json};

use super::limits::cut;
use super::message::{DiscordMessage, EPHEMERAL};
use super::modal::DiscordModal;

/// How many choices Discord shows.
const CHOICES: usize = 25;

/// The longest name and value of a choice.
const CHOICE: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InteractionReply {
    Pong,
    /// A new message.
    Message(DiscordMessage),
    /// The message with the button changes to this.
    Update(DiscordMessage),
    /// A new message follows by another function.
    Deferred,
    /// The message with the button changes later, by another function.
    DeferredUpdate,
    /// What a person may choose while they type.
    Choices(Vec<ReplyChoice>),
    Modal(DiscordModal),
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyChoice {
    pub name: String,
    pub value: String,
}

impl InteractionReply {
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Pong => json!({ "type": 1 }),
            Self::Message(message) => {
                let mut data = message.to_json();
                if let Some(data) = data.as_object_mut() {
                    data.insert("flags".to_owned(), EPHEMERAL.into());
                }
                json!({ "type": 4, "data": data })
            }
            Self::Deferred => json!({ "type": 5, "data": { "flags": EPHEMERAL } }),
            Self::DeferredUpdate => json!({ "type": 6 }),
            Self::Update(message) => json!({ "type": 7, "data": message.to_json() }),
            Self::Choices(choices) => {
                let fitting = choices.iter().filter(|choice| choice.fits()).take(CHOICES);
                let choices: Vec<_> = fitting
                    .map(|it| json!({ "name": cut(&it.name, CHOICE), "value": it.value }))
                    .collect();
                json!({ "type": 8, "data": { "choices": choices } })
            }
            Self::Modal(modal) => json!({ "type": 9, "data": modal.to_json() }),
        }
    }
}

impl ReplyChoice {
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        Self { name, value }
    }

    /// A value must not be cut: it would mean something else.
    fn fits(&self) -> bool {
        !self.name.trim().is_empty() && self.value.chars().count() <= CHOICE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_few_and_short_and_their_values_whole() {
        let mut choices = vec![ReplyChoice::new("x", "y".repeat(101))];
        choices.extend(vec![ReplyChoice::new("x".repeat(200), "y".repeat(100)); 30]);
        let json = InteractionReply::Choices(choices).to_json();
        let choices = json["data"]["choices"].as_array().unwrap();
        assert_eq!(choices.len(), 25);
        for choice in choices {
            assert_eq!(choice["name"].as_str().unwrap().chars().count(), 100);
            assert_eq!(choice["value"].as_str().unwrap().len(), 100);
        }
    }

    #[test]
    fn messages_are_for_their_receiver_alone() {
        let json = InteractionReply::Message(DiscordMessage::text("x")).to_json();
        assert_eq!(json["data"]["flags"], 64);
        assert_eq!(InteractionReply::Deferred.to_json()["data"]["flags"], 64);
    }
}
