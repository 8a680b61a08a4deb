//! `portcullis protected`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use shared::clock::{Moment, Timestamp};
use shared::ids::UserId;
use shared::store::Store;

use super::workspace;
use crate::arguments::{InWorkspace, user};
use crate::output::{Output, Record};
use crate::times::Time;

const EXAMPLES: &str = "\
Examples:
  portcullis protected add 1 156
  portcullis protected remove 156
  portcullis protected list";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum ProtectedCommand {
    /// Protect users. Bans that they have stay until they are lifted.
    #[command(after_help = EXAMPLES)]
    Add(Users),
    /// Protect users no longer.
    #[command(after_help = EXAMPLES)]
    Remove(Users),
    /// List the protected users.
    #[command(after_help = EXAMPLES)]
    List(InWorkspace),
}

#[derive(Debug, Args)]
pub struct Users {
    /// Roblox user ids.
    #[arg(value_name = "USER", required = true, value_parser = user)]
    users: Vec<UserId>,
    #[command(flatten)]
    place: InWorkspace,
}

/// A protected user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    user_id: UserId,
    since: Time,
    since_seconds: Timestamp,
}

impl Record for Shown {
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
    let tag = workspace::find(store, place.workspace).await?.guid.tag();
    match command {
        ProtectedCommand::Add(Users { users, .. }) => {
            let now = Moment::now().seconds();
            for user in users {
                store.protect(tag, user, now).await?;
            }
        }
        ProtectedCommand::Remove(Users { users, .. }) => {
            for user in users {
                store.unprotect(tag, user).await?;
            }
        }
        ProtectedCommand::List(_) => {}
    }
    // Whatever was done, this is the list by now.
    let mut users = store.protected_users(tag).await?;
    users.sort_unstable();
    let shown: Vec<_> = users
        .into_iter()
        .map(|(user_id, since)| Shown {
            user_id,
            since: Time(since),
            since_seconds: since,
        })
        .collect();
    let none = "no user is protected: protect your staff with `portcullis protected add USER…`";
    output.list(&shown, none)
}
