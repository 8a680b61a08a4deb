//! Discord's signature of an interaction: Ed25519 over the timestamp header and the raw body.

use std::str::FromStr;

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::domain::clock::UnixSeconds;

/// The header with the signature in hex.
pub const SIGNATURE_HEADER: &str = "x-signature-ed25519";

/// The header with the time in Unix seconds, as it was signed.
pub const TIMESTAMP_HEADER: &str = "x-signature-timestamp";

/// How many seconds before and after its time a signature is accepted.
const ACCEPTED: u64 = 300;

/// The public key of the application: 32 bytes in hex, as Discord shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscordPublicKey([u8; 32]);

/// The text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the public key of a Discord application, 64 hex digits")]
pub struct InvalidPublicKey;

/// A well-formed signature, not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InteractionSignature<'a> {
    /// The time as written, because that is what was signed.
    written: &'a str,
    time: UnixSeconds,
    bytes: [u8; 64],
}

impl FromStr for DiscordPublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        of_hex(text.trim()).map(Self).ok_or(InvalidPublicKey)
    }
}

impl<'a> InteractionSignature<'a> {
    /// Parses the values of both headers.
    #[must_use]
    pub fn parse(signature: &str, timestamp: &'a str) -> Option<Self> {
        let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self {
            written: timestamp,
            time: UnixSeconds(timestamp.parse().ok().filter(|_| is_number)?),
            bytes: of_hex(signature)?,
        })
    }

    /// Whether its time is within 5 minutes.
    #[must_use]
    pub const fn is_fresh(&self, now: UnixSeconds) -> bool {
        self.time.0.abs_diff(now.0) <= ACCEPTED
    }

    /// Whether the application's key has signed this body at this time.
    #[must_use]
    pub fn is_by(&self, key: &DiscordPublicKey, body: &[u8]) -> bool {
        let signed = [self.written.as_bytes(), body].concat();
        let key = UnparsedPublicKey::new(&ED25519, &key.0);
        key.verify(&signed, &self.bytes).is_ok()
    }
}

/// Exactly this many bytes in hex, in any case.
fn of_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| {
        let byte = digit(*high)?.checked_shl(4)? | digit(*low)?;
        u8::try_from(byte).ok()
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::domain::digest::hex;

    fn pair() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
    }

    fn key() -> DiscordPublicKey {
        hex(pair().public_key().as_ref()).parse().unwrap()
    }

    #[test]
    fn signature_covers_time_and_body() {
        let signed = hex(pair().sign(b"1700000000{}").as_ref());
        let parse = |time| InteractionSignature::parse(&signed, time).unwrap();
        assert!(parse("1700000000").is_by(&key(), b"{}"));
        assert!(!parse("1700000000").is_by(&key(), b"{ }"));
        assert!(!parse("1700000001").is_by(&key(), b"{}"));
        assert!(!parse("01700000000").is_by(&key(), b"{}"));
        let other = DiscordPublicKey([1; 32]);
        assert!(!parse("1700000000").is_by(&other, b"{}"));
        let upper = signed.to_uppercase();
        let upper = InteractionSignature::parse(&upper, "1700000000").unwrap();
        assert!(upper.is_by(&key(), b"{}"));
    }

    #[test]
    fn time_counts_for_five_minutes_in_both_directions() {
        let signed = "0".repeat(128);
        let signature = InteractionSignature::parse(&signed, "1700000000").unwrap();
        for (now, is_fresh) in [
            (1_700_000_300, true),
            (1_700_000_301, false),
            (1_699_999_700, true),
            (1_699_999_699, false),
        ] {
            assert_eq!(signature.is_fresh(UnixSeconds(now)), is_fresh, "{now}");
        }
    }

    #[test]
    fn other_texts_are_neither_signatures_nor_keys() {
        let good = "0".repeat(128);
        for (signature, time) in [
            (good.as_str(), ""),
            (&good, "-1"),
            (&good, "+1"),
            (&good, "1.5"),
            (&good, "99999999999999999999"),
            ("", "1"),
            (&"0".repeat(126), "1"),
            (&"0".repeat(127), "1"),
            (&"0".repeat(130), "1"),
            (&"g".repeat(128), "1"),
            (&"ä".repeat(64), "1"),
        ] {
            assert_eq!(InteractionSignature::parse(signature, time), None);
        }
        for key in ["", &"0".repeat(62), &"0".repeat(66), &"x".repeat(64)] {
            assert_eq!(key.parse::<DiscordPublicKey>(), Err(InvalidPublicKey));
        }
    }
}
