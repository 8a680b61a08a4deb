//! The name by which a player recognises their Discord account.

use serde::{Deserialize, Serialize};

use crate::domain::text;

/// A Discord name of 1 to 32 printable characters on one line, as Discord limits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiscordName(String);

impl DiscordName {
    /// The most characters of a name.
    pub const LONGEST: usize = 32;

    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let name = text::display_name(text)?;
        (name.chars().count() <= Self::LONGEST).then(|| Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_1_to_32_printable_characters() {
        for text in ["", " ", "a\nb", "a\u{202e}b", &"ä".repeat(33)] {
            assert_eq!(DiscordName::new(text), None, "{text:?}");
        }
        for text in ["a", "Ada Lovelace", &"ä".repeat(32)] {
            let name = DiscordName::new(text);
            assert_eq!(name.as_ref().map(DiscordName::as_str), Some(text));
        }
    }
}
