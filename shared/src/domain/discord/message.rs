//! A message as an answer: readable for its receiver alone, and without mentions.

use serde_json::{Value, json};

use super::button::ButtonAction;
use super::limits::{
    CONTENT, DESCRIPTION, EMBEDS, FIELD_NAME, FIELD_VALUE, FOOTER, IN_ALL, LABEL, TITLE, cut, units,
};

/// Only the person who acted sees the message.
pub(super) const EPHEMERAL: u64 = 64;

/// How many of each there may be.
const FIELDS: usize = 25;
const ROWS: usize = 5;
const IN_ROW: usize = 5;

/// What only its receiver sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscordMessage {
    pub content: String,
    pub embeds: Vec<DiscordEmbed>,
    pub buttons: Vec<DiscordButton>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscordEmbed {
    pub title: String,
    pub description: String,
    pub fields: Vec<EmbedField>,
    pub footer: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedField {
    pub name: String,
    pub value: String,
    pub is_inline: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscordButton {
    pub style: ButtonStyle,
    pub label: String,
    pub action: ButtonAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonStyle {
    Primary,
    Secondary,
    Danger,
}

impl ButtonStyle {
    const fn number(self) -> u8 {
        match self {
            Self::Primary => 1,
            Self::Secondary => 2,
            Self::Danger => 4,
        }
    }
}

impl DiscordMessage {
    /// A message of text alone.
    #[must_use]
    pub fn text(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn embed(embed: DiscordEmbed) -> Self {
        Self {
            embeds: vec![embed],
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_buttons(self, buttons: Vec<DiscordButton>) -> Self {
        Self { buttons, ..self }
    }

    /// The message within all limits: texts are cut, and what exceeds the sum of all embeds is left
    /// out. An edit replaces all that was there before.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut left = IN_ALL;
        let embeds = self.embeds.iter().take(EMBEDS);
        let embeds: Vec<_> = embeds
            .map(|embed| embed.to_json(&mut left))
            .filter(|embed| embed.as_object().is_some_and(|it| !it.is_empty()))
            .collect();
        let mut content = cut(&self.content, CONTENT);
        if content.is_empty() && embeds.is_empty() {
            // Discord refuses an empty message.
            "Done.".clone_into(&mut content);
        }
        let rows = self.buttons.chunks(IN_ROW).take(ROWS).map(|row| {
            let buttons: Vec<_> = row.iter().map(DiscordButton::to_json).collect();
            json!({ "type": 1, "components": buttons })
        });
        json!({
            "content": content,
            "embeds": embeds,
            "components": rows.collect::<Vec<_>>(),
            "allowed_mentions": { "parse": [] },
        })
    }
}

impl DiscordEmbed {
    #[must_use]
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// The same with a field of its own line; an empty one is left out.
    #[must_use]
    pub fn field(self, name: &str, value: impl Into<String>) -> Self {
        self.with(name, value.into(), false)
    }

    /// The same with a field beside others.
    #[must_use]
    pub fn inline(self, name: &str, value: impl Into<String>) -> Self {
        self.with(name, value.into(), true)
    }

    fn with(mut self, name: &str, value: String, is_inline: bool) -> Self {
        if !value.trim().is_empty() {
            self.fields.push(EmbedField {
                name: name.to_owned(),
                value,
                is_inline,
            });
        }
        self
    }

    fn to_json(&self, left: &mut usize) -> Value {
        let mut take = |text: &str, most: usize| {
            let text = cut(text, most.min(*left));
            *left = left.saturating_sub(units(&text));
            text
        };
        let mut embed = serde_json::Map::new();
        let title = take(&self.title, TITLE);
        let footer = take(&self.footer, FOOTER);
        let description = take(&self.description, DESCRIPTION);
        let mut fields = Vec::new();
        for field in self.fields.iter().take(FIELDS) {
            let name = take(&field.name, FIELD_NAME);
            let value = take(&field.value, FIELD_VALUE);
            if value.chars().all(|c| c == '…') {
                break;
            }
            fields.push(json!({ "name": name, "value": value, "inline": field.is_inline }));
        }
        for (name, text) in [("title", title), ("description", description)] {
            if !text.is_empty() {
                embed.insert(name.to_owned(), text.into());
            }
        }
        if !fields.is_empty() {
            embed.insert("fields".to_owned(), fields.into());
        }
        if !footer.is_empty() {
            embed.insert("footer".to_owned(), json!({ "text": footer }));
        }
        Value::Object(embed)
    }
}

impl DiscordButton {
    #[must_use]
    pub fn new(style: ButtonStyle, label: impl Into<String>, action: ButtonAction) -> Self {
        Self {
            style,
            label: label.into(),
            action,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "type": 2,
            "style": self.style.number(),
            "label": cut(&self.label, LABEL),
            "custom_id": self.action.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> String {
        "ä😀x".chars().cycle().take(length).collect()
    }

    /// What Discord counts in all embeds.
    fn sum(message: &Value) -> usize {
        let embeds = message["embeds"].as_array().unwrap();
        let of = |value: &Value| value.as_str().map_or(0, units);
        let sums = embeds.iter().map(|embed| {
            let fields = embed["fields"].as_array().into_iter().flatten();
            let fields = fields.map(|it| of(&it["name"]) + of(&it["value"]));
            let own = of(&embed["title"]) + of(&embed["description"]);
            own + of(&embed["footer"]["text"]) + fields.sum::<usize>()
        });
        sums.sum()
    }

    #[test]
    fn largest_message_is_cut_to_every_limit() {
        let field = EmbedField {
            name: text(300),
            value: text(2_000),
            is_inline: false,
        };
        let embed = DiscordEmbed {
            title: text(300),
            description: text(5_000),
            fields: vec![field; 30],
            footer: text(3_000),
        };
        let undo = ButtonAction::Dismiss;
        let button = DiscordButton::new(ButtonStyle::Danger, text(100), undo);
        let message = DiscordMessage {
            content: text(3_000),
            embeds: vec![embed; 12],
            buttons: vec![button; 30],
        };
        let json = message.to_json();
        assert!(units(json["content"].as_str().unwrap()) <= 2_000);
        assert!(sum(&json) <= 6_000, "{}", sum(&json));
        let first = &json["embeds"][0];
        assert!(units(first["title"].as_str().unwrap()) <= 256);
        assert!(units(first["description"].as_str().unwrap()) <= 4_096);
        let rows = json["components"].as_array().unwrap();
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[0]["components"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn fields_are_cut_and_never_empty() {
        let embed = (0..30).fold(DiscordEmbed::titled("x"), |embed, _| {
            embed.field(&text(300), text(2_000)).inline("y", "  ")
        });
        let json = DiscordMessage::embed(embed).to_json();
        let fields = json["embeds"][0]["fields"].as_array().unwrap();
        assert!(!fields.is_empty() && fields.len() <= 25);
        assert!(sum(&json) <= 6_000);
        for field in fields {
            assert!(!field["value"].as_str().unwrap().is_empty());
            assert!(!field["name"].as_str().unwrap().is_empty());
        }
    }

    #[test]
    fn reasons_of_the_longest_kind_are_shown_in_full() {
        let (public, private) = ("p".repeat(400), "q".repeat(1_000));
        let embed = DiscordEmbed::titled("x")
            .field("a", &*public)
            .field("b", &*private);
        let json = DiscordMessage::embed(embed).to_json();
        let fields = &json["embeds"][0]["fields"];
        assert_eq!(
            (&fields[0]["value"], &fields[1]["value"]),
            (&public.into(), &private.into())
        );
    }

    #[test]
    fn nobody_is_ever_mentioned_and_nothing_is_empty() {
        let json = DiscordMessage::text(" ").to_json();
        assert_eq!(json["allowed_mentions"], json!({ "parse": [] }));
        assert_eq!(json["content"], "Done.");
    }
}
