//! `portcullis bans`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{Guid, ModeratorId, PlaceId, UserId};
use shared::domain::rules::Scope;
use shared::store::{Filter, Store};

use super::workspace;
use crate::api::{ApiClient, ApiPage, LARGEST_PAGE, Query, ReceivedBan};
use crate::arguments::{UsageError, WorkspaceArg, moderator, named_place, scope, user};
use crate::ban_summary::BanSummary;
use crate::output::{Output, Printable};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis bans list
  portcullis bans list --active --scope global
  portcullis bans list --user 156 --json | jq '.[].guid'
  portcullis bans list --moderator 1 --limit 200 --cursor CURSOR";

/// How many bans are read for each that may match, at least.
const SIFTED: usize = 400;

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum BansCommand {
    /// List bans, in force or not, newest first.
    List(BansListArgs),
}

#[derive(Debug, Args)]
pub struct BansListArgs {
    /// Only bans of this Roblox user.
    #[arg(long, short, value_name = "USER", value_parser = user)]
    user: Option<UserId>,
    /// Only bans made from this experience (a place id), Global ones included.
    #[arg(long = "experience", short = 'e', value_name = "ID", value_parser = named_place)]
    made_in: Option<PlaceId>,
    /// Only bans whose terms this moderator decided.
    #[arg(long = "moderator", short = 'm', value_name = "USER", value_parser = moderator)]
    decided_by: Option<ModeratorId>,
    /// Only bans of this scope: `experience` or `global`.
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Option<Scope>,
    /// Only bans that are in force.
    #[arg(long)]
    active: bool,
    /// Only bans that have ended.
    #[arg(long, conflicts_with = "active")]
    ended: bool,
    /// The most bans to list.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = limit)]
    limit: usize,
    /// Continue an earlier list, which printed this.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    #[command(flatten)]
    place: WorkspaceArg,
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| "expected a positive number".to_owned())
}

impl BansListArgs {
    const fn is_active(&self) -> Option<bool> {
        match (self.active, self.ended) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    fn query(&self) -> Query<'static> {
        let scope = self.scope.map(|scope| match scope {
            Scope::Experience => "Experience".to_owned(),
            Scope::Global => "Global".to_owned(),
        });
        let parameters = [
            ("userId", self.user.map(|user| user.to_string())),
            ("experienceId", self.made_in.map(|place| place.to_string())),
            ("moderatorId", self.decided_by.map(|by| by.to_string())),
            ("banType", scope),
            ("isActive", self.is_active().map(|flag| flag.to_string())),
        ];
        let given = parameters.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// A ban in a list.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct BanRow(BanSummary);

impl Printable for BanRow {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Self(ban) = self;
        let moderator = ban.moderator().map(|moderator| moderator.to_string());
        let end = ban.expires().map_or_else(|| ban.until(), Time::brief);
        vec![
            ("state", ban.state().to_owned()),
            ("user", ban.user().to_string()),
            ("scope", ban.place().to_owned()),
            ("reason", ban.reason().to_owned()),
            ("end", end),
            ("moderator", moderator.unwrap_or_else(|| "-".to_owned())),
            ("made", ban.created().brief()),
            ("guid", ban.guid().to_owned()),
        ]
    }
}

pub async fn run(command: BansCommand, store: &Store, output: Output) -> Result<()> {
    let BansCommand::List(args) = command;
    list(args, store, output).await
}

pub fn run_remote(command: &BansCommand, api: &ApiClient, output: Output) -> Result<()> {
    let BansCommand::List(args) = command;
    list_remote(args, api, output)
}

/// Lists bans from the tables. The cursor is the guid of the last ban.
async fn list(args: BansListArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?.guid;
    let prefix = workspace.prefix();
    let experience = match args.made_in {
        Some(place) => Some(store.resolve(prefix, place).await?.experience),
        None => None,
    };
    let filter = Filter {
        user: args.user,
        experience,
        moderator: args.decided_by,
        scope: args.scope,
        active: args.is_active(),
    };
    let before = args.cursor.as_deref().map(guid).transpose()?;
    let wanted = if filter.needs_filtering() {
        args.limit.max(SIFTED)
    } else {
        args.limit
    };
    let now = UnixMillis::now().seconds();
    let mut bans = store.ban_list(prefix, &filter, before, Some(wanted));
    let mut rows: Vec<BanRow> = Vec::new();
    let mut next = None;
    while let Some(found) = bans.next().await? {
        if rows.len() == args.limit {
            next = rows.last().map(|row| row.0.guid().to_owned());
            break;
        }
        if !filter.matches(&found.ban, now) {
            continue;
        }
        let ban = BanSummary::new(workspace, &found.ban, found.applied, now);
        rows.push(BanRow(ban));
    }
    print(&rows, next, output)
}

/// Lists bans through the API, whose pages may be short.
fn list_remote(args: &BansListArgs, api: &ApiClient, output: Output) -> Result<()> {
    let now = UnixMillis::now().seconds();
    let mut rows = Vec::new();
    let mut next = args.cursor.clone();
    loop {
        let mut query = args.query();
        let missing = args.limit.saturating_sub(rows.len());
        query.push(("limit", missing.min(LARGEST_PAGE).to_string()));
        query.extend(next.map(|cursor| ("cursor", cursor)));
        let page: ApiPage<ReceivedBan> = api.get("bans", &query)?;
        let bans = page.list.into_iter();
        rows.extend(bans.map(|ban| BanRow(BanSummary::received(ban, now))));
        next = page.next_cursor;
        if next.is_none() || rows.len() >= args.limit {
            return print(&rows, next, output);
        }
    }
}

fn print(rows: &[BanRow], next: Option<String>, output: Output) -> Result<()> {
    output.list(rows, "no bans")?;
    if let Some(cursor) = next {
        note!("More bans may follow: continue with --cursor {cursor}");
    }
    Ok(())
}

fn guid(cursor: &str) -> Result<Guid, UsageError> {
    let wrong = |_| UsageError("--cursor is not from a list of bans from the tables".to_owned());
    cursor.parse().map_err(wrong)
}
