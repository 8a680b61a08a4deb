//! Arguments shared by several commands, and parsers of single arguments.

mod times;
mod workspaces;

pub use times::{ban_length, expiry, past_moment, seconds};
pub use workspaces::{NamedWorkspace, WorkspaceArg, WorkspaceName, workspace};

use std::num::NonZeroU32;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::Error as UnknownName;
use serde::de::{DeserializeOwned, IntoDeserializer};
use shared::domain::ids::{ExperienceId, PlaceId};
use shared::domain::rules::Scope;
use shared::domain::text::{LONGEST_NAME, display_name};
use shared::domain::user_reference::{InvalidUserReference, UserReference};

/// Wrong arguments that are found only after the command has started. The exit status is 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// A value that has the right form and is wrong. If it did not come from an argument, the program adds
/// where it came from.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct WrongValue {
    /// The id of the option in the command line's definition.
    pub option: &'static str,
    pub message: String,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct ExperienceArgs {
    #[command(flatten)]
    pub place: WorkspaceArg,
    /// The experience's place id, or that of a place that is part of it; also a name that the context has.
    #[arg(
        long = "experience",
        short = 'e',
        env = "PORTCULLIS_EXPERIENCE",
        value_name = "ID"
    )]
    #[arg(value_parser = named_place)]
    pub named: PlaceId,
}

/// The options of commands that ask for confirmation.
#[derive(Clone, Copy, Debug, Args)]
pub struct SafetyArgs {
    /// Skip the confirmation prompt.
    #[arg(long)]
    pub yes: bool,
    /// Print what would change, without changing anything.
    #[arg(long)]
    pub dry_run: bool,
}

/// A parser that accepts `names`, the serialized names of `T`.
pub fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name: String| -> Result<T, UnknownName> {
        T::deserialize(name.into_deserializer())
    })
}

/// Whether a text is more likely an option. A reason may start with a hyphen, so clap takes any
/// argument after `--reason` as its value.
fn is_option(text: &str) -> bool {
    let name = text.strip_prefix("--").unwrap_or_default();
    name.starts_with(|first: char| first.is_ascii_lowercase())
}

const NO_VALUE: &str = "it looks like an option: the value is missing";

pub fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if is_option(text) {
        return Err(NO_VALUE.to_owned());
    }
    display_name(text).map(str::to_owned).ok_or_else(|| {
        format!("expected 1 to {LONGEST_NAME} printable characters, without bidirectional controls")
    })
}

/// Fails if a key itself is given instead of its id. The error does not repeat the secret.
pub fn require_key_id(text: &str) -> Result<(), UsageError> {
    if shared::domain::keys::PlainKey::parse(text.trim()).is_none() {
        return Ok(());
    }
    Err(UsageError(
        "expected the id of the key, not the key itself: `portcullis key list` shows the ids"
            .to_owned(),
    ))
}

/// Parses a decimal id. Signs and leading zeros are refused, since they suggest a typing mistake.
fn id<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_canonical)
}

pub fn user(text: &str) -> Result<UserReference, InvalidUserReference> {
    text.parse()
}

pub fn named_place(text: &str) -> Result<PlaceId, String> {
    id(text).ok_or_else(|| "expected a Roblox place id, a number from 1 to 2^53 - 1".to_owned())
}

/// A place itself, even if it is part of another.
pub fn experience(text: &str) -> Result<ExperienceId, String> {
    named_place(text).map(ExperienceId::of_root)
}

pub fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "experience" => Ok(Scope::Experience),
        "global" => Ok(Scope::Global),
        _ => Err("expected experience or global".to_owned()),
    }
}

/// A parser of reasons with at most `most` bytes, with the rules of the API.
pub fn reason(most: usize) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync {
    move |text| match shared::domain::text::judge(text, most) {
        _ if is_option(text) => Err(NO_VALUE.to_owned()),
        Ok("") => Err("it is empty".to_owned()),
        Ok(text) => Ok(text.to_owned()),
        Err(fault) => Err(format!("it {fault}")),
    }
}

pub fn number_or_none(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        _ => match text.parse() {
            Ok(number) => Ok(Limit(Some(number))),
            Err(_) => Err("expected a positive number, or none".to_owned()),
        },
    }
}

/// A cap, or `None` for no cap.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub Option<NonZeroU32>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_printable() {
        assert_eq!(name(" My studio "), Ok("My studio".to_owned()));
        for wrong in [
            String::new(),
            "  ".to_owned(),
            "a\nb".to_owned(),
            "x".repeat(101),
            "a\u{202e}b".to_owned(),
            "a\u{9b}b".to_owned(),
        ] {
            assert!(name(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ids_have_no_sign_and_no_leading_zero() {
        assert_eq!(named_place("156").map(PlaceId::get), Ok(156));
        for wrong in ["+5", "0156", "-1", "0", "", " 7", "1e3"] {
            assert!(named_place(wrong).is_err(), "{wrong}");
            assert!(experience(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn key_given_instead_of_its_id_is_not_repeated() {
        let key = "sentinelAPI.00000000-0000-4000-8000-000000000001";
        let error = require_key_id(key).unwrap_err().to_string();
        assert!(!error.contains("00000000"), "{error}");
        assert!(require_key_id("3f2a91c07d5e").is_ok());
    }

    #[test]
    fn text_may_start_with_a_hyphen_but_not_look_like_an_option() {
        let reason = reason(20);
        for text in ["-1 rule", "- spam", "--", "-- see rule 3"] {
            assert_eq!(reason(text), Ok(text.to_owned()));
        }
        assert_eq!(reason(" Be kind "), Ok("Be kind".to_owned()));
        for (wrong, why) in [
            ("--overwrite", "value is missing"),
            ("--length=7d", "value is missing"),
            (" ", "empty"),
            ("a\u{202e}b", "direction"),
            ("123456789012345678901", "21 bytes"),
        ] {
            let said = reason(wrong).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
        assert!(name("--linking").is_err());
        assert_eq!(name("-1 studio"), Ok("-1 studio".to_owned()));
    }
}
