//! A key or token of another service, which nothing prints.

use std::fmt;

use lambda_http::http::HeaderValue;

/// A secret on one line, fit for a header.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(HeaderValue);

impl SecretText {
    /// The text without surrounding white space, if it is a valid header value.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        (!text.is_empty() && text.is_ascii()).then_some(Self(value))
    }

    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(in crate::integrations) fn into_header(self) -> HeaderValue {
        self.0
    }

    /// A header with a word before the secret, such as `Bearer`.
    pub(in crate::integrations) fn after(&self, word: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{word} {}", self.reveal())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_never_printed() {
        let secret = SecretText::new(" token\n").unwrap();
        assert_eq!(secret.reveal(), "token");
        let header = secret.after("Bot").unwrap();
        assert_eq!(header, "Bot token");
        assert!(!format!("{secret:?} {header:?}").contains("token"));
    }

    #[test]
    fn other_texts_are_no_secrets() {
        for text in ["", " \n", "a\nb", "ä"] {
            assert_eq!(SecretText::new(text), None, "{text:?}");
        }
    }
}
