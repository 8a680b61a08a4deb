//! `portcullis check`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::UserId;
use shared::store::Store;

use super::{experience, workspace};
use crate::arguments::{ExperienceArgs, user};
use crate::ban_summary::BanSummary;
use crate::output::{Output, Printable};

const EXAMPLES: &str = "\
Examples:
  portcullis check 156 --experience 7
  portcullis check 156 --experience 7 --output json | jq .isBanned";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// The Roblox user id.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserId,
    #[command(flatten)]
    place: ExperienceArgs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckSummary {
    user_id: UserId,
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
            None => fields.push((
                "record",
                "no bans on record for this user in this experience".to_owned(),
            )),
        }
        fields
    }
}

pub async fn run(args: CheckArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place.place.workspace).await?;
    let place = experience::require_linked(store, &workspace, args.place.named).await?;
    let prefix = workspace.guid.prefix();
    let standing = store.steady_standing(prefix, args.user, place).await?;
    let now = UnixMillis::now().seconds();
    let changes = standing.pending();
    let pending = match (changes.ban_at(now), changes.unban_at(now)) {
        (Some(_), _) => Some("ban"),
        (None, Some(_)) => Some("unban"),
        (None, None) => None,
    };
    let show = |ban: &shared::domain::rules::Ban| {
        let applied = standing.here.report == Some(ban.current());
        BanSummary::new(workspace.guid, ban, applied, now)
    };
    output.one(&CheckSummary {
        user_id: args.user,
        is_banned: standing.counting(now).is_some(),
        pending,
        ban: standing.shown(now).map(show),
    })
}
