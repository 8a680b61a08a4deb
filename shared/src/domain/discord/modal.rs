//! A form that Discord shows.

use serde_json::{Value, json};

use super::limits::cut;

const TITLE: usize = 45;
const LABEL: usize = 45;
const DESCRIPTION: usize = 100;
const FIELDS: usize = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscordModal {
    /// 1 to 100 characters.
    pub custom_id: &'static str,
    pub title: String,
    /// At most five.
    pub fields: Vec<ModalField>,
}

/// A field for text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModalField {
    pub name: &'static str,
    pub label: &'static str,
    pub description: &'static str,
    /// What it contains at first.
    pub value: String,
    pub is_required: bool,
    /// In characters.
    pub most: usize,
    pub is_long: bool,
}

impl DiscordModal {
    pub(super) fn to_json(&self) -> Value {
        let fields = self.fields.iter().take(FIELDS).map(ModalField::to_json);
        json!({
            "custom_id": self.custom_id,
            "title": cut(&self.title, TITLE),
            "components": fields.collect::<Vec<_>>(),
        })
    }
}

impl ModalField {
    fn to_json(&self) -> Value {
        let style = if self.is_long { 2 } else { 1 };
        let mut input = json!({
            "type": 4,
            "custom_id": self.name,
            "style": style,
            "required": self.is_required,
            "max_length": self.most,
        });
        let value = cut(&self.value, self.most);
        if let (Some(input), false) = (input.as_object_mut(), value.is_empty()) {
            input.insert("value".to_owned(), value.into());
        }
        json!({
            "type": 18,
            "label": cut(self.label, LABEL),
            "description": cut(self.description, DESCRIPTION),
            "component": input,
        })
    }
}
