//! `portcullis protected`.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::ids::UserId;
use shared::store::Store;

use super::workspace;
use crate::arguments::{WorkspaceArg, user};
use crate::output::{Output, Printable};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis protected add 1 156
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
    /// Roblox user ids.
    #[arg(value_name = "USER", required = true, value_parser = user)]
    users: Vec<UserId>,
    #[command(flatten)]
    place: WorkspaceArg,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProtectedUser {
    user_id: UserId,
    since: Time,
    since_seconds: UnixSeconds,
}

impl Printable for ProtectedUser {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("user", self.user_id.to_string()),
            ("protected since", self.since.shown()),
        ]
    }
}

pub async fn run(command: ProtectedCommand, store: &Store, output: Output) -> Result<()> {
    let place = match &command {
        ProtectedCommand::Add(users) | ProtectedCommand::Remove(users) => users.place,
        ProtectedCommand::List(place) => *place,
    };
    let prefix = workspace::find(store, place).await?.guid.prefix();
    match command {
        ProtectedCommand::Add(UserArgs { users, .. }) => {
            let now = UnixMillis::now().seconds();
            for user in users {
                store.protect(prefix, user, now).await?;
            }
        }
        ProtectedCommand::Remove(UserArgs { users, .. }) => {
            let protected = store.protected_users(prefix).await?;
            let is_protected = |user: &UserId| protected.iter().any(|(id, _)| id == user);
            if let Some(other) = users.iter().find(|user| !is_protected(user)) {
                bail!(
                    "user {other} is not protected, so nothing was changed; `portcullis protected \
                     list -w {place}` shows protected users"
                );
            }
            for user in users {
                store.unprotect(prefix, user).await?;
            }
        }
        ProtectedCommand::List(_) => {}
    }
    let mut users = store.protected_users(prefix).await?;
    users.sort_unstable();
    let shown: Vec<_> = users
        .into_iter()
        .map(|(user_id, since)| ProtectedUser {
            user_id,
            since: Time(since),
            since_seconds: since,
        })
        .collect();
    let none = "no users are protected: protect your staff with `portcullis protected add USER…`";
    output.list(&shown, none)
}
