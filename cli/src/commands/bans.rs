//! `portcullis bans`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::actor::DecidedBy;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::{Guid, PlaceId};
use shared::domain::rules::Scope;
use shared::domain::user_reference::UserReference;
use shared::store::{BanRecord, Filter, Store};

use super::workspace;
use crate::actors::{MemberNames, ShownActor};
use crate::api::{ApiClient, ApiPage, LARGEST_PAGE, Query, ReceivedBan};
use crate::arguments::{UsageError, WorkspaceArg, named_place, scope, user};
use crate::ban_summary::BanSummary;
use crate::names::{NO_TABLES, NamedUser, UserNames};
use crate::output::{Output, Printable};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis bans list
  portcullis bans list --active --scope global
  portcullis bans list --user @builderman --json | jq '.[].guid'
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
    user: Option<UserReference>,
    /// Only bans made from this experience (a place id), Global ones included.
    #[arg(long = "experience", short = 'e', value_name = "ID", value_parser = named_place)]
    made_in: Option<PlaceId>,
    /// Only bans whose terms this moderator decided.
    #[arg(long = "moderator", short = 'm', value_name = "USER", value_parser = user)]
    decided_by: Option<UserReference>,
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

    fn query(&self, users: &ListedUsers) -> Query<'static> {
        let scope = self.scope.map(|scope| match scope {
            Scope::Experience => "Experience".to_owned(),
            Scope::Global => "Global".to_owned(),
        });
        let parameters = [
            (
                "userId",
                users.user.as_ref().map(|user| user.id.to_string()),
            ),
            ("experienceId", self.made_in.map(|place| place.to_string())),
            (
                "moderatorId",
                users.decided_by.as_ref().map(|by| by.id.to_string()),
            ),
            ("banType", scope),
            ("isActive", self.is_active().map(|flag| flag.to_string())),
        ];
        let given = parameters.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// The users of the filters, found at Roblox if they were named.
struct ListedUsers {
    user: Option<NamedUser>,
    decided_by: Option<NamedUser>,
}

impl ListedUsers {
    async fn find(args: &BansListArgs, store: Option<&Store>, names: &UserNames) -> Result<Self> {
        Ok(Self {
            user: names.find_given(store, args.user.as_ref()).await?,
            decided_by: names.find_given(store, args.decided_by.as_ref()).await?,
        })
    }
}

/// A ban in a list.
#[derive(Debug, Serialize)]
struct BanRow {
    #[serde(flatten)]
    ban: BanSummary,
    /// Who made the last decision about it; unknown for one of an earlier version.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<ShownActor>,
}

impl BanRow {
    fn received(mut ban: ReceivedBan, now: UnixSeconds) -> Self {
        Self {
            actor: ban.actor.take(),
            ban: BanSummary::received(ban, now),
        }
    }
}

impl Printable for BanRow {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let Self { ban, actor } = self;
        let dash = || "-".to_owned();
        let moderator = ban.moderator().map(|moderator| moderator.to_string());
        let end = ban.expires().map_or_else(|| ban.until(), Time::brief);
        vec![
            ("state", ban.state().to_owned()),
            ("user", ban.user.cell()),
            ("scope", ban.place().to_owned()),
            ("reason", ban.reason().to_owned()),
            ("end", end),
            ("moderator", moderator.unwrap_or_else(dash)),
            ("by", actor.as_ref().map_or_else(dash, ShownActor::cell)),
            ("made", ban.created().brief()),
            ("guid", ban.guid().to_owned()),
        ]
    }
}

pub async fn run(
    command: BansCommand,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let BansCommand::List(args) = command;
    list(&args, store, names, output).await
}

pub async fn run_remote(
    command: BansCommand,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let BansCommand::List(args) = command;
    list_remote(&args, api, names, output).await
}

/// Lists bans from the tables. The cursor is the guid of the last ban.
async fn list(args: &BansListArgs, store: &Store, names: &UserNames, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?.guid;
    let prefix = workspace.prefix();
    let experience = match args.made_in {
        Some(place) => Some(store.resolve(prefix, place).await?.experience),
        None => None,
    };
    let users = ListedUsers::find(args, Some(store), names).await?;
    let filter = Filter {
        user: users.user.map(|user| user.id),
        experience,
        moderator: users.decided_by.map(|by| by.id.into()),
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
    let mut found: Vec<BanRecord> = Vec::new();
    let mut next = None;
    while let Some(record) = bans.next().await? {
        if found.len() == args.limit {
            next = found.last().map(|last| last.ban.guid.to_string());
            break;
        }
        if filter.matches(&record.ban, now) {
            found.push(record);
        }
    }
    let actors = found.iter().filter_map(|record| record.last_by.as_ref());
    let members = MemberNames::read(store, prefix, actors.map(|by| by.id.as_str())).await?;
    let actor = |by: &DecidedBy| ShownActor::of(by, &members);
    let rows = found.iter().map(|record| BanRow {
        ban: BanSummary::new(workspace, &record.ban, record.applied, now),
        actor: record.last_by.as_ref().map(actor),
    });
    let mut rows: Vec<_> = rows.collect();
    let users = rows.iter_mut().map(|row| &mut row.ban.user);
    names.complete(store, prefix, users).await;
    print(&rows, next, output)
}

/// Lists bans through the API, whose pages may be short.
async fn list_remote(
    args: &BansListArgs,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let users = ListedUsers::find(args, NO_TABLES, names).await?;
    let now = UnixMillis::now().seconds();
    let mut rows = Vec::new();
    let mut next = args.cursor.clone();
    loop {
        let mut query = args.query(&users);
        let missing = args.limit.saturating_sub(rows.len());
        query.push(("limit", missing.min(LARGEST_PAGE).to_string()));
        query.extend(next.map(|cursor| ("cursor", cursor)));
        let page: ApiPage<ReceivedBan> = api.get("bans", &query)?;
        let bans = page.list.into_iter();
        rows.extend(bans.map(|ban| BanRow::received(ban, now)));
        next = page.next_cursor;
        if next.is_none() || rows.len() >= args.limit {
            break;
        }
    }
    let users = rows.iter_mut().map(|row| &mut row.ban.user);
    names.complete_remote(users).await;
    print(&rows, next, output)
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
