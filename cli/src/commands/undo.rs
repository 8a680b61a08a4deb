//! `portcullis undo`: reverses the decisions of a key or a moderator.

use anyhow::{Result, bail};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::domain::actor::Channel;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ModeratorId, UserId, WorkspacePrefix};
use shared::domain::keys::KeyRecord;
use shared::domain::members::Member;
use shared::domain::places::{ANNOUNCED_MS, Join, Membership};
use shared::domain::rules::{Decision, DecisionKind, Scope};
use shared::store::admin::{FormerRoot, Undo, UndoWindow, UndoneActor};
use shared::store::{Actor, Store, Workspace};

use super::{member, workspace};
use crate::arguments::{SafetyArgs, UsageError, WorkspaceArg, past_moment, require_key_id, user};
use crate::confirm::confirm;
use crate::connection::OperatorSession;
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable, word};
use crate::progress::Progress;
use crate::times::Time;

/// How many users are processed at once.
const CONCURRENCY: usize = 16;

const EXAMPLES: &str = "\
Examples:
  portcullis undo --key 3f2a91c07d5e --since 2h --dry-run
  portcullis undo --moderator Ada --since 2h --dry-run
  portcullis undo --moderator @builderman --since 2h --dry-run
  portcullis undo --key 3f2a91c07d5e --since 2026-11-21T10:00:00Z --until 2026-11-21T12:30:00Z

Bans that the key or moderator made are lifted, bans that they lifted are restored, and changed bans get \
their old terms back. Later decisions by others stay. Revoke the key, or remove the member, first, and \
wait a minute.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UndoArgs {
    #[command(flatten)]
    place: WorkspaceArg,

    /// The key id; or `operator`, or the name that an `undo` or `import` printed.
    #[arg(long, value_name = "KEY_ID", required_unless_present = "moderator")]
    key: Option<String>,

    /// A member, by name or id, or a moderator, by their Roblox user (156, @builderman or a link to a
    /// profile): what they decided in the console, in Discord, and through keys and commands that named
    /// their Roblox user.
    #[arg(long, value_name = "MEMBER", conflicts_with = "key")]
    moderator: Option<String>,

    /// The start of the period: how long ago (2h, 1d12h), a date (00:00 UTC), a time (RFC 3339) or a
    /// Unix time.
    #[arg(long, value_name = "WHEN", value_parser = past_moment)]
    since: UnixMillis,

    /// The end of the period [default: now].
    #[arg(long, value_name = "WHEN", value_parser = past_moment)]
    until: Option<UnixMillis>,

    #[command(flatten)]
    safety: SafetyArgs,
}

/// A decision that undoes another one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UndoneDecision {
    #[serde(flatten)]
    user: NamedUser,
    scope: &'static str,
    experience_id: u64,
    guid: String,
    decision: DecisionKind,
    expires: Option<Time>,
    dry_run: bool,
    public_reason: String,
}

impl UndoneDecision {
    fn of(decision: &Decision, is_preview: bool) -> Self {
        let ban = &decision.ban;
        Self {
            user: ban.user.into(),
            scope: match ban.scope {
                Scope::Experience => "Experience",
                Scope::Global => "Global",
            },
            experience_id: ban.made_in.get(),
            guid: ban.guid.to_string(),
            decision: decision.kind,
            expires: Time::of(ban.terms.expires),
            dry_run: is_preview,
            public_reason: ban.terms.public_reason.clone(),
        }
    }
}

impl Printable for UndoneDecision {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let title = if self.dry_run { "would be" } else { "is now" };
        vec![
            ("user", self.user.cell()),
            ("scope", self.scope.to_owned()),
            ("experience", self.experience_id.to_string()),
            ("ban", self.guid.clone()),
            (title, word(self.decision)),
            ("expires", or_never(self.expires)),
            ("public reason", self.public_reason.clone()),
        ]
    }
}

fn or_never(time: Option<Time>) -> String {
    time.map_or_else(|| "never".to_owned(), Time::shown)
}

pub async fn run(
    args: UndoArgs,
    session: &OperatorSession,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let store = &session.store;
    let workspace = workspace::find(store, args.place).await?;
    let prefix = workspace.guid.prefix();
    let until = args.until.unwrap_or_else(UnixMillis::now);
    if until < args.since {
        bail!(UsageError("--until is before --since".to_owned()));
    }
    let by = match (&args.key, &args.moderator) {
        (Some(key), _) => {
            require_key_id(key)?;
            UndoneActor::Id(key.clone())
        }
        (None, moderator) => {
            let moderator = moderator.as_deref().unwrap_or_default();
            moderator_of(store, names, &workspace, moderator).await?
        }
    };
    let name = args.key.as_deref().unwrap_or_default();
    let undo = Undo {
        prefix,
        window: UndoWindow {
            by,
            since: args.since,
            until,
        },
        former_root: former_root(store, prefix, name).await?,
        name: Actor::run_name("undo"),
        channel: Channel::Cli,
        principal: Some(session.principal.clone()),
    };
    let users = store.users_decided_on(prefix, &undo.window).await?;
    if let Some(key) = &args.key {
        check_key(store, &workspace, key, users.is_empty()).await?;
    }
    let now = UnixMillis::now().seconds();
    let none = "Nothing to undo: no decisions of theirs in that period are still current";
    if args.safety.dry_run {
        let mut would = decide(&undo, store, &users, true).await?;
        names
            .complete(store, prefix, would.iter_mut().map(|row| &mut row.user))
            .await;
        return output.list(&would, none);
    }
    if !users.is_empty() {
        let question = match args.key {
            Some(key) => format!("Undo the decisions of {key} about {} users?", users.len()),
            None => format!("Undo the decisions of {}?", undo.window.by),
        };
        let question = format!("{question} --dry-run lists them.");
        confirm(&question, args.safety.yes)?;
    }
    let mut done = decide(&undo, store, &users, false).await?;
    names
        .complete(store, prefix, done.iter_mut().map(|row| &mut row.user))
        .await;
    output.list(&done, none)?;
    if !done.is_empty() {
        note!(
            "To reverse this: portcullis undo --workspace {} --key {} --since {}",
            workspace.guid,
            undo.name,
            now.rfc3339()
        );
    }
    Ok(())
}

/// Warns of a key that can still decide, and refuses one that never existed.
async fn check_key(
    store: &Store,
    workspace: &Workspace,
    key: &str,
    has_no_users: bool,
) -> Result<()> {
    let prefix = workspace.guid.prefix();
    let now = UnixMillis::now().seconds();
    let keys = store.keys(prefix).await?;
    let is_live = |record: &KeyRecord| record.key_id == key && record.is_live(now);
    if keys.iter().any(is_live) {
        warning!("the key {key} is live and may make more decisions: revoke it first");
    }
    let is_key = keys.iter().any(|record| record.key_id == key);
    let is_known = is_key || key == "operator";
    if has_no_users && !is_known && !store.has_decided(prefix, key).await? {
        bail!(
            "workspace {:?} has neither a key {key} nor decisions under that name: `portcullis key list \
             -w {}` shows the keys, `portcullis history USER` shows who decided what",
            workspace.name,
            workspace.guid,
        );
    }
    Ok(())
}

/// The decisions of a member, or of a moderator who is none.
async fn moderator_of(
    store: &Store,
    names: &UserNames,
    workspace: &Workspace,
    moderator: &str,
) -> Result<UndoneActor> {
    let prefix = workspace.guid.prefix();
    let keys = store.keys(prefix).await?;
    // A name alone is that of a member.
    let roblox: Option<ModeratorId> = if moderator.starts_with('@') || moderator.contains('/') {
        let user = user(moderator).map_err(|wrong| UsageError(wrong.to_string()))?;
        Some(names.find(store, &user).await?.id.into())
    } else {
        moderator.parse().ok()
    };
    let member = match roblox {
        Some(_) => {
            let members = store.members(prefix).await?;
            let is_theirs = |member: &Member| Some(member.moderator()) == roblox;
            members.into_iter().find(is_theirs)
        }
        None => Some(member::find(store, workspace, moderator).await?),
    };
    if let Some(member) = member.as_ref().filter(|member| member.removed.is_none()) {
        warning!(
            "{} is a member and may make more decisions: remove them first",
            member.name
        );
    }
    Ok(UndoneActor::moderator(member.as_ref(), roblox, &keys))
}

/// The place that a place was part of, if the name is that of its join. Fails if it still is.
async fn former_root(
    store: &Store,
    prefix: WorkspacePrefix,
    name: &str,
) -> Result<Option<FormerRoot>> {
    let Some(part) = Join::part_of(name) else {
        return Ok(None);
    };
    match store.place_membership(prefix, part).await? {
        Membership::Part(join) => bail!(
            "place {part} is part of {}: run `portcullis experience leave {part}` first, and wait a \
             minute",
            join.root
        ),
        Membership::Left(root, at) => Ok(Some(FormerRoot {
            root,
            until: at.plus(ANNOUNCED_MS),
        })),
        Membership::Alone => Ok(None),
    }
}

/// Undoes the decisions about these users, or previews that, in the order of the users.
async fn decide(
    undo: &Undo,
    store: &Store,
    users: &std::collections::BTreeSet<UserId>,
    is_preview: bool,
) -> Result<Vec<UndoneDecision>> {
    let mut progress = Progress::begin("users", u64::try_from(users.len()).ok());
    let users = stream::iter(users.iter().copied());
    let decided = users.map(|user| undo.of_user(store, user, is_preview));
    let mut decided = decided.buffered(CONCURRENCY);
    let mut shown = Vec::new();
    while let Some(decisions) = decided.try_next().await? {
        progress.advance(1);
        let show = |decision| UndoneDecision::of(decision, is_preview);
        shown.extend(decisions.iter().map(show));
    }
    progress.finish();
    Ok(shown)
}
