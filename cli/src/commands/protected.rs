//! `portcullis protected`.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::user_reference::UserReference;
use shared::store::Store;

use super::workspace;
use crate::arguments::{WorkspaceArg, user};
use crate::names::{NamedUser, UserNames};
use crate::output::{Output, Printable};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis protected add 1 @builderman
  portcullis protected remove 156
  portcullis protected list";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum ProtectedCommand {
    /// Protect users from bans. Bans that they already have stay in force.
    Add(UserArgs),
    /// End the protection of users.
    Remove(UserArgs),
    /// List the protected users.
    List(WorkspaceArg),
}

#[derive(Debug, Args)]
pub struct UserArgs {
    /// Roblox users: ids, names (@builderman) or links to profiles.
    #[arg(value_name = "USER", required = true, value_parser = user)]
    users: Vec<UserReference>,
    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProtectedUser {
    #[serde(flatten)]
    user: NamedUser,
    since: Time,
    since_seconds: UnixSeconds,
}

impl Printable for ProtectedUser {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("user", self.user.cell()),
            ("protected since", self.since.shown()),
        ]
    }
}

pub async fn run(
    command: ProtectedCommand,
    store: &Store,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let place = match &command {
        ProtectedCommand::Add(users) | ProtectedCommand::Remove(users) => users.place,
        ProtectedCommand::List(place) => *place,
    };
    let prefix = workspace::find(store, place).await?.guid.prefix();
    match command {
        ProtectedCommand::Add(UserArgs { users, .. }) => {
            let now = UnixMillis::now().seconds();
            for user in names.find_all(store, &users).await? {
                store.protect(prefix, user.id, now).await?;
            }
        }
        ProtectedCommand::Remove(UserArgs { users, .. }) => {
            let users = names.find_all(store, &users).await?;
            let protected = store.protected_users(prefix).await?;
            let is_protected = |user: &NamedUser| protected.iter().any(|(id, _)| *id == user.id);
            if let Some(other) = users.iter().find(|user| !is_protected(user)) {
                bail!(
                    "user {other} is not protected, so nothing was changed; `portcullis protected \
                     list -w {place}` shows protected users"
                );
            }
            for user in users {
                store.unprotect(prefix, user.id).await?;
            }
        }
        ProtectedCommand::List(_) => {}
    }
    let mut users = store.protected_users(prefix).await?;
    users.sort_unstable();
    let mut shown: Vec<_> = users
        .into_iter()
        .map(|(user_id, since)| ProtectedUser {
            user: user_id.into(),
            since: Time(since),
            since_seconds: since,
        })
        .collect();
    names
        .complete(store, prefix, shown.iter_mut().map(|row| &mut row.user))
        .await;
    let none = "no users are protected: protect your staff with `portcullis protected add USER…`";
    output.list(&shown, none)
}
