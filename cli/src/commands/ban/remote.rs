//! `portcullis ban` through the API.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::rules::{BanRequest, Expiry, Length, Scope};

use super::BanArgs;
use super::preview::SHORT;
use crate::api::{ApiClient, Query, ReceivedBan};
use crate::arguments::UsageError;
use crate::ban_summary::{BanSummary, lasting};
use crate::commands::check;
use crate::confirm::confirm;
use crate::names::{NO_TABLES, NamedUser, UserNames};
use crate::output::Output;

/// Ignored for an appeal, and required by the API.
const APPEAL: &str = "appeal accepted";

/// The answer to a decision.
#[derive(Deserialize)]
pub struct Decided {
    pub ban: Option<ReceivedBan>,
}

pub async fn run_remote(
    args: &BanArgs,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    if args.safety.dry_run {
        let said =
            "--dry-run does not work through the API: `portcullis check` shows the ban in force";
        return Err(UsageError(said.to_owned()).into());
    }
    let finding = names.find_with_moderator(NO_TABLES, &args.user, Some(&args.moderator));
    let (mut user, moderator) = finding.await?;
    let request = args.request(user.id, moderator.context("no moderator given")?);
    let now = UnixMillis::now().seconds();
    let latest = check::ask(api, user.id, args.place.named)?;
    let before = latest.filter(|ban| ban.is_banned);
    names.complete_remote([&mut user]).await;
    if let Some(question) = args.question(&request, &user, before.as_ref(), now) {
        confirm(&question, args.safety.yes)?;
    }
    let flags = [
        (args.applied, "experienceBanCompleted"),
        (args.appeal, "isAppeal"),
    ];
    let flags = flags.into_iter().filter(|(is_set, _)| *is_set);
    let query: Query<'_> = flags.map(|(_, name)| (name, "true".to_owned())).collect();
    let decided: Decided = api.post("ban-async", &query, &args.body(request))?;
    let ban = decided
        .ban
        .context("the API's answer does not contain the ban")?;
    let now = UnixMillis::now().seconds();
    if args.appeal {
        note!(
            "Ended the ban of {user} {}: appeal accepted.",
            received_place(&ban)
        );
    } else {
        let lasting = lasting(expiry(&ban), now);
        note!("{user} is banned {} {lasting}.", received_place(&ban));
    }
    output.one(&BanSummary::received(ban, now).of(&user))
}

/// The scope of a ban, for a sentence.
pub fn received_place(ban: &ReceivedBan) -> String {
    if ban.is_global {
        "in every experience".to_owned()
    } else {
        format!("in experience {}", ban.experience_id)
    }
}

pub const fn expiry(ban: &ReceivedBan) -> Expiry {
    match ban.expires {
        0 => Expiry::Never,
        at => Expiry::At(UnixSeconds(at)),
    }
}

impl BanArgs {
    /// The prompt, for the same reasons as with the tables.
    fn question(
        &self,
        request: &BanRequest,
        user: &NamedUser,
        before: Option<&ReceivedBan>,
        now: UnixSeconds,
    ) -> Option<String> {
        if self.appeal {
            return None;
        }
        let place = match request.scope {
            Scope::Global => "in every experience".to_owned(),
            Scope::Experience => format!("in experience {}", request.place),
        };
        let expires = request.length.from(now);
        let would = format!("Ban {user} {place} {}", lasting(expires, now));
        if let Some(before) = before.filter(|_| self.overwrite) {
            let reason = before.private_reason.as_ref();
            let is_report = self.applied
                && before.moderator_id == Some(request.moderator)
                && reason == Some(&request.private_reason)
                && before.public_reason == request.public_reason;
            let why = reason.unwrap_or(&before.public_reason);
            let still = lasting(expiry(before), now);
            let now_banned = format!(
                "{user} is banned {} ({why:?}) {still}.",
                received_place(before)
            );
            return (!is_report).then(|| format!("{now_banned} {would} instead?"));
        }
        let is_short = match expires {
            Expiry::At(at) => at.0.saturating_sub(now.0) < SHORT,
            Expiry::Never => request.scope == Scope::Global,
        };
        is_short.then(|| format!("{would}?"))
    }

    fn body(&self, request: BanRequest) -> Value {
        let scope = match request.scope {
            Scope::Experience => "Experience",
            Scope::Global => "Global",
        };
        let (kind, length) = match request.length {
            Length::Permanent => ("Permanent", Value::Null),
            Length::Until(at) => ("Temporary", at.0.into()),
            // With its unit, since a large number would be a point in time.
            Length::For(seconds) => ("Temporary", format!("{seconds}s").into()),
        };
        let reason = |text: String| if self.appeal { APPEAL.to_owned() } else { text };
        json!({
            "overwrite": request.overwrite,
            "userId": request.user,
            "experienceId": request.place,
            "banModerator": request.moderator,
            "banType": scope,
            "banLengthType": kind,
            "banLength": length,
            "banPrivateReason": reason(request.private_reason),
            "banPublicReason": reason(request.public_reason),
        })
    }
}
