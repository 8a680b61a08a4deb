//! `portcullis erase`: erases all data about a user.

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use shared::domain::user_reference::UserReference;
use shared::store::{ErasureReceipt, ErasureSource, Store};

use super::workspace;
use crate::arguments::{SafetyArgs, WorkspaceArg, user};
use crate::confirm::confirm;
use crate::names::UserNames;
use crate::output::{Output, Printable};

const EXAMPLES: &str = "\
Examples:
  portcullis erase 156 --dry-run
  portcullis erase 156 --yes

Deletes the user's bans, history and pending changes, so the user can join again. A receipt that does \
not identify the user is kept.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EraseArgs {
    #[command(flatten)]
    place: WorkspaceArg,

    /// The Roblox user: an id, a name (@builderman) or a link to a profile.
    #[arg(value_name = "USER", value_parser = user)]
    user: UserReference,

    #[command(flatten)]
    safety: SafetyArgs,
}

/// The counts of what was or would be erased.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasedData {
    pub bans: u64,
    pub items: u64,
    pub dry_run: bool,
}

impl ErasedData {
    pub const fn new(receipt: ErasureReceipt, dry_run: bool) -> Self {
        Self {
            bans: receipt.bans,
            items: receipt.items,
            dry_run,
        }
    }
}

impl Printable for ErasedData {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let title = if self.dry_run {
            "bans that would be removed"
        } else {
            "bans removed"
        };
        vec![
            (title, self.bans.to_string()),
            ("items in total", self.items.to_string()),
        ]
    }
}

pub async fn run(args: EraseArgs, store: &Store, names: &UserNames, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?;
    let prefix = workspace.guid.prefix();
    // An id is not looked up: that would cache the name of a user who is being erased.
    let user = names.find(store, &args.user).await?;
    let known = store.preview_erasure(prefix, user.id).await?;
    if known.items == 0 {
        note!("No data on record about user {user}.");
    }
    if args.safety.dry_run || known.items == 0 {
        return output.one(&ErasedData::new(known, args.safety.dry_run));
    }
    let question = format!(
        "Erase user {user} from {:?}? This deletes their {} bans and their history, and they can join again. \
         It cannot be undone.",
        workspace.name, known.bans
    );
    confirm(&question, args.safety.yes)?;
    // Without its secret, the workspace cannot distinguish late reports from new bans.
    store.upgrade_workspace(prefix).await?;
    let receipt = store
        .erase_user(prefix, user.id, ErasureSource::Operator)
        .await?;
    output.one(&ErasedData::new(receipt, false))
}
