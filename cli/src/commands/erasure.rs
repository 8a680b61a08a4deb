//! `portcullis erasure`: erasure requests that Roblox forwards.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::WorkspaceId;
use shared::domain::keys::NotificationSecret;
use shared::store::{
    ErasureIntake, ErasureMode, ErasureSource, NotificationId, QueuedErasure, Store,
};

use super::erase::ErasedData;
use super::workspace;
use crate::arguments::{SafetyArgs, WorkspaceArg};
use crate::confirm::confirm;
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable, word};
use crate::terminal;
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis erasure setup                 # requests wait for your approval
  portcullis erasure setup --mode erase    # users are erased immediately
  portcullis erasure list
  portcullis erasure approve --all --dry-run
  portcullis erasure approve 1f2e3d4c-5b6a-4988-9766-554433221100";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum ErasureCommand {
    /// Accept requests from Roblox. The webhook secret is shown once.
    Setup(ErasureSetupArgs),
    /// Show whether requests are accepted, and how they are handled.
    Show(WorkspaceArg),
    /// Stop accepting requests. Queued ones stay queued.
    Off(ErasureOffArgs),
    /// List the pending requests.
    List(WorkspaceArg),
    /// Approve pending requests and erase the users.
    Approve(ChosenRequests),
    /// Decline pending requests. Nothing is erased.
    Reject(ChosenRequests),
}

#[derive(Debug, Args)]
pub struct ErasureSetupArgs {
    #[command(flatten)]
    place: WorkspaceArg,

    /// How requests are handled.
    #[arg(long, value_enum, default_value_t)]
    mode: RequestMode,

    /// Read the secret from standard input instead of generating one.
    #[arg(long)]
    secret_from_stdin: bool,

    /// Keep the current secret, and change only the mode.
    #[arg(long, conflicts_with = "secret_from_stdin")]
    keep_secret: bool,

    /// Skip the confirmation prompt for replacing a secret.
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum RequestMode {
    /// They wait for your approval.
    #[default]
    Queue,
    /// The user is erased immediately.
    Erase,
}

#[derive(Debug, Args)]
pub struct ErasureOffArgs {
    #[command(flatten)]
    place: WorkspaceArg,

    #[command(flatten)]
    safety: SafetyArgs,
}

#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = true, args = ["requests", "all"])]
pub struct ChosenRequests {
    #[command(flatten)]
    place: WorkspaceArg,

    /// The ids of the requests, from `erasure list`.
    #[arg(value_name = "REQUEST", value_parser = request)]
    requests: Vec<NotificationId>,

    /// All pending requests.
    #[arg(long, conflicts_with = "requests")]
    all: bool,

    #[command(flatten)]
    safety: SafetyArgs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IntakeSummary {
    workspace_guid: WorkspaceId,
    mode: Option<ErasureMode>,
    since: Option<Time>,
    /// The new secret, shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Printable for IntakeSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        fields.extend(self.secret.clone().map(|secret| ("secret", secret)));
        fields.push((
            "requests",
            self.mode.map_or("not accepted".to_owned(), word),
        ));
        fields.extend(self.since.map(|since| ("since", since.shown())));
        fields
    }
}

/// A pending or approved request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ErasureRequest {
    request: NotificationId,
    #[serde(flatten)]
    user: NamedUser,
    received: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<ErasedData>,
}

impl ErasureRequest {
    fn of(queued: &QueuedErasure, removed: Option<ErasedData>) -> Self {
        Self {
            request: queued.notification.clone(),
            user: queued.user.into(),
            received: Time(queued.at),
            removed,
        }
    }
}

impl Printable for ErasureRequest {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("request", self.request.as_str().to_owned()),
            ("user", self.user.cell()),
            ("received", self.received.shown()),
        ];
        fields.extend(self.removed.iter().flat_map(Printable::fields));
        fields
    }
}

/// `api` is the API's URL, if it is known.
pub async fn run(
    command: ErasureCommand,
    store: &Store,
    api: Option<&str>,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    match command {
        ErasureCommand::Setup(args) => setup(args, store, api, output).await,
        ErasureCommand::Show(place) => {
            let workspace = workspace::find(store, place).await?;
            let intake = intake(store, workspace.guid).await?;
            output.one(&IntakeSummary {
                workspace_guid: workspace.guid,
                mode: intake.as_ref().map(|intake| intake.mode),
                since: intake.map(|intake| Time(intake.created)),
                secret: None,
            })
        }
        ErasureCommand::Off(args) => off(&args, store, output).await,
        ErasureCommand::List(place) => {
            let workspace = workspace::find(store, place).await?;
            let prefix = workspace.guid.prefix();
            let queue = store.erasure_queue(prefix).await?;
            let mut shown: Vec<_> = queue
                .iter()
                .map(|queued| ErasureRequest::of(queued, None))
                .collect();
            names
                .complete(store, prefix, shown.iter_mut().map(|row| &mut row.user))
                .await;
            output.list(&shown, "no pending requests")
        }
        ErasureCommand::Approve(chosen) => approve(chosen, store, names, output).await,
        ErasureCommand::Reject(chosen) => reject(chosen, store, names, output).await,
    }
}

async fn setup(
    args: ErasureSetupArgs,
    store: &Store,
    api: Option<&str>,
    output: Output,
) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?;
    let before = intake(store, workspace.guid).await?;
    if before.is_some() && !args.keep_secret {
        let question =
            "Replace the secret? Requests that Roblox signs with the old one are refused.";
        confirm(question, args.yes)?;
    }
    let (secret, is_new) = if args.keep_secret {
        let before = before.context("there is no secret yet: omit --keep-secret")?;
        (before.secret, false)
    } else if args.secret_from_stdin {
        (read_secret()?, false)
    } else {
        (NotificationSecret::random(), true)
    };
    let new = ErasureIntake {
        guid: workspace.guid,
        secret,
        mode: match args.mode {
            RequestMode::Queue => ErasureMode::Queue,
            RequestMode::Erase => ErasureMode::Erase,
        },
        created: UnixMillis::now().seconds(),
    };
    // The function that receives requests may not add the secret that erasure needs.
    store.upgrade_workspace(workspace.guid.prefix()).await?;
    store.set_erasure_intake(&new).await?;
    output.one(&IntakeSummary {
        workspace_guid: new.guid,
        mode: Some(new.mode),
        since: Some(Time(new.created)),
        secret: is_new.then(|| new.secret.reveal().to_owned()),
    })?;
    let url = match api {
        Some(api) => format!("{}/roblox/webhook", api.trim_end_matches('/')),
        None => {
            "the URL of your API (the stack's output ApiUrl) followed by /roblox/webhook".to_owned()
        }
    };
    note!(
        "In the Creator Dashboard, under Webhooks, add a webhook for the event Right To Erasure \
         Request with this secret and this URL: {url}"
    );
    Ok(())
}

async fn off(args: &ErasureOffArgs, store: &Store, output: Output) -> Result<()> {
    let workspace = workspace::find(store, args.place).await?;
    let before = intake(store, workspace.guid).await?;
    if before.is_some() && !args.safety.dry_run {
        let question = format!("Stop accepting erasure requests for {:?}?", workspace.name);
        confirm(&question, args.safety.yes)?;
        store.remove_erasure_intake(workspace.guid.prefix()).await?;
    }
    output.one(&IntakeSummary {
        workspace_guid: workspace.guid,
        mode: None,
        since: None,
        secret: None,
    })
}

async fn approve(
    chosen: ChosenRequests,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let workspace = workspace::find(store, chosen.place).await?;
    let prefix = workspace.guid.prefix();
    let queue = chosen.from(store.erasure_queue(prefix).await?)?;
    let mut shown = Vec::new();
    if !chosen.safety.dry_run && !queue.is_empty() {
        let question = format!(
            "Erase {} users from {:?}? This deletes their bans and history, and they can join again. It \
             cannot be undone.",
            queue.len(),
            workspace.name
        );
        confirm(&question, chosen.safety.yes)?;
        store.upgrade_workspace(prefix).await?;
    }
    for queued in &queue {
        let removed = if chosen.safety.dry_run {
            ErasedData::new(store.preview_erasure(prefix, queued.user).await?, true)
        } else {
            let receipt = store
                .erase_user(prefix, queued.user, ErasureSource::Roblox)
                .await?;
            store
                .take_from_erasure_queue(prefix, &queued.notification)
                .await?;
            ErasedData::new(receipt, false)
        };
        shown.push(ErasureRequest::of(queued, Some(removed)));
    }
    // Nobody who is erased is looked up: that would cache their name.
    if chosen.safety.dry_run {
        names
            .complete(store, prefix, shown.iter_mut().map(|row| &mut row.user))
            .await;
    }
    output.list(&shown, "no pending requests")
}

async fn reject(
    chosen: ChosenRequests,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let workspace = workspace::find(store, chosen.place).await?;
    let prefix = workspace.guid.prefix();
    let queue = chosen.from(store.erasure_queue(prefix).await?)?;
    if !chosen.safety.dry_run && !queue.is_empty() {
        let question = format!("Decline {} erasure requests?", queue.len());
        confirm(&question, chosen.safety.yes)?;
        for queued in &queue {
            store
                .take_from_erasure_queue(prefix, &queued.notification)
                .await?;
        }
    }
    let mut shown: Vec<_> = queue
        .iter()
        .map(|queued| ErasureRequest::of(queued, None))
        .collect();
    names
        .complete(store, prefix, shown.iter_mut().map(|row| &mut row.user))
        .await;
    output.list(&shown, "no pending requests")
}

impl ChosenRequests {
    /// Selects the chosen requests.
    fn from(&self, queue: Vec<QueuedErasure>) -> Result<Vec<QueuedErasure>> {
        let waits = |id: &&NotificationId| queue.iter().any(|queued| queued.notification == **id);
        if let Some(unknown) = self.requests.iter().find(|id| !waits(id)) {
            bail!(
                "request {} is not pending; `portcullis erasure list` shows the pending ones",
                unknown.as_str()
            );
        }
        let is_chosen =
            |queued: &QueuedErasure| self.all || self.requests.contains(&queued.notification);
        Ok(queue.into_iter().filter(is_chosen).collect())
    }
}

/// The intake of a workspace, if it accepts requests.
async fn intake(store: &Store, guid: WorkspaceId) -> Result<Option<ErasureIntake>> {
    let intakes = store.erasure_intakes().await?;
    Ok(intakes.iter().find(|intake| intake.guid == guid).cloned())
}

fn read_secret() -> Result<NotificationSecret> {
    let line = terminal::read_line("Secret: ")?;
    NotificationSecret::new(line.trim_end_matches(['\r', '\n']))
        .context("a secret must be 1 to 256 visible ASCII characters")
}

fn request(text: &str) -> Result<NotificationId, String> {
    NotificationId::new(text).ok_or("expected an id from `erasure list`".to_owned())
}
