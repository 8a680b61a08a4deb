//! What several commands take, and how single arguments are read.

use std::num::NonZeroU32;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::Error as UnknownName;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::Value;
use shared::clock::{Moment, Timestamp};
use shared::ids::{ExperienceId, ModeratorId, UserId, WorkspaceId};
use shared::length;
use shared::rules::{Length, Scope};

const LONGEST_NAME: usize = 100;

#[derive(Clone, Copy, Debug, Args)]
pub struct InWorkspace {
    /// The workspace, by the guid that `workspace list` shows.
    #[arg(long, env = "PORTCULLIS_WORKSPACE", value_name = "GUID", value_parser = workspace)]
    pub workspace: WorkspaceId,
}

/// A workspace that a command is about.
#[derive(Clone, Copy, Debug, Args)]
pub struct NamedWorkspace {
    /// The workspace, by the guid that `workspace list` shows.
    #[arg(value_name = "GUID", value_parser = workspace, required_unless_present = "workspace")]
    guid: Option<WorkspaceId>,
    /// The same.
    #[arg(long, env = "PORTCULLIS_WORKSPACE", value_name = "GUID", value_parser = workspace)]
    workspace: Option<WorkspaceId>,
}

impl NamedWorkspace {
    /// The one that was named on the spot, else that of the environment.
    pub fn guid(self) -> anyhow::Result<WorkspaceId> {
        let named = self.guid.or(self.workspace);
        named.ok_or_else(|| anyhow::anyhow!("which workspace? give its guid"))
    }
}

/// An experience of a workspace.
#[derive(Clone, Copy, Debug, Args)]
pub struct InExperience {
    #[command(flatten)]
    pub place: InWorkspace,
    /// The experience, by its place id.
    #[arg(long, value_name = "ID", value_parser = experience)]
    pub experience: ExperienceId,
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

/// A Roblox user.
pub fn user(text: &str) -> Result<UserId, String> {
    let wrong = |_| "expected a Roblox user id, a number from 1 to 2^53 - 1".to_owned();
    text.parse().map_err(wrong)
}

/// A Roblox place.
pub fn experience(text: &str) -> Result<ExperienceId, String> {
    let wrong = |_| "expected a Roblox place id, a number from 1 to 2^53 - 1".to_owned();
    text.parse().map_err(wrong)
}

/// The Roblox user who decides.
pub fn moderator(text: &str) -> Result<ModeratorId, String> {
    let wrong = |_| "expected the Roblox user id of the moderator".to_owned();
    text.parse().map_err(wrong)
}

/// Where a ban holds.
pub fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "experience" => Ok(Scope::Experience),
        "global" => Ok(Scope::Global),
        _ => Err("expected experience or global".to_owned()),
    }
}

/// How long a ban lasts.
pub fn ban_length(text: &str) -> Result<Length, String> {
    let now = Moment::now().seconds();
    match length::parse(&Value::String(text.to_owned()), now) {
        Some(Length::Until(at)) if at <= now => Err("it lies in the past".to_owned()),
        Some(length) => Ok(length),
        None => Err(format!("it {}", length::ACCEPTED)),
    }
}

/// How long something takes, in seconds: `24h`, `90m`, `7d`, or `0`.
pub fn seconds(text: &str) -> Result<u64, String> {
    let now = Moment::now().seconds();
    match length::parse(&Value::String(text.to_owned()), now) {
        _ if text == "0" => Ok(0),
        Some(Length::For(seconds)) => Ok(seconds),
        _ => Err("expected a length such as 24h, 90m or 7d, or 0".to_owned()),
    }
}

/// An instant that has passed.
pub fn moment_past(text: &str) -> Result<Moment, String> {
    let now = Moment::now();
    let wrong = "expected an instant (RFC 3339), a Unix time or how long ago (2h, 1d12h), not in \
                 the future";
    let moment = if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        u64::try_from(instant.as_millisecond()).ok()
    } else {
        match length::parse(&Value::String(text.to_owned()), now.seconds()) {
            Some(Length::Until(at)) => Some(at.0.saturating_mul(1000)),
            Some(Length::For(ago)) => Some(now.millis().saturating_sub(ago.saturating_mul(1000))),
            _ => None,
        }
    };
    moment
        .map(Moment::from_millis)
        .filter(|moment| *moment <= now)
        .ok_or_else(|| wrong.to_owned())
}

/// A reason of at most so many bytes, judged as the API does.
pub fn reason(most: usize) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync {
    move |text| match shared::text::judge(text, most) {
        Ok("") => Err("it is empty".to_owned()),
        Ok(text) => Ok(text.to_owned()),
        Err(fault) => Err(format!("it {fault}")),
    }
}

/// A number from 1 on, or `none`.
pub fn number_or_none(text: &str) -> Result<Limit, String> {
    match text {
        "none" => Ok(Limit(None)),
        _ => match text.parse() {
            Ok(number) => Ok(Limit(Some(number))),
            Err(_) => Err("expected a number from 1 on, or none".to_owned()),
        },
    }
}

/// A number that may be lifted.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub Option<NonZeroU32>);

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

    #[test]
    fn a_time_is_an_instant_a_unix_time_or_how_long_ago() {
        let ago = moment_past("2h").unwrap().millis();
        let expected = Moment::now().millis() - 2 * 3_600_000;
        assert!(ago.abs_diff(expected) < 5000);
        assert_eq!(
            moment_past("1728802934"),
            Ok(Moment::from_millis(1_728_802_934_000))
        );
        assert_eq!(
            moment_past("2024-10-13T07:02:14.500Z"),
            Ok(Moment::from_millis(1_728_802_934_500))
        );
        for wrong in ["", "yesterday", "2100-01-01T00:00:00Z", "-2h"] {
            assert!(moment_past(wrong).is_err(), "{wrong:?}");
        }
    }
}
