//! `portcullis member`: the people who moderate a workspace.

mod invitation;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::UserId;
use shared::domain::members::{
    DiscordId, Member, MemberId, MemberName, MemberPermission, MemberPermissions, PermissionRule,
};
use shared::domain::user_reference::UserReference;
use shared::store::{Store, Workspace};

use super::workspace;
use crate::arguments::{UsageError, WorkspaceArg, user};
use crate::connection::Connection;
use crate::names::UserNames;
use crate::output::{Output, Printable};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis member add Ada --roblox 156 --permission manage_bans
  portcullis member invite Ada
  portcullis member set Ada --discord 80351110224678912
  portcullis member list
  portcullis member remove Ada

A member signs in to the console with the link that `invite` prints. `portcullis permission` grants and \
revokes permissions, also by rules.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum MemberCommand {
    /// Add a member.
    Add(NewMemberArgs),
    /// List the members.
    List {
        #[command(flatten)]
        place: WorkspaceArg,
        /// Include removed members.
        #[arg(long)]
        removed: bool,
    },
    /// Show a member.
    Show(NamedMember),
    /// Change a member's name or accounts.
    Set(MemberSetArgs),
    /// Remove a member and end their sessions. What they decided stays under their name.
    Remove(NamedMember),
    /// Print a link with which a member signs in to the console: once, within 15 minutes.
    Invite(NamedMember),
}

#[derive(Debug, Args)]
pub struct NamedMember {
    /// The member's name or id.
    #[arg(value_name = "MEMBER")]
    member: String,
    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Args)]
pub struct NewMemberArgs {
    #[arg(value_parser = member_name)]
    name: MemberName,
    /// The member's Discord user id.
    #[arg(long, value_name = "ID", value_parser = discord)]
    discord: Option<DiscordId>,
    /// The member's Roblox user, whom their bans name as the moderator.
    #[arg(long, value_name = "USER", value_parser = user)]
    roblox: Option<UserReference>,
    /// Permissions to grant: view, `manage_bans`, `manage_global_bans`, `moderate_discord` or
    /// administrator.
    #[arg(long = "permission", value_name = "PERMISSION", value_delimiter = ',')]
    #[arg(default_value = "view")]
    permissions: Vec<MemberPermission>,
    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Args)]
#[group(id = "changes", required = true, multiple = true, args = ["name", "discord", "roblox", "no_discord", "no_roblox"])]
pub struct MemberSetArgs {
    /// The member's name or id.
    #[arg(value_name = "MEMBER")]
    member: String,
    /// The new name.
    #[arg(long, value_parser = member_name)]
    name: Option<MemberName>,
    /// The member's Discord user id.
    #[arg(long, value_name = "ID", value_parser = discord)]
    discord: Option<DiscordId>,
    /// The member's Roblox user.
    #[arg(long, value_name = "USER", value_parser = user)]
    roblox: Option<UserReference>,
    /// Remove the Discord account.
    #[arg(long, conflicts_with = "discord")]
    no_discord: bool,
    /// Remove the Roblox user.
    #[arg(long, conflicts_with = "roblox")]
    no_roblox: bool,
    #[command(flatten)]
    place: WorkspaceArg,
}

fn member_name(text: &str) -> Result<MemberName, String> {
    text.parse().map_err(|wrong| format!("the name {wrong}"))
}

pub fn discord(text: &str) -> Result<DiscordId, String> {
    let wrong = |_| "expected a Discord id, a number of 17 to 19 digits".to_owned();
    text.parse().map_err(wrong)
}

/// The user whom an argument names, if it is given.
pub async fn roblox_user(
    store: &Store,
    names: &UserNames,
    user: Option<&UserReference>,
) -> Result<Option<UserId>> {
    Ok(names.find_given(store, user).await?.map(|user| user.id))
}

/// A member, by name or id.
pub async fn find(store: &Store, workspace: &Workspace, named: &str) -> Result<Member> {
    let prefix = workspace.guid.prefix();
    if let Ok(id) = named.parse::<MemberId>()
        && let Some(member) = store.member(prefix, id).await?
    {
        return Ok(member);
    }
    let members = store.members(prefix).await?;
    let is_named = |member: &&Member| member.name.as_str().eq_ignore_ascii_case(named);
    let mut found: Vec<_> = members.iter().filter(is_named).collect();
    if found.iter().any(|member| member.removed.is_none()) {
        found.retain(|member| member.removed.is_none());
    }
    match found.as_slice() {
        [member] => Ok((*member).clone()),
        [] => bail!(
            "no member of workspace {:?} is named {named:?}: `portcullis member list -w {}` shows \
             the members",
            workspace.name,
            workspace.guid
        ),
        several => {
            let ids: Vec<_> = several.iter().map(|member| member.id.to_string()).collect();
            bail!(UsageError(format!(
                "{} members are named {named:?}: give one of the ids {}",
                several.len(),
                ids.join(", ")
            )))
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberSummary {
    member_id: MemberId,
    name: MemberName,
    /// Those that were granted manually.
    granted: MemberPermissions,
    /// All permissions, also by rules.
    permissions: MemberPermissions,
    discord_id: Option<DiscordId>,
    roblox_id: Option<UserId>,
    added: Time,
    removed: Option<Time>,
}

impl MemberSummary {
    fn new(member: Member, rules: &[PermissionRule], now: UnixSeconds) -> Self {
        Self {
            permissions: member.permissions(rules, now),
            member_id: member.id,
            name: member.name,
            granted: member.granted,
            discord_id: member.discord,
            roblox_id: member.roblox,
            added: Time(member.added),
            removed: member.removed.map(Time),
        }
    }
}

/// The names of permissions, or that there are none.
pub fn listed(permissions: &MemberPermissions) -> String {
    let names: Vec<_> = permissions.iter().map(MemberPermission::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

impl Printable for MemberSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let state = match self.removed {
            Some(at) => format!("removed {}", at.shown()),
            None => listed(&self.permissions),
        };
        vec![
            ("name", self.name.to_string()),
            ("permissions", state),
            ("discord", or_dash(self.discord_id)),
            ("roblox", or_dash(self.roblox_id)),
            ("id", self.member_id.to_string()),
            ("added", self.added.shown()),
        ]
    }
}

const NONE: &str = "no members yet: add one with `portcullis member add NAME`";

pub async fn run(
    command: MemberCommand,
    connection: &Connection,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let store = &connection.store();
    let place = match &command {
        MemberCommand::Add(NewMemberArgs { place, .. })
        | MemberCommand::List { place, .. }
        | MemberCommand::Set(MemberSetArgs { place, .. })
        | MemberCommand::Show(NamedMember { place, .. })
        | MemberCommand::Remove(NamedMember { place, .. })
        | MemberCommand::Invite(NamedMember { place, .. }) => *place,
    };
    let workspace = workspace::find(store, place).await?;
    let prefix = workspace.guid.prefix();
    let now = UnixMillis::now().seconds();
    let rules = store.permission_rules(prefix).await?;
    let summary = |member| MemberSummary::new(member, &rules, now);
    match command {
        MemberCommand::Add(args) => {
            let member = Member {
                id: MemberId::random(),
                name: args.name,
                discord: args.discord,
                roblox: roblox_user(store, names, args.roblox.as_ref()).await?,
                granted: args.permissions.into_iter().collect(),
                added: now,
                removed: None,
                checked: Vec::new(),
            };
            store.add_member(prefix, &member).await??;
            output.one(&summary(member))?;
            note!("They sign in with the link that `portcullis member invite` prints.");
            Ok(())
        }
        MemberCommand::List { removed, .. } => {
            let mut members = store.members(prefix).await?;
            members.retain(|member| removed || member.removed.is_none());
            let shown: Vec<_> = members.into_iter().map(summary).collect();
            output.list(&shown, NONE)
        }
        MemberCommand::Show(args) => {
            let member = find(store, &workspace, &args.member).await?;
            output.one(&summary(member))
        }
        MemberCommand::Set(args) => {
            let id = find(store, &workspace, &args.member).await?.id;
            let roblox = roblox_user(store, names, args.roblox.as_ref()).await?;
            let apply = |member: &mut Member| args.apply(roblox, member);
            let member = change(store, &workspace, id, apply).await?;
            output.one(&summary(member))
        }
        MemberCommand::Remove(args) => {
            let id = find(store, &workspace, &args.member).await?.id;
            let remove = |member: &mut Member| member.removed = member.removed.or(Some(now));
            let member = change(store, &workspace, id, remove).await?;
            store.end_all_sessions(prefix, id).await?;
            output.one(&summary(member))
        }
        MemberCommand::Invite(args) => {
            let member = find(store, &workspace, &args.member).await?;
            invitation::invite(connection, &workspace, &member, output).await
        }
    }
}

impl MemberSetArgs {
    fn apply(&self, roblox: Option<UserId>, member: &mut Member) {
        if let Some(name) = &self.name {
            member.name = name.clone();
        }
        if self.no_discord || self.discord.is_some() {
            member.discord = self.discord;
            member.checked = Vec::new();
        }
        if self.no_roblox || self.roblox.is_some() {
            member.roblox = roblox;
        }
    }
}

/// Changes a member who was found; fails if another one has the account.
pub async fn change(
    store: &Store,
    workspace: &Workspace,
    id: MemberId,
    change: impl Fn(&mut Member),
) -> Result<Member> {
    let prefix = workspace.guid.prefix();
    match store.change_member(prefix, id, change).await? {
        Some(changed) => Ok(changed?),
        None => bail!("the member {id} is gone"),
    }
}
