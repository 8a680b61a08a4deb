//! Reasons that a workspace offers its moderators.

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::length;
use crate::domain::text;

/// The reasons that a workspace offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonPresets {
    /// Whether members have to choose one of them.
    #[serde(default)]
    pub compulsory: bool,
    #[serde(default)]
    pub presets: Vec<ReasonPreset>,
}

/// A reason with a name, and the length that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonPreset {
    pub name: String,
    pub public_reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub private_reason: String,
    /// As moderators write it (`7d`); absent = they choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<String>,
}

/// What is wrong with a preset: the field and the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct InvalidPreset {
    pub field: &'static str,
    pub message: String,
}

impl ReasonPresets {
    /// The most presets that a workspace has.
    pub const MOST: usize = 50;

    #[must_use]
    pub fn named(&self, name: &str) -> Option<&ReasonPreset> {
        self.presets.iter().find(|preset| preset.name == name)
    }
}

impl ReasonPreset {
    /// Checks what a person typed; `length` is empty or a length such as `7d`, or `forever`.
    pub fn new(
        name: &str,
        public_reason: &str,
        private_reason: &str,
        length: &str,
        now: UnixSeconds,
    ) -> Result<Self, InvalidPreset> {
        let judged = |field, value, most| {
            let judged = text::judge(value, most).map(str::to_owned);
            judged.map_err(|fault| InvalidPreset {
                field,
                message: fault.to_string(),
            })
        };
        let missing = |field| InvalidPreset {
            field,
            message: "must not be empty".to_owned(),
        };
        let name = judged("name", name, 80)?;
        if name.is_empty() {
            return Err(missing("name"));
        }
        let public_reason = judged("publicReason", public_reason, 400)?;
        if public_reason.is_empty() {
            return Err(missing("publicReason"));
        }
        let private_reason = judged("privateReason", private_reason, 1_000)?;
        let length = length.trim();
        let is_length = length == "forever" || length::parse(&length.into(), now).is_some();
        if !length.is_empty() && !is_length {
            return Err(InvalidPreset {
                field: "length",
                message: "must be a length such as 7d, or forever".to_owned(),
            });
        }
        Ok(Self {
            name,
            public_reason,
            private_reason,
            length: (!length.is_empty()).then(|| length.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preset_says_which_field_is_wrong() {
        let new = |name, public, length| {
            ReasonPreset::new(name, public, "", length, UnixSeconds(1_700_000_000))
        };
        assert_eq!(new("", "Spam", "").unwrap_err().field, "name");
        assert_eq!(new("Spam", " ", "").unwrap_err().field, "publicReason");
        assert_eq!(
            new("Spam", "a\u{202E}", "").unwrap_err().field,
            "publicReason"
        );
        assert_eq!(new("Spam", "Spam", "soon").unwrap_err().field, "length");
        assert_eq!(new("Spam", "Spam", "").unwrap().length, None);
        let preset = new(" Spam ", "Spam", "7d").unwrap();
        assert_eq!(preset.name, "Spam");
        assert_eq!(preset.length.as_deref(), Some("7d"));
    }
}
