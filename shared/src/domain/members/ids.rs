//! The ids of members and of their Discord accounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixMillis;
use crate::domain::digest;
use crate::domain::random;

/// A member's id: `mem_` and 16 hex digits. Decisions name their member by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MemberId([u8; 8]);

/// The text is not the id of a member or of a Discord account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidMemberId;

impl MemberId {
    pub const PREFIX: &'static str = "mem_";

    #[must_use]
    pub fn random() -> Self {
        Self(random::bytes())
    }

    /// The hex digits alone.
    #[must_use]
    pub fn digits(self) -> String {
        digest::hex(&self.0)
    }

    /// The id with these hex digits.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let is_hex = digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != 16 || !is_hex {
            return None;
        }
        u64::from_str_radix(digits, 16)
            .ok()
            .map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.digits())
    }
}

impl FromStr for MemberId {
    type Err = InvalidMemberId;

    fn from_str(text: &str) -> Result<Self, InvalidMemberId> {
        text.strip_prefix(Self::PREFIX)
            .and_then(Self::from_digits)
            .ok_or(InvalidMemberId)
    }
}

impl From<MemberId> for String {
    fn from(id: MemberId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for MemberId {
    type Error = InvalidMemberId;

    fn try_from(text: String) -> Result<Self, InvalidMemberId> {
        text.parse()
    }
}

/// The id of a Discord user, guild or role: a number of 64 bits, which JSON and Luau would round,
/// so it is a string on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DiscordId(u64);

impl DiscordId {
    /// The smallest id that Discord has assigned has 17 digits.
    const SMALLEST: u64 = 10_000_000_000_000_000;

    #[must_use]
    pub fn new(id: u64) -> Option<Self> {
        let fits = (Self::SMALLEST..=i64::MAX.unsigned_abs()).contains(&id);
        fits.then_some(Self(id))
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// When Discord assigned the id.
    #[must_use]
    pub const fn created(self) -> UnixMillis {
        UnixMillis::from_millis((self.0 >> TIME_SHIFT).saturating_add(EPOCH))
    }

    /// The smallest number that Discord may assign at this time.
    #[must_use]
    pub const fn first_at(time: UnixMillis) -> u64 {
        time.millis().saturating_sub(EPOCH) << TIME_SHIFT
    }
}

/// How many bits of an id are behind its time.
const TIME_SHIFT: u32 = 22;

/// From when Discord counts, in Unix milliseconds.
const EPOCH: u64 = 1_420_070_400_000;

impl fmt::Display for DiscordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DiscordId {
    type Err = InvalidMemberId;

    fn from_str(text: &str) -> Result<Self, InvalidMemberId> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.parse().ok().filter(|_| is_plain);
        id.and_then(Self::new).ok_or(InvalidMemberId)
    }
}

impl From<DiscordId> for String {
    fn from(id: DiscordId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for DiscordId {
    type Error = InvalidMemberId;

    fn try_from(text: String) -> Result<Self, InvalidMemberId> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_parsed_as_they_are_printed() {
        let id = MemberId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(MemberId::from_digits(&id.digits()), Some(id));
        let discord: DiscordId = "80351110224678912".parse().unwrap();
        assert_eq!(discord.to_string(), "80351110224678912");
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "mem_",
            "mem_0123456789ABCDEF",
            "mem_0123456789abcde",
            "0123456789abcdef",
        ] {
            assert_eq!(text.parse::<MemberId>(), Err(InvalidMemberId), "{text}");
        }
        for text in [
            "",
            "1",
            "+80351110224678912",
            "9999999999999999",
            "18446744073709551615",
        ] {
            assert_eq!(text.parse::<DiscordId>(), Err(InvalidMemberId), "{text}");
        }
    }
}
