//! `portcullis check`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{PlaceId, UserId};
use shared::domain::user_reference::UserReference;
use shared::store::Store;

use super::{experience, workspace};
use crate::api::{ApiClient, ReceivedBan};
use crate::arguments::{ExperienceArgs, user};
use crate::ban_summary::BanSummary;
use crate::names::{NO_TABLES, NamedUser, UserNames};
use crate::output::{Output, Printable};

const EXAMPLES: &str = "\
Examples:
  portcullis check 156 --experience 7
  portcullis check @builderman --experience 7
  portcullis check 156 --experience 7 --output json | jq .isBanned";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// The Roblox user: an id, a name (@builderman) or a link to a profile.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserReference,
    #[command(flatten)]
    place: ExperienceArgs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckSummary {
    #[serde(flatten)]
    user: NamedUser,
    is_banned: bool,
    /// What the experience has yet to apply: `ban`, `unban` or nothing.
    pending: Option<&'static str>,
    /// The ban in force, or else the latest one.
    ban: Option<BanSummary>,
}

impl Printable for CheckSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let banned = if self.is_banned { "yes" } else { "no" };
        let mut fields = vec![("banned", banned.to_owned())];
        match &self.ban {
            Some(ban) => {
                let pending = self.pending.map_or("nothing".to_owned(), |what| {
                    format!("{what} not yet applied on Roblox")
                });
                fields.push(("pending", pending));
                fields.extend(ban.fields());
            }
            None => fields.extend([
                ("user", self.user.cell()),
                (
                    "record",
                    "no bans on record for this user in this experience".to_owned(),
                ),
            ]),
        }
        fields
    }
}

/// Checks through the API.
pub async fn run_remote(
    args: &CheckArgs,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let mut user = names.find(NO_TABLES, &args.user).await?;
    let found = ask(api, user.id, args.place.named)?;
    names.complete_remote([&mut user]).await;
    let pending = match &found {
        Some(ban) if ban.is_active && !ban.experience_ban_completed => Some("ban"),
        Some(ban) if !ban.is_active && ban.experience_ban_completed => Some("unban"),
        _ => None,
    };
    let now = UnixMillis::now().seconds();
    output.one(&CheckSummary {
        is_banned: found.as_ref().is_some_and(|ban| ban.is_banned),
        pending,
        ban: found.map(|ban| BanSummary::received(ban, now).of(&user)),
        user,
    })
}

/// The ban in force, or else the latest one, as `/is-banned` answers it.
pub fn ask(api: &ApiClient, user: UserId, place: PlaceId) -> Result<Option<ReceivedBan>> {
    let body = json!({ "userId": user, "experienceId": place });
    let answer: Value = api.post("is-banned", &Vec::new(), &body)?;
    // A user who was never banned has no guid.
    if answer.get("guid").is_none() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_value(answer)?))
}

pub async fn run(args: CheckArgs, store: &Store, names: &UserNames, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place.place).await?;
    let place = experience::require_linked(store, &workspace, args.place.named).await?;
    let prefix = workspace.guid.prefix();
    let mut user = names.find(store, &args.user).await?;
    let standing = store.steady_standing(prefix, user.id, place).await?;
    names.complete(store, prefix, [&mut user]).await;
    let now = UnixMillis::now().seconds();
    let changes = standing.pending();
    let pending = match (changes.ban_at(now), changes.unban_at(now)) {
        (Some(_), _) => Some("ban"),
        (None, Some(_)) => Some("unban"),
        (None, None) => None,
    };
    let show = |ban: &shared::domain::rules::Ban| {
        let applied = standing.here.report == Some(ban.current());
        BanSummary::new(workspace.guid, ban, applied, now).of(&user)
    };
    let ban = standing.shown(now).map(show);
    output.one(&CheckSummary {
        user,
        is_banned: standing.counting(now).is_some(),
        pending,
        ban,
    })
}
