//! How people refer to a Roblox user: by id, by name, or by a link to the profile.

use std::str::FromStr;

use url::Url;

use crate::domain::ids::UserId;
use crate::domain::user_name::UserName;

/// A user as a person refers to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UserReference {
    Id(UserId),
    /// A name, which Roblox has to look up.
    Name(UserName),
}

/// Why a text refers to no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUserReference {
    #[error(
        "expected a Roblox user: an id (156), a name (@builderman) or a link to a profile \
         (https://www.roblox.com/users/156/profile)"
    )]
    Form,
    #[error(
        "expected a Roblox user id, a number from 1 to 2^53 - 1 without leading zeros; a name of \
         digits is written with an @"
    )]
    Id,
    #[error("expected a Roblox user name: 3 to 20 letters, digits and underscores")]
    Name,
    #[error(
        "expected a link to a Roblox profile, such as https://www.roblox.com/users/156/profile"
    )]
    Link,
}

impl FromStr for UserReference {
    type Err = InvalidUserReference;

    fn from_str(text: &str) -> Result<Self, InvalidUserReference> {
        let text = text.trim();
        if text.contains('/') {
            let id = linked(text).ok_or(InvalidUserReference::Link)?;
            return Ok(Self::Id(id));
        }
        if let Some(name) = text.strip_prefix('@') {
            let name = UserName::new(name).ok_or(InvalidUserReference::Name)?;
            return Ok(Self::Name(name));
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let id = id(text).ok_or(InvalidUserReference::Id)?;
            return Ok(Self::Id(id));
        }
        let name = UserName::new(text).ok_or(InvalidUserReference::Form)?;
        Ok(Self::Name(name))
    }
}

/// A decimal id. Signs and leading zeros suggest a typing mistake.
fn id(text: &str) -> Option<UserId> {
    let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_canonical)
}

/// The user of a link to a profile: of any host of Roblox, with or without a scheme, the language
/// before the path, and `profile` after the id.
fn linked(text: &str) -> Option<UserId> {
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("https://{text}"))
    };
    let url = url.ok()?;
    let host = url.host_str()?;
    let is_roblox = host == "roblox.com" || host.ends_with(".roblox.com");
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none();
    if !is_roblox || !is_plain {
        return None;
    }
    let segments: Vec<_> = url.path_segments()?.filter(|it| !it.is_empty()).collect();
    let path = match segments.as_slice() {
        [language, rest @ ..] if is_language(language) => rest,
        path => path,
    };
    match path {
        ["users", user] | ["users", user, "profile"] => id(user),
        _ => None,
    }
}

/// Whether a segment of a path is a language, such as `de` or `pt-br`.
fn is_language(segment: &str) -> bool {
    let is_letters = |part: &str| {
        (2..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    segment.split('-').count() <= 2 && segment.split('-').all(is_letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<UserReference, InvalidUserReference> {
        text.parse()
    }

    #[test]
    fn digits_and_links_are_ids() {
        let id = |id| Ok(UserReference::Id(UserId::new(id).unwrap()));
        for text in [
            "156",
            " 156\n",
            "https://www.roblox.com/users/156/profile",
            "https://www.roblox.com/users/156/profile/",
            "https://www.roblox.com/users/156/profile?friendshipSourceType=PlayerSearch#about",
            "http://roblox.com/users/156",
            "HTTPS://WEB.Roblox.com/users/156/profile",
            "www.roblox.com/users/156/profile",
            "roblox.com/users/156/",
            "https://www.roblox.com/de/users/156/profile",
            "https://www.roblox.com/pt-br/users/156/profile",
        ] {
            assert_eq!(parsed(text), id(156), "{text}");
        }
        assert_eq!(parsed("9007199254740991"), id(9_007_199_254_740_991));
    }

    #[test]
    fn the_rest_are_names() {
        for (text, name) in [
            ("@builderman", "builderman"),
            ("Builder_Man", "Builder_Man"),
            (" @abc ", "abc"),
            ("@156", "156"),
            ("156a", "156a"),
            ("_156", "_156"),
        ] {
            let name = UserReference::Name(UserName::new(name).unwrap());
            assert_eq!(parsed(text), Ok(name), "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_accepted() {
        use InvalidUserReference::{Form, Id, Link, Name};
        for (text, error) in [
            ("", Form),
            ("  ", Form),
            ("ab", Form),
            ("two words", Form),
            ("-5", Form),
            ("+156", Form),
            ("0", Id),
            ("0156", Id),
            ("9007199254740992", Id),
            ("99999999999999999999999", Id),
            ("@", Name),
            ("@ab", Name),
            ("@@abc", Name),
            ("@abcdefghijklmnopqrstu", Name),
            ("https://www.roblox.com/users/0156/profile", Link),
            ("https://www.roblox.com/users/me/profile", Link),
            ("https://www.roblox.com/users/156/friends", Link),
            ("https://www.roblox.com/groups/156", Link),
            ("https://www.roblox.com/english/users/156", Link),
            ("https://example.com/users/156/profile", Link),
            ("https://roblox.com.example.com/users/156/profile", Link),
            ("https://notroblox.com/users/156/profile", Link),
            ("https://www.roblox.com@example.com/users/156", Link),
            ("https://me@www.roblox.com/users/156", Link),
            ("ftp://www.roblox.com/users/156", Link),
            ("https:///users/156", Link),
            ("/users/156/profile", Link),
            ("users/156", Link),
        ] {
            assert_eq!(parsed(text), Err(error), "{text}");
        }
    }
}
