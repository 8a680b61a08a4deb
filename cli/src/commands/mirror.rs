//! `portcullis mirror`: applies bans through Roblox Open Cloud, without a game server.

mod adopt;
mod lift;
mod reconcile;
mod restrictions;
mod secret_name;
mod settings;
mod status;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde::Serialize;
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::store::Mirror;

use super::open_cloud::OpenCloudContext;
use super::workspace;
use crate::arguments::{WorkspaceArg, experience};
use crate::connection::ConnectionArgs;
use crate::names::UserNames;
use crate::output::{Output, Printable};
use crate::times::Time;

pub use secret_name::unreadable;

const EXAMPLES: &str = "\
Examples:
  portcullis mirror set 75521396999004 --secret portcullis/STACK/roblox
  portcullis mirror status
  portcullis mirror reconcile 75521396999004
  portcullis mirror reconcile 75521396999004 --repair --yes
  portcullis mirror adopt 75521396999004 --moderator 1 --dry-run
  portcullis mirror off 75521396999004 --lift

Store the Roblox Open Cloud key as plain text in AWS Secrets Manager, under a name that begins with \
portcullis/STACK/, where STACK is the name of the deployed stack. The key needs the scopes \
universe.user-restriction:read and :write, and universe-messaging-service:publish.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum MirrorCommand {
    /// Mirror an experience's bans to Roblox's own ban list, or change the settings of its mirror.
    Set(settings::MirrorSetArgs),
    /// List the mirrored experiences.
    List(WorkspaceArg),
    /// Stop mirroring an experience. Restrictions on Roblox stay, unless --lift is given.
    Off(settings::MirrorOffArgs),
    /// Import bans from Roblox's own ban list that this workspace has not set.
    Adopt(adopt::AdoptArgs),
    /// Show how many changes are pending, and what delays them.
    Status(status::StatusArgs),
    /// Compare Roblox's ban list with the bans in force here.
    Reconcile(reconcile::ReconcileArgs),
}

impl MirrorCommand {
    const fn changes(&self) -> bool {
        match self {
            Self::Set(_) | Self::Off(_) | Self::Adopt(_) => true,
            Self::Reconcile(args) => args.repairs(),
            Self::List(_) | Self::Status(_) => false,
        }
    }
}

#[derive(Clone, Copy, Debug, clap::Args)]
pub struct NamedMirror {
    /// The experience's place id.
    #[arg(value_name = "EXPERIENCE", value_parser = experience)]
    experience: ExperienceId,

    #[command(flatten)]
    place: WorkspaceArg,
}

const NONE_MIRRORED: &str = "no experience is mirrored: see `portcullis mirror set`";

/// A current or ended mirror.
struct FoundMirror {
    mirror: Mirror,
    is_ended: bool,
}

fn not_mirrored(named: NamedMirror) -> anyhow::Error {
    anyhow::anyhow!(
        "experience {0} is not mirrored: `portcullis mirror list -w {1}` shows the mirrored ones, \
         `portcullis mirror set {0}` mirrors it",
        named.experience,
        named.place
    )
}

impl OpenCloudContext {
    /// The mirror of an experience; fails if it is not mirrored.
    async fn mirror(&self, named: NamedMirror) -> Result<Mirror> {
        let prefix = self.prefix(named.place).await?;
        let found = self.store.mirror(prefix, named.experience).await?;
        found.with_context(|| not_mirrored(named))
    }

    /// The current mirror of an experience, or else an ended one; with `universe`, only one in there.
    async fn mirror_or_ended(
        &self,
        named: NamedMirror,
        universe: Option<UniverseId>,
    ) -> Result<FoundMirror> {
        let prefix = self.prefix(named.place).await?;
        let is_it = |it: &Mirror| universe.is_none_or(|id| it.settings.universe == id);
        let current = self.store.mirror(prefix, named.experience).await?;
        if let Some(current) = current.filter(is_it) {
            return Ok(FoundMirror {
                mirror: current,
                is_ended: false,
            });
        }
        let ended = self.store.ended_mirrors(prefix, Some(named.experience));
        let mut ended: Vec<_> = ended.await?.into_iter().filter(is_it).collect();
        match (ended.pop(), ended.first()) {
            (Some(mirror), None) => Ok(FoundMirror {
                mirror,
                is_ended: true,
            }),
            (Some(last), Some(first)) => anyhow::bail!(
                "experience {} was mirrored to several universes: pass --universe {} or --universe \
                 {}",
                named.experience,
                first.settings.universe,
                last.settings.universe
            ),
            (None, _) => Err(not_mirrored(named)),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MirrorSummary {
    experience_id: ExperienceId,
    universe_id: UniverseId,
    secret: String,
    mirror: Vec<&'static str>,
    since: Time,
    /// Since when the mirror is stopped; `reason` says why.
    stopped: Option<Time>,
    reason: Option<String>,
}

impl From<&Mirror> for MirrorSummary {
    fn from(mirror: &Mirror) -> Self {
        let settings = &mirror.settings;
        let options = settings.options;
        let parts = [
            (options.bans, "bans"),
            (options.unbans, "unbans"),
            (options.kicks, "kicks"),
        ];
        let stopped = settings.stopped.as_ref();
        Self {
            experience_id: mirror.experience,
            universe_id: settings.universe,
            secret: settings.secret.clone(),
            mirror: parts
                .iter()
                .filter_map(|(on, name)| on.then_some(*name))
                .collect(),
            since: Time(settings.created),
            stopped: stopped.map(|stopped| Time(stopped.at)),
            reason: stopped.map(|stopped| match stopped.status {
                0 => stopped.message.clone(),
                status => format!("{status} {}", stopped.message),
            }),
        }
    }
}

impl Printable for MirrorSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let state = match (&self.stopped, &self.reason) {
            (Some(at), Some(why)) => format!("stopped {}: {why}", at.shown()),
            _ => "active".to_owned(),
        };
        vec![
            ("experience", self.experience_id.to_string()),
            ("universe", self.universe_id.to_string()),
            ("secret", self.secret.clone()),
            ("mirrors", self.mirror.join(",")),
            ("since", self.since.shown()),
            ("state", state),
        ]
    }
}

pub async fn run(
    command: MirrorCommand,
    connection: &ConnectionArgs,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let tools = OpenCloudContext::open(connection).await?;
    if command.changes() {
        super::restore::require_no_restore(&tools.store).await?;
    }
    match command {
        MirrorCommand::Set(args) => settings::set(args, &tools, output).await,
        MirrorCommand::List(place) => {
            let workspace = workspace::find(&tools.store, place).await?;
            let all = tools.store.mirrors_of(workspace.guid.prefix()).await?;
            let shown: Vec<_> = all.iter().map(MirrorSummary::from).collect();
            output.list(&shown, NONE_MIRRORED)
        }
        MirrorCommand::Off(args) => settings::off(&args, &tools, names, output).await,
        MirrorCommand::Adopt(args) => adopt::adopt(args, &tools, names, output).await,
        MirrorCommand::Status(args) => status::status(args, &tools, names, output).await,
        MirrorCommand::Reconcile(args) => reconcile::reconcile(args, &tools, names, output).await,
    }
}
