//! Why the bot changes something, as a guild's audit log shows it.

use std::fmt::Write;

/// The most characters that Discord accepts, after encoding.
const MOST: usize = 512;

/// A reason, percent-encoded: a header has no other characters. Everyone who may see the audit log reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReason(String);

impl AuditReason {
    /// What is too long is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut encoded = String::new();
        for letter in text.chars() {
            let mut bytes = [0; 4];
            let mut part = String::new();
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    part.push(byte.into());
                } else {
                    // Writing to a string does not fail.
                    let _ = write!(part, "%{byte:02X}");
                }
            }
            if encoded.len().saturating_add(part.len()) > MOST {
                break;
            }
            encoded.push_str(&part);
        }
        Self(encoded)
    }

    #[must_use]
    pub fn as_header(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_encoded_and_cut_between_letters() {
        let encoded = |text: &str| AuditReason::new(text).as_header().to_owned();
        assert_eq!(
            encoded("rank 50, Größe\n"),
            "rank%2050%2C%20Gr%C3%B6%C3%9Fe%0A"
        );
        assert_eq!(encoded(&"ö".repeat(200)), "%C3%B6".repeat(85));
        assert_eq!(encoded(""), "");
    }
}
