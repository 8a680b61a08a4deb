//! The codes that one person reads in Discord and types in the game, or the other way round.

use std::fmt;
use std::str::FromStr;

use crate::domain::digest;
use crate::domain::ids::{InvalidId, WorkspacePrefix};
use crate::domain::random;

/// How many seconds a code is valid.
pub const CODE_VALID: u64 = 600;

/// Crockford's Base32: digits and letters that are not mistaken for each other.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many characters a code has, five bits each.
const LENGTH: usize = 6;

/// How many of them precede the dash.
const GROUP: usize = 3;

/// A code such as `7KX-3Q9`. Only its hash is stored; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkCode(String);

impl LinkCode {
    #[must_use]
    pub fn random() -> Self {
        Self::of_bits(random::number())
    }

    /// The same code for the same parts, which must contain a secret.
    #[must_use]
    pub fn derived(parts: &[&str]) -> Self {
        let digits = digest::of(parts);
        let bits = digits
            .get(..16)
            .map(|digits| u64::from_str_radix(digits, 16));
        Self::of_bits(bits.and_then(Result::ok).unwrap_or_default())
    }

    fn of_bits(bits: u64) -> Self {
        let letter = |at: usize| {
            let shifted = bits >> at.saturating_mul(5);
            let index = usize::try_from(shifted & 31).unwrap_or_default();
            ALPHABET.get(index).copied().map_or('0', char::from)
        };
        Self((0..LENGTH).map(letter).collect())
    }

    /// The form that is stored.
    #[must_use]
    pub fn hash(&self, prefix: WorkspacePrefix) -> String {
        digest::of(&["link-code", &prefix.to_string(), &self.0])
    }

    /// The form that people read.
    #[must_use]
    pub fn reveal(&self) -> String {
        let (first, second) = self.0.split_at_checked(GROUP).unwrap_or((&self.0, ""));
        format!("{first}-{second}")
    }
}

impl FromStr for LinkCode {
    type Err = InvalidId;

    /// Accepts what people type: either case, with or without dashes and spaces, and the letters that
    /// look like `0` and `1`.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let typed = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let read = typed.map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        });
        let code: String = read.take(LENGTH.saturating_add(1)).collect();
        let is_known = |byte: u8| ALPHABET.contains(&byte);
        if code.len() == LENGTH && code.bytes().all(is_known) {
            Ok(Self(code))
        } else {
            Err(InvalidId)
        }
    }
}

impl fmt::Debug for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_compared_without_case_and_dashes() {
        let code: LinkCode = "7KX-3Q9".parse().unwrap();
        for typed in ["7KX3Q9", "7kx3q9", " 7kx-3q9 ", "7-K-X-3-Q-9", "7KX 3Q9"] {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed}");
        }
        assert_eq!(code.reveal(), "7KX-3Q9");
    }

    #[test]
    fn letters_that_look_like_digits_are_read_as_digits() {
        let code: LinkCode = "0O1-IL0".parse().unwrap();
        assert_eq!(code.reveal(), "001-110");
    }

    #[test]
    fn other_texts_are_no_codes() {
        for text in [
            "", "7KX-3Q", "7KX-3Q99", "7KX-3QU", "7KX-3Qä", "7KX_3Q9", "------",
        ] {
            assert_eq!(text.parse::<LinkCode>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn codes_are_random_and_read_as_they_are_shown() {
        let code = LinkCode::random();
        assert_ne!(code, LinkCode::random());
        assert_eq!(code.reveal().parse(), Ok(code));
    }

    #[test]
    fn derived_code_depends_on_all_parts() {
        assert_eq!(
            LinkCode::derived(&["a", "b"]),
            LinkCode::derived(&["a", "b"])
        );
        assert_ne!(
            LinkCode::derived(&["a", "b"]),
            LinkCode::derived(&["a", "c"])
        );
    }

    #[test]
    fn hash_differs_between_workspaces_and_debug_shows_nothing() {
        let code: LinkCode = "7KX-3Q9".parse().unwrap();
        let hash = |prefix: &str| code.hash(prefix.parse().unwrap());
        assert_ne!(hash("26092f67"), hash("26092f68"));
        assert_eq!(format!("{code:?}"), "LinkCode");
    }
}
