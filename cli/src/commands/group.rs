//! `portcullis group`: the Roblox groups in which keys may change ranks.

mod key;
mod settings;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::ids::GroupId;
use shared::store::AllowedGroup;

use super::open_cloud::OpenCloudContext;
use crate::arguments::WorkspaceArg;
use crate::connection::ConnectionArgs;
use crate::output::{Output, Printable};
use crate::times::Time;

pub use key::check_key;

const EXAMPLES: &str = "\
Examples:
  portcullis group allow 7 --secret portcullis/STACK/ranks
  portcullis group allow 7 --secret portcullis/STACK/ranks --ceiling 100 --ranks 10,20
  portcullis group check 7
  portcullis group list
  portcullis group remove 7

Store the Roblox Open Cloud key as plain text in AWS Secrets Manager, under a name that begins with \
portcullis/STACK/, where STACK is the name of the deployed stack. The key needs the scope group:write for \
the group, and its owner must rank above the members whose ranks change: use an account that can do no more. \
API keys need the scope groups:write.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum GroupCommand {
    /// Allow changes of ranks in a group, or change its settings.
    Allow(settings::AllowArgs),
    /// List the allowed groups.
    List(WorkspaceArg),
    /// Show the settings of a group.
    Show(NamedGroup),
    /// No longer allow changes in a group. Members keep their ranks.
    Remove(NamedGroup),
    /// Check that the group's Open Cloud key works and reaches the group.
    Check(NamedGroup),
}

#[derive(Clone, Copy, Debug, Args)]
pub struct NamedGroup {
    /// The group's id.
    #[arg(value_name = "GROUP", value_parser = group)]
    group: GroupId,

    #[command(flatten)]
    place: WorkspaceArg,
}

fn group(text: &str) -> Result<GroupId, String> {
    let wrong = |_| "expected a Roblox group id, a number from 1 to 2^53 - 1".to_owned();
    text.parse().map_err(wrong)
}

const NONE_ALLOWED: &str = "no group is allowed: see `portcullis group allow`";

impl OpenCloudContext {
    /// An allowed group; fails if it is not allowed.
    async fn allowed(&self, named: NamedGroup) -> Result<AllowedGroup> {
        let prefix = self.prefix(named.place).await?;
        let found = self.store.group(prefix, named.group).await?;
        let settings = found.with_context(|| not_allowed(named))?;
        Ok(AllowedGroup {
            group: named.group,
            settings,
        })
    }
}

fn not_allowed(named: NamedGroup) -> String {
    format!(
        "group {0} is not allowed: `portcullis group list -w {1}` shows the allowed ones, `portcullis \
         group allow {0}` allows it",
        named.group, named.place
    )
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupSummary {
    group_id: GroupId,
    secret: String,
    /// The lowest rank that is refused.
    ceiling: u8,
    mode: &'static str,
    /// The allowed ranks; empty for all below the ceiling.
    ranks: Vec<u8>,
    since: Time,
}

impl From<&AllowedGroup> for GroupSummary {
    fn from(allowed: &AllowedGroup) -> Self {
        let settings = &allowed.settings;
        Self {
            group_id: allowed.group,
            secret: settings.secret.clone(),
            ceiling: settings.policy.ceiling.get(),
            mode: settings::name(settings.policy.mode),
            ranks: settings
                .policy
                .ranks
                .iter()
                .map(|rank| rank.get())
                .collect(),
            since: Time(settings.created),
        }
    }
}

impl Printable for GroupSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let ranks: Vec<_> = self.ranks.iter().map(u8::to_string).collect();
        let ranks = if ranks.is_empty() {
            format!("all below {}", self.ceiling)
        } else {
            ranks.join(",")
        };
        vec![
            ("group", self.group_id.to_string()),
            ("secret", self.secret.clone()),
            ("ceiling", self.ceiling.to_string()),
            ("mode", self.mode.to_owned()),
            ("ranks", ranks),
            ("since", self.since.shown()),
        ]
    }
}

pub async fn run(command: GroupCommand, connection: &ConnectionArgs, output: Output) -> Result<()> {
    let tools = OpenCloudContext::open(connection).await?;
    match command {
        GroupCommand::Allow(args) => settings::allow(args, &tools, output).await,
        GroupCommand::List(place) => {
            let prefix = tools.prefix(place).await?;
            let all = tools.store.groups(prefix).await?;
            let shown: Vec<_> = all.iter().map(GroupSummary::from).collect();
            output.list(&shown, NONE_ALLOWED)
        }
        GroupCommand::Show(named) => output.one(&GroupSummary::from(&tools.allowed(named).await?)),
        GroupCommand::Remove(named) => {
            let allowed = tools.allowed(named).await?;
            let prefix = tools.prefix(named.place).await?;
            tools.store.remove_group(prefix, named.group).await?;
            output.one(&GroupSummary::from(&allowed))
        }
        GroupCommand::Check(named) => {
            let allowed = tools.allowed(named).await?;
            settings::check(&allowed, &tools, output).await
        }
    }
}
