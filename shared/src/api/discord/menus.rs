//! The menu of a user on Discord: it acts on the Roblox player who is linked to them.

use super::ban;
use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::look;
use crate::api::auth::ViewBans;
use crate::domain::account_links::LinkSide;
use crate::domain::discord::InteractionReply;
use crate::domain::ids::UserId;
use crate::domain::members::MemberPermission;

/// Opens the form of `/ban` about the player.
pub async fn ban(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.demand_perhaps(MemberPermission::ManageBans)?;
    let user = linked(desk, by, "/ban").await?;
    Ok(ban::form_about(desk.interaction, user))
}

/// The same as `/history` of the player.
pub async fn history(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ViewBans>()?;
    let user = linked(desk, by, "/history").await?;
    let player = desk.known(by, user).await;
    look::history_of(desk, by, &player).await
}

/// The linked player; a sentence if there is none, with the command that does the same without a link.
async fn linked(desk: &CommandDesk<'_>, by: &Commander, command: &str) -> Flow<UserId> {
    let target = desk.interaction.target;
    let target = target.ok_or_else(|| Stop::say("Discord did not say about whom."))?;
    let link = desk
        .store
        .account_link(by.prefix(), LinkSide::Discord(target))
        .await?;
    link.map(|link| link.pair.roblox).ok_or_else(|| {
        Stop::Say(format!(
            "<@{target}> has linked no Roblox account. They can, with `/verify`. If you know the account, use \
             `{command}` with its name or id."
        ))
    })
}
