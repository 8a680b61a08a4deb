//! `portcullis link`: which Discord and Roblox accounts belong to the same person.

mod import;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::account_links::{AccountLink, LinkProof, LinkSide};
use shared::domain::actor::Channel;
use shared::domain::error::ApiError;
use shared::domain::members::DiscordId;
use shared::domain::user_reference::UserReference;
use shared::store::LinkActor;
use shared::store::admin::Unconfirmed;

use super::{member, workspace};
use crate::arguments::{WorkspaceArg, user};
use crate::connection::OperatorSession;
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis link list
  portcullis link show @builderman
  portcullis link show --discord 80351110224678912
  portcullis link confirm 156
  portcullis link remove 156
  portcullis link import links.csv --dry-run

Players link their accounts themselves, with a code from Discord that they type in the game. Permissions can \
be based only on a link that was proven this way and then confirmed. An import takes a table with the columns \
roblox_id and discord_id; its links prove nothing.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum LinkCommand {
    /// List all links.
    List(WorkspaceArg),
    /// Show the link of an account.
    Show(AccountArgs),
    /// Confirm that a proven link is right, so that permissions may be based on it.
    Confirm(AccountArgs),
    /// Unlink two accounts permanently.
    Remove(AccountArgs),
    /// Import links from another registry. You can stop it at any time and run it again.
    Import(import::LinkImportArgs),
}

#[derive(Debug, Args)]
pub struct AccountArgs {
    /// The Roblox user: an id, a name (@builderman) or a link to a profile.
    #[arg(value_name = "USER", value_parser = user, required_unless_present = "discord")]
    user: Option<UserReference>,

    /// The Discord user, instead of the Roblox user.
    #[arg(long, value_name = "ID", value_parser = member::discord, conflicts_with = "user")]
    discord: Option<DiscordId>,

    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownLink {
    #[serde(flatten)]
    user: NamedUser,
    discord_id: DiscordId,
    method: LinkProof,
    linked: Time,
    confirmed: Option<Time>,
}

impl From<&AccountLink> for ShownLink {
    fn from(link: &AccountLink) -> Self {
        Self {
            user: link.pair.roblox.into(),
            discord_id: link.pair.discord,
            method: link.proof,
            linked: Time(link.linked),
            confirmed: link.confirmed.map(Time),
        }
    }
}

impl Printable for ShownLink {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let method = match self.method {
            LinkProof::Code => "code",
            LinkProof::Import => "import",
        };
        let confirmed = self.confirmed.map(Time::shown);
        vec![
            ("user", self.user.cell()),
            ("discord", self.discord_id.to_string()),
            ("method", method.to_owned()),
            ("linked", self.linked.shown()),
            ("confirmed", confirmed.unwrap_or_else(|| "-".to_owned())),
        ]
    }
}

pub async fn run(
    command: LinkCommand,
    session: &OperatorSession,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let store = &session.store;
    let place = match &command {
        LinkCommand::List(place) => *place,
        LinkCommand::Show(args) | LinkCommand::Confirm(args) | LinkCommand::Remove(args) => {
            args.place
        }
        LinkCommand::Import(args) => args.place,
    };
    let prefix = workspace::find(store, place).await?.guid.prefix();
    let account = async |args: &AccountArgs| -> Result<LinkSide> {
        Ok(match (&args.user, args.discord) {
            (Some(user), _) => LinkSide::Roblox(names.find(store, user).await?.id),
            (None, Some(discord)) => LinkSide::Discord(discord),
            (None, None) => bail!("name a Roblox user, or a Discord user with --discord"),
        })
    };
    let link = match &command {
        LinkCommand::List(_) => {
            let links = store.all_account_links(prefix).await?;
            let mut shown: Vec<_> = links.iter().map(ShownLink::from).collect();
            names
                .complete(store, prefix, shown.iter_mut().map(|row| &mut row.user))
                .await;
            return output.list(&shown, "no accounts are linked");
        }
        LinkCommand::Import(args) => {
            return import::run(args, prefix, session, output).await;
        }
        LinkCommand::Show(args) => store.account_link(prefix, account(args).await?).await?,
        LinkCommand::Confirm(args) => {
            let account = account(args).await?;
            match store.confirm_account_link(prefix, account).await? {
                Ok(link) => Some(link),
                Err(Unconfirmed::NotLinked) => None,
                Err(Unconfirmed::Imported) => bail!(
                    "this link was imported, so nothing proves it: its owner can prove it with a code from \
                     Discord that they type in the game"
                ),
            }
        }
        LinkCommand::Remove(args) => {
            let account = account(args).await?;
            let link = store.account_link(prefix, account).await?;
            let by = actor(session);
            match store.remove_account_link(prefix, account, &by, None).await {
                Ok(()) => link,
                Err(ApiError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            }
        }
    };
    let Some(link) = link else {
        bail!("this account is not linked: `portcullis link list -w {place}` shows all links");
    };
    let mut shown = ShownLink::from(&link);
    names
        .complete(store, prefix, std::iter::once(&mut shown.user))
        .await;
    output.one(&shown)
}

fn actor(session: &OperatorSession) -> LinkActor {
    LinkActor {
        id: "operator".to_owned(),
        channel: Channel::Cli,
        principal: Some(session.principal.clone()),
    }
}
