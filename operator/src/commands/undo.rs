//! `portcullis undo`: takes back what a key decided.

use anyhow::{Result, bail};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::calls::Undo;
use shared::clock::{Moment, Timestamp};
use shared::ids::UserId;
use shared::rules::{Decision, DecisionKind, Scope};
use shared::store::{Actor, Store, UndoWindow};

use super::workspace;
use crate::arguments::{Caution, InWorkspace, moment_past};
use crate::confirm::confirm;
use crate::output::{Output, Record, rfc3339, word};
use crate::progress::Progress;

/// How many users are put right at a time.
const AT_ONCE: usize = 16;

const EXAMPLES: &str = "\
Examples:
  portcullis undo --key 3f2a91c07d5e --since 2h --dry-run
  portcullis undo --key 3f2a91c07d5e --since 2026-11-21T10:00:00Z --until 2026-11-21T12:30:00Z

Bans that the key made are lifted, those it lifted are restored, those it changed get their terms
back. What somebody else has decided since stands. Revoke the key first, and wait a minute.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UndoArgs {
    #[command(flatten)]
    place: InWorkspace,

    /// Whose decisions: a key's id, or the name under which `undo` or `import` decided.
    #[arg(long, value_name = "KEY_ID")]
    key: String,

    /// From when on: an instant (RFC 3339), a Unix time, or how long ago (2h, 1d12h).
    #[arg(long, value_name = "WHEN", value_parser = moment_past)]
    since: Moment,

    /// Until when [default: now].
    #[arg(long, value_name = "WHEN", value_parser = moment_past)]
    until: Option<Moment>,

    #[command(flatten)]
    caution: Caution,
}

/// A decision that takes another one back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    user_id: UserId,
    scope: &'static str,
    experience_id: u64,
    guid: String,
    decision: DecisionKind,
    expires: Option<String>,
    public_reason: String,
}

impl Shown {
    fn of(decision: &Decision) -> Self {
        let ban = &decision.ban;
        let expires = ban.terms.expires.seconds();
        Self {
            user_id: ban.user,
            scope: match ban.scope {
                Scope::Experience => "Experience",
                Scope::Global => "Global",
            },
            experience_id: ban.made_in.get(),
            guid: ban.guid.to_string(),
            decision: decision.kind,
            expires: (expires != 0).then(|| rfc3339(Timestamp(expires))),
            public_reason: ban.terms.public_reason.clone(),
        }
    }
}

impl Record for Shown {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("user", self.user_id.to_string()),
            ("scope", self.scope.to_owned()),
            ("experience", self.experience_id.to_string()),
            ("ban", self.guid.clone()),
            ("is", word(self.decision)),
            (
                "expires",
                self.expires.clone().unwrap_or("never".to_owned()),
            ),
            ("public reason", self.public_reason.clone()),
        ]
    }
}

pub async fn run(args: UndoArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place.workspace).await?;
    let tag = workspace.guid.tag();
    let until = args.until.unwrap_or_else(Moment::now);
    if until < args.since {
        bail!("--until lies before --since");
    }
    let now = Moment::now().seconds();
    let keys = store.keys(tag).await?;
    let is_live = |key: &shared::auth::KeyRecord| key.key_id == args.key && key.is_live(now);
    if keys.iter().any(is_live) {
        eprintln!(
            "warning: the key {} is live and may go on meanwhile: revoke it first",
            args.key
        );
    }
    let undo = Undo {
        tag,
        window: UndoWindow {
            key_id: args.key.clone(),
            since: args.since,
            until,
        },
        name: Actor::run_name("undo"),
    };
    let users = store.users_decided_on(tag, &undo.window).await?;
    let none = "nothing to undo: the key decided nothing then, or it was decided anew since";
    if args.caution.dry_run {
        let would = decide(&undo, store, &users, true).await?;
        return output.list(&would, none);
    }
    if !users.is_empty() {
        let question = format!(
            "Take back what {} decided on {} users? --dry-run lists it.",
            args.key,
            users.len()
        );
        confirm(&question, args.caution.yes)?;
    }
    let done = decide(&undo, store, &users, false).await?;
    output.list(&done, none)?;
    if !done.is_empty() {
        eprintln!(
            "To take this back: portcullis undo --workspace {} --key {} --since {}",
            workspace.guid,
            undo.name,
            rfc3339(now)
        );
    }
    Ok(())
}

/// Previews or takes back what was decided on these users, in their order.
async fn decide(
    undo: &Undo,
    store: &Store,
    users: &std::collections::BTreeSet<UserId>,
    is_preview: bool,
) -> Result<Vec<Shown>> {
    let mut progress = Progress::begin("users", u64::try_from(users.len()).ok());
    let decided = stream::iter(users).map(|user| async move {
        let history = store.history(undo.tag, *user, undo.window.since).await?;
        let mut decisions = Vec::new();
        for chain in undo.window.chains(&history) {
            decisions.extend(if is_preview {
                undo.preview(store, &chain).await?
            } else {
                undo.carry_out(store, &chain).await?
            });
        }
        anyhow::Ok(decisions)
    });
    let mut decided = decided.buffered(AT_ONCE);
    let mut shown = Vec::new();
    while let Some(decisions) = decided.try_next().await? {
        progress.advance(1);
        shown.extend(decisions.iter().map(Shown::of));
    }
    progress.finish();
    Ok(shown)
}
