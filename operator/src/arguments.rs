//! What several commands take, and how single arguments are read.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::Error as UnknownName;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use shared::clock::{Moment, Timestamp};
use shared::ids::WorkspaceId;
use shared::length;
use shared::rules::Length;

const LONGEST_NAME: usize = 100;

#[derive(Clone, Copy, Debug, Args)]
pub struct InWorkspace {
    /// The workspace, by the guid that `workspace list` shows.
    #[arg(long, env = "PORTCULLIS_WORKSPACE", value_name = "GUID", value_parser = workspace)]
    pub workspace: WorkspaceId,
}

/// What a command that destroys takes besides.
#[derive(Clone, Copy, Debug, Args)]
pub struct Caution {
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Print exactly what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// A parser of one of `names`, which are those under which `T` is stored.
pub fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name: String| -> Result<T, UnknownName> {
        T::deserialize(name.into_deserializer())
    })
}

/// What something is called.
pub fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if (1..=LONGEST_NAME).contains(&length) && !text.contains(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected 1 to {LONGEST_NAME} printable characters"))
    }
}

fn workspace(text: &str) -> Result<WorkspaceId, String> {
    text.parse()
        .map_err(|_| "expected a guid, as `portcullis workspace list` shows it".to_owned())
}

/// When something ends.
pub fn expiry(text: &str) -> Result<Timestamp, String> {
    let now = Moment::now().seconds();
    let instant = match length::parse(&Value::String(text.to_owned()), now) {
        Some(Length::For(seconds)) => Some(now.plus(seconds)),
        Some(Length::Until(instant)) => Some(instant),
        Some(Length::Permanent) | None => midnight(text),
    };
    match instant {
        Some(instant) if instant > now => Ok(instant),
        Some(_) => Err("it lies in the past".to_owned()),
        None => Err(
            "expected a length (90d, 12h, P1Y), a date (2027-01-31, from 00:00 UTC) or an instant \
             (RFC 3339), at most 100 years away"
                .to_owned(),
        ),
    }
}

/// The beginning of a day in UTC, written `2027-01-31`.
fn midnight(text: &str) -> Option<Timestamp> {
    let midnight = format!("{text}T00:00:00Z");
    let instant: jiff::Timestamp = midnight.parse().ok()?;
    u64::try_from(instant.as_second()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_length_a_date_or_an_instant() {
        let soon = Moment::now().seconds().plus(90 * 86_400);
        let read = expiry("90d").unwrap();
        assert!(read >= soon && read <= soon.plus(5), "{read}");
        assert_eq!(expiry("2100-01-31"), Ok(Timestamp(4_105_036_800)));
        assert_eq!(expiry("2100-01-31T00:00:00Z"), Ok(Timestamp(4_105_036_800)));
        assert_eq!(
            expiry("2100-01-31T01:00:00+01:00"),
            Ok(Timestamp(4_105_036_800))
        );
        for wrong in [
            "",
            "soon",
            "0",
            "-1d",
            "2020-01-31",
            "2020-01-31T00:00:00Z",
            "2100-02-30",
            "200y",
        ] {
            assert!(expiry(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_is_short_and_printable() {
        assert_eq!(name(" My studio "), Ok("My studio".to_owned()));
        for wrong in [
            String::new(),
            "  ".to_owned(),
            "a\nb".to_owned(),
            "x".repeat(101),
        ] {
            assert!(name(&wrong).is_err(), "{wrong:?}");
        }
    }
}
