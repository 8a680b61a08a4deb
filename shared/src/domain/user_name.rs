//! The names of Roblox users: as people type them, and as Roblox shows them.

use std::fmt::{self, Display, Formatter};

use crate::domain::ids::UserId;
use crate::domain::text;

/// A user name as people type it: 3 to 20 letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserName(String);

impl UserName {
    /// The name, if Roblox gives names of this form.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let fits = (3..=20).contains(&text.len()) && text.bytes().all(is_letter);
        fits.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Roblox treats both as one name: it ignores case.
    #[must_use]
    pub fn equals(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl Display for UserName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// What Roblox calls a user now. Names of old accounts may contain what no new name may, such as
/// spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobloxName {
    name: String,
    display_name: String,
}

impl RobloxName {
    /// The longest name that is shown, in bytes: four for each of a display name's 20 characters.
    const LONGEST: usize = 80;

    /// The name, if it can be shown on one line. A user without a display name has the user name as
    /// such, as at Roblox.
    #[must_use]
    pub fn new(name: &str, display_name: &str) -> Option<Self> {
        let shown = |name: &str| {
            let name = text::judge(name, Self::LONGEST).ok()?;
            let is_shown = !name.is_empty() && !name.contains(char::is_control);
            is_shown.then(|| name.to_owned())
        };
        let name = shown(name)?;
        Some(Self {
            display_name: shown(display_name).unwrap_or_else(|| name.clone()),
            name,
        })
    }

    /// The user name, which no two users share.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that players see, which users choose freely.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }
}

impl Display for RobloxName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.name)
    }
}

/// A user whom Roblox knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobloxUser {
    pub id: UserId,
    pub name: RobloxName,
}

impl Display for RobloxUser {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.id)
    }
}

/// Why a typed name stands for no user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("no Roblox user has the name {0}: check its spelling, or use the user's id")]
    Unknown(UserName),
    /// Roblox finds users by their previous names too, and the operator may mean another user.
    #[error("{typed} is ambiguous, a previous name of {owner}: use that id, or the present name")]
    Ambiguous {
        typed: UserName,
        owner: Box<RobloxUser>,
    },
    #[error("Roblox cannot be reached to look up {0}: try again, or use the user's id")]
    Unanswered(UserName),
}

/// The user that a typed name stands for, of whom Roblox finds under it.
pub fn owner(typed: &UserName, found: Option<RobloxUser>) -> Result<RobloxUser, NameError> {
    match found {
        None => Err(NameError::Unknown(typed.clone())),
        Some(owner) if typed.equals(owner.name.name()) => Ok(owner),
        Some(owner) => Err(NameError::Ambiguous {
            typed: typed.clone(),
            owner: Box::new(owner),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Option<RobloxUser> {
        let name = RobloxName::new(name, "")?;
        let id = UserId::new(123)?;
        Some(RobloxUser { id, name })
    }

    #[test]
    fn typed_names_have_the_form_of_roblox_names() {
        for (text, fits) in [
            ("abc", true),
            ("Builder_Man9", true),
            ("abcdefghijklmnopqrst", true),
            ("123", true),
            ("ab", false),
            ("abcdefghijklmnopqrstu", false),
            ("", false),
            ("a b", false),
            ("a-b", false),
            ("@abc", false),
            ("añb", false),
        ] {
            assert_eq!(UserName::new(text).is_some(), fits, "{text}");
        }
    }

    #[test]
    fn names_that_cannot_be_shown_are_no_names() {
        let name = |name, display| RobloxName::new(name, display);
        let doe = name("John Doe", "").unwrap();
        assert_eq!((doe.name(), doe.display_name()), ("John Doe", "John Doe"));
        assert_eq!(name("abc", "海賊王").unwrap().display_name(), "海賊王");
        for hostile in ["a\u{202e}b", "a\nb", "\u{1b}[2J", " ", &"x".repeat(81)] {
            assert_eq!(name(hostile, "x"), None, "{hostile:?}");
            let shown = name("abc", hostile).unwrap();
            assert_eq!(shown.display_name(), "abc", "{hostile:?}");
        }
    }

    #[test]
    fn present_name_in_any_case_is_the_users() {
        let typed = UserName::new("builderMAN").unwrap();
        assert_eq!(
            owner(&typed, found("Builderman")),
            Ok(found("Builderman").unwrap())
        );
    }

    #[test]
    fn previous_name_is_ambiguous_and_the_error_names_the_present_owner() {
        let typed = UserName::new("old").unwrap();
        let error = owner(&typed, found("new")).unwrap_err().to_string();
        assert!(error.contains("@old is ambiguous"), "{error}");
        assert!(error.contains("@new (123)"), "{error}");
    }

    #[test]
    fn name_of_nobody_is_unknown() {
        let typed = UserName::new("nobody").unwrap();
        let error = owner(&typed, None).unwrap_err();
        assert!(error.to_string().contains("@nobody"), "{error}");
    }
}
