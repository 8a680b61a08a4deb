//! `portcullis workspace`.

mod overview;
mod removal;
mod upgrade;

use std::num::NonZeroU32;

pub use upgrade::upgrade_all;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::WorkspaceId;
use shared::store::{EVIDENCE_GIB, Linking, Store, Workspace};

use crate::arguments::{
    Limit, NamedWorkspace, WorkspaceArg, WorkspaceName, WrongValue, name, number_or_none, one_of,
    workspace,
};
use crate::output::{Output, Printable, word};
use crate::times::Time;

const NONE: &str = "no workspaces yet: create one with `portcullis workspace create NAME`";

/// How many random ids are tried. With a million workspaces, one prefix in 4,000 is taken.
const TRIES: usize = 5;

const EXAMPLES: &str = "\
Examples:
  portcullis workspace create \"My studio\"
  portcullis workspace list --counts
  portcullis workspace show GUID
  portcullis workspace set GUID --linking strict --moderator-bans-per-hour 30
  portcullis workspace upgrade
  portcullis workspace delete GUID --dry-run";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum WorkspaceCommand {
    /// Create a workspace.
    Create {
        /// The display name.
        #[arg(value_parser = name, allow_hyphen_values = true)]
        name: String,
        /// How experiences are linked: `automatic` (by their first call with a secret key) or `strict` (only
        /// by you).
        #[arg(long, default_value = "automatic", value_name = "HOW")]
        #[arg(value_parser = one_of::<Linking>(["automatic", "strict"]))]
        linking: Linking,
    },
    /// List all workspaces, oldest first.
    List {
        /// Include item counts. This reads all bans.
        #[arg(long)]
        counts: bool,
    },
    /// Show a workspace, its item counts and the state of its experiences.
    Show(NamedWorkspace),
    /// Change a workspace's settings. This takes effect everywhere within 60 seconds.
    Set(WorkspaceSetArgs),
    /// Upgrade workspaces that an older version created. Run this before you deploy the functions of
    /// this version; running it again changes nothing.
    Upgrade,
    /// Delete a workspace with everything in it. Revoke all of its keys first. If interrupted, run it
    /// again to continue.
    Delete(WorkspaceDeleteArgs),
}

impl WorkspaceCommand {
    /// Whether it changes what a restore puts back. Settings are not restored.
    pub const fn must_wait_for_restore(&self) -> bool {
        matches!(self, Self::Delete(_))
    }
}

#[derive(Debug, Args)]
pub struct WorkspaceDeleteArgs {
    /// The workspace's GUID, from `workspace list`. `PORTCULLIS_WORKSPACE` is ignored here.
    #[arg(value_name = "GUID", value_parser = workspace)]
    guid: WorkspaceId,
    /// The workspace's name, which must match. Without this option, you are asked to type it.
    #[arg(long, value_parser = name, allow_hyphen_values = true)]
    name: Option<String>,
    /// Skip the confirmation prompt; needs --name.
    #[arg(long, requires = "name")]
    yes: bool,
    /// Print what would be deleted, without changing anything.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
#[group(id = "settings", required = true, multiple = true, args = ["name", "linking",
    "moderator_bans_per_hour", "history_days", "evidence_days", "evidence_gib"])]
pub struct WorkspaceSetArgs {
    #[command(flatten)]
    named: NamedWorkspace,
    /// The display name.
    #[arg(long, value_parser = name, allow_hyphen_values = true)]
    name: Option<String>,
    /// How experiences are linked: `automatic` (by their first call with a secret key) or `strict` (only
    /// by you).
    #[arg(long, value_name = "HOW")]
    #[arg(value_parser = one_of::<Linking>(["automatic", "strict"]))]
    linking: Option<Linking>,
    /// How many bans each moderator may make or change per hour, or `none` for no limit.
    #[arg(long, value_name = "N", value_parser = number_or_none)]
    moderator_bans_per_hour: Option<Limit>,
    /// How many days the history keeps future decisions, or `none` for no limit.
    #[arg(long, value_name = "N", value_parser = number_or_none)]
    history_days: Option<Limit>,
    /// How many days future evidence is kept, or `none` for no limit.
    #[arg(long, value_name = "N", value_parser = number_or_none)]
    evidence_days: Option<Limit>,
    /// How many GiB of evidence the workspace may store, or `none` for the default of 10.
    #[arg(long, value_name = "N", value_parser = number_or_none)]
    evidence_gib: Option<Limit>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkspaceSummary {
    guid: String,
    name: String,
    linking: Linking,
    moderator_bans_per_hour: Option<NonZeroU32>,
    history_days: Option<NonZeroU32>,
    evidence_days: Option<NonZeroU32>,
    evidence_gib: NonZeroU32,
    created: Time,
}

impl From<&Workspace> for WorkspaceSummary {
    fn from(workspace: &Workspace) -> Self {
        Self {
            guid: workspace.guid.to_string(),
            name: workspace.name.clone(),
            linking: workspace.linking,
            moderator_bans_per_hour: workspace.moderator_bans_per_hour,
            history_days: workspace.history_days,
            evidence_days: workspace.evidence_days,
            evidence_gib: workspace.evidence_gib.unwrap_or(EVIDENCE_GIB),
            created: Time(workspace.created),
        }
    }
}

impl Printable for WorkspaceSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("guid", self.guid.clone()),
            ("name", self.name.clone()),
            ("linking", word(self.linking)),
            (
                "moderator's bans per hour",
                or_any(self.moderator_bans_per_hour),
            ),
            ("history", kept(self.history_days)),
            (
                "evidence",
                format!(
                    "{}, up to {} GiB",
                    kept(self.evidence_days),
                    self.evidence_gib
                ),
            ),
            ("created", self.created.shown()),
        ]
    }
}

/// How long something is kept, for a table.
fn kept(days: Option<NonZeroU32>) -> String {
    days.map_or_else(
        || "kept without limit".to_owned(),
        |days| format!("kept for {days} days"),
    )
}

/// A cap, for a table.
pub fn or_any(cap: Option<NonZeroU32>) -> String {
    cap.map_or_else(|| "no limit".to_owned(), |cap| cap.to_string())
}

pub async fn run(command: WorkspaceCommand, store: &Store, output: Output) -> Result<()> {
    match command {
        WorkspaceCommand::Create { name, linking } => {
            let existing = store.workspaces().await?;
            if let Some(same) = existing.iter().find(|one| one.name == name) {
                warning!("another workspace has this name: {}", same.guid);
            }
            let ids = std::iter::repeat_with(WorkspaceId::random).take(TRIES);
            let made = create(store, &name, linking, ids).await?;
            output.one(&WorkspaceSummary::from(&made))
        }
        WorkspaceCommand::List { counts } => {
            let mut all = store.workspaces().await?;
            all.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
            if counts {
                return output.list(&overview::count(&all, store).await?, NONE);
            }
            let shown: Vec<_> = all.iter().map(WorkspaceSummary::from).collect();
            output.list(&shown, NONE)
        }
        WorkspaceCommand::Show(named) => {
            let workspace = find_named(store, named.named()?).await?;
            overview::show(&workspace, store, output).await
        }
        WorkspaceCommand::Set(args) => set(args, store, output).await,
        WorkspaceCommand::Upgrade => upgrade::upgrade(store, output).await,
        WorkspaceCommand::Delete(args) => {
            let workspace = find_guid(store, args.guid).await?;
            let name = args.name.as_deref().filter(|_| args.yes);
            removal::delete(&workspace, name, args.dry_run, store, output).await
        }
    }
}

async fn set(args: WorkspaceSetArgs, store: &Store, output: Output) -> Result<()> {
    let before = find_named(store, args.named.named()?).await?;
    let mut after = before.clone();
    if let Some(name) = args.name {
        after.name = name;
    }
    if let Some(linking) = args.linking {
        after.linking = linking;
    }
    if let Some(Limit(cap)) = args.moderator_bans_per_hour {
        after.moderator_bans_per_hour = cap;
    }
    if let Some(Limit(days)) = args.history_days {
        after.history_days = days;
    }
    if let Some(Limit(days)) = args.evidence_days {
        after.evidence_days = days;
    }
    if let Some(Limit(gib)) = args.evidence_gib {
        after.evidence_gib = gib;
    }
    if !store.change_workspace(&before, &after).await? {
        bail!("workspace {} was deleted in the meantime", before.guid);
    }
    output.one(&WorkspaceSummary::from(&after))
}

/// Finds the workspace that an option names. The error says how to list workspaces.
pub async fn find(store: &Store, place: WorkspaceArg) -> Result<Workspace> {
    find_named(store, place.named()?).await
}

/// Finds a workspace by its GUID, or by a name that only one has.
async fn find_named(store: &Store, named: WorkspaceName) -> Result<Workspace> {
    let name = match named {
        WorkspaceName::Guid(guid) => return find_guid(store, guid).await,
        WorkspaceName::Named(name) => name,
    };
    let mut found = store.workspaces().await?;
    found.retain(|one| one.name == name);
    match (found.pop(), found.as_slice()) {
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let mut guids: Vec<_> = others.iter().map(|one| one.guid.to_string()).collect();
            guids.push(last.guid.to_string());
            Err(unknown(format!(
                "{} workspaces are named {name:?}: use the GUID, one of {}",
                guids.len(),
                guids.join(", ")
            )))
        }
        (None, _) => Err(unknown(format!(
            "workspace {name:?} does not exist; `portcullis workspace list` shows all"
        ))),
    }
}

async fn find_guid(store: &Store, guid: WorkspaceId) -> Result<Workspace> {
    match store.workspace(guid.prefix()).await? {
        Some(found) if found.guid == guid => Ok(found),
        _ => Err(unknown(format!(
            "workspace {guid} does not exist; `portcullis workspace list` shows all"
        ))),
    }
}

fn unknown(message: String) -> anyhow::Error {
    WrongValue {
        option: "workspace",
        message,
    }
    .into()
}

/// Creates a workspace with the first id that is free.
async fn create(
    store: &Store,
    name: &str,
    linking: Linking,
    ids: impl Iterator<Item = WorkspaceId>,
) -> Result<Workspace> {
    for guid in ids {
        let now = UnixMillis::now().seconds();
        let mut workspace = Workspace::new(guid, name.to_owned(), now);
        workspace.linking = linking;
        // The id may be taken by this call, if the answer to its first attempt was lost.
        if store.create_workspace(&workspace).await? || find_guid(store, guid).await.is_ok() {
            return Ok(workspace);
        }
    }
    bail!("found no free id: try again")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use local_stack::dynamo::Dynamo;
    use local_stack::engine::Engine;
    use local_stack::template::Template;

    use super::*;
    use crate::cli::Cli;
    use crate::connection;

    #[tokio::test]
    async fn taken_ids_are_skipped() {
        let engine = Engine::start(None, 0).await.unwrap();
        let template =
            Template::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
        let dynamo = Dynamo::new(engine.endpoint());
        dynamo.create_tables(template.tables()).await.unwrap();
        let url = engine.endpoint();
        let region = "us-east-1";
        let arguments = [
            "portcullis",
            "--endpoint",
            url,
            "--region",
            region,
            "workspace",
            "list",
        ];
        let cli = Cli::try_parse_from(arguments).unwrap();
        let store = connection::open(&cli.connection).await.unwrap();

        let [first, same_tag, other] = [
            "00000000-0000-4000-8000-000000000001",
            "10000000-0000-4000-8000-000000000001",
            "00000000-0000-4000-8000-000000000002",
        ]
        .map(|guid| guid.parse::<WorkspaceId>().unwrap());
        let make = |name, ids: Vec<_>| {
            let store = &store;
            async move { create(store, name, Linking::Automatic, ids.into_iter()).await }
        };
        assert_eq!(make("first", vec![first]).await.unwrap().guid, first);
        assert!(make("second", vec![same_tag]).await.is_err());
        assert_eq!(
            make("second", vec![same_tag, other]).await.unwrap().guid,
            other
        );
        assert_eq!(find_guid(&store, first).await.unwrap().name, "first");
        // A retry with the same id finds the same workspace.
        assert_eq!(make("first", vec![first]).await.unwrap().guid, first);
    }
}
