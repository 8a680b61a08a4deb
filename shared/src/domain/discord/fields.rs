//! What a person typed, by the names of options and fields.

use std::fmt;

use serde_json::Value;

use super::interaction::{list, text};

/// Names and what belongs to each. `Debug` shows only the names: a person may have typed a key or a private
/// reason.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct InteractionFields(Vec<(String, String)>);

impl InteractionFields {
    pub fn add(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// What belongs to a name, without surrounding white space; empty if nothing.
    pub fn find(&self, name: &str) -> &str {
        let mut pairs = self.0.iter();
        let pair = pairs.find(|(known, _)| known == name);
        pair.map_or("", |(_, value)| value.trim())
    }

    /// Reads the options of a command, also of sub-commands, and which of them is being typed.
    pub fn read_options(&mut self, value: Option<&Value>, focused: &mut Option<String>) {
        for option in list(value) {
            self.read_options(option.get("options"), focused);
            let Some(name) = text(option.get("name")) else {
                continue;
            };
            if option.get("focused") == Some(&Value::Bool(true)) {
                *focused = Some(name.clone());
            }
            if let Some(value) = text(option.get("value")) {
                self.add(name, value);
            }
        }
    }

    /// Reads the fields of a modal, in rows or in labels.
    pub fn read_form(&mut self, value: Option<&Value>) {
        for part in list(value) {
            self.read_form(part.get("components"));
            let field = part.get("component").unwrap_or(part);
            let name = text(field.get("custom_id"));
            self.0.extend(name.zip(text(field.get("value"))));
        }
    }
}

impl fmt::Debug for InteractionFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_typed_is_never_printed() {
        let field = json!({ "type": 4, "custom_id": "key", "value": "the-secret" });
        let mut fields = InteractionFields::default();
        fields.read_form(Some(&json!([{ "type": 18, "component": field }])));
        assert_eq!(fields.find("key"), "the-secret");
        assert_eq!(format!("{fields:?}"), r#"["key"]"#);
    }
}
