//! Evidence that is a text: sent and returned in base64, so it is kept byte for byte.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::chat_links::ExpiringLink;

/// A text of 1 byte to 48 KiB in UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceText(String);

/// Why a content is rejected. Displayed, it completes a sentence that begins with the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceTextFault {
    #[error("must be standard base64 with padding")]
    Encoding,
    #[error("must be 1 to {} bytes long when decoded", EvidenceText::MAX_BYTES)]
    Length,
    #[error("must be UTF-8 text when decoded: upload anything else as a file")]
    Binary,
}

impl EvidenceText {
    /// In base64 that is exactly 64 KiB, so a body with the longest text exceeds 64 KiB.
    pub const MAX_BYTES: usize = 48 * 1024;

    /// A text as a person types it.
    pub fn new(text: String) -> Result<Self, EvidenceTextFault> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(EvidenceTextFault::Length);
        }
        Ok(Self(text))
    }

    pub fn decode(base64: &str) -> Result<Self, EvidenceTextFault> {
        let bytes = BASE64_STANDARD
            .decode(base64)
            .map_err(|_| EvidenceTextFault::Encoding)?;
        // Bytes that are too long are so whatever they are.
        if bytes.len() > Self::MAX_BYTES {
            return Err(EvidenceTextFault::Length);
        }
        let text = String::from_utf8(bytes).map_err(|_| EvidenceTextFault::Binary)?;
        Self::new(text)
    }

    #[must_use]
    pub fn encode(&self) -> String {
        BASE64_STANDARD.encode(&self.0)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first link in the text that will expire.
    #[must_use]
    pub fn expiring_link(&self) -> Option<ExpiringLink> {
        ExpiringLink::find(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The published SDK's encoder, in its own arithmetic: three bytes to four characters, then `=` in
    /// place of what the padding bytes gave.
    fn as_the_sdk_encodes(text: &str) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut encoded = String::new();
        for chunk in text.as_bytes().chunks(3) {
            let byte = |n: usize| u32::from(chunk.get(n).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for n in 0..4_usize {
                let sextet = bits >> (18 - 6 * n) & 63;
                let letter = char::from(ALPHABET[sextet as usize]);
                encoded.push(if n > chunk.len() { '=' } else { letter });
            }
        }
        encoded
    }

    #[test]
    fn invalid_contents_are_rejected() {
        for (content, fault) in [
            ("", EvidenceTextFault::Length),
            ("YQ", EvidenceTextFault::Encoding),
            ("YQ==\n", EvidenceTextFault::Encoding),
            ("YR==", EvidenceTextFault::Encoding),
            ("_-8=", EvidenceTextFault::Encoding),
            ("not base64", EvidenceTextFault::Encoding),
            ("/w==", EvidenceTextFault::Binary),
        ] {
            assert_eq!(EvidenceText::decode(content), Err(fault), "{content}");
        }
    }

    #[test]
    fn text_may_have_48_kib() {
        let longest = "x".repeat(EvidenceText::MAX_BYTES);
        let encoded = BASE64_STANDARD.encode(&longest);
        assert_eq!(EvidenceText::decode(&encoded).unwrap().as_str(), longest);
        let longer = BASE64_STANDARD.encode(longest + "x");
        assert_eq!(
            EvidenceText::decode(&longer),
            Err(EvidenceTextFault::Length)
        );
    }

    proptest! {
        #[test]
        fn whatever_the_sdk_encodes_is_kept_byte_for_byte(text in ".{1,200}") {
            let sent = as_the_sdk_encodes(&text);
            let kept = EvidenceText::decode(&sent).unwrap();
            prop_assert_eq!(kept.as_str(), text);
            prop_assert_eq!(kept.encode(), sent);
        }

        #[test]
        fn any_content_is_judged_without_a_panic(content in any::<String>()) {
            let _ = EvidenceText::decode(&content);
        }
    }
}
