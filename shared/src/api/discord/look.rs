//! `/check`, `/history` and `/bans`.

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::show::{self, MemberLabels, Player};
use crate::api::auth::ViewBans;
use crate::domain::discord::{DiscordEmbed, DiscordMessage, InteractionReply};
use crate::domain::ids::PlaceId;
use crate::domain::members::MemberPermission;
use crate::domain::rules::Ban;
use crate::store::Filter;

/// How many entries an answer lists.
const LISTED: usize = 10;

/// How many bans are looked at for those in force.
const EXAMINED: usize = 500;

/// How many are read at once.
const AT_ONCE: usize = 100;

pub async fn check(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ViewBans>()?;
    let player = desk.player(by, desk.interaction.option("user")).await?;
    let standings = desk.store.standings_of(by.prefix(), player.id).await?;
    let now = desk.now();
    let shows_private = by.may(MemberPermission::ManageBans)?;
    let (in_force, ended): (Vec<&Ban>, Vec<_>) = standings.bans().partition(|ban| ban.holds(now));
    let mut embeds = Vec::new();
    for ban in in_force.iter().take(LISTED / 2) {
        let mut embed = DiscordEmbed::titled("Banned");
        embed.description = player.to_string();
        embeds.push(show::terms(embed, ban, shows_private));
    }
    if embeds.is_empty() {
        let mut embed = DiscordEmbed::titled("Not banned");
        embed.description = player.to_string();
        if let Some(last) = ended.iter().max_by_key(|ban| ban.updated) {
            embed = embed.field("Last ban", show::line(last, now));
        }
        embeds.push(embed);
    }
    if let Some(first) = embeds.first_mut() {
        if standings.is_protected {
            "Protected: nobody in this workspace can ban this player."
                .clone_into(&mut first.footer);
        } else if in_force.len() > LISTED / 2 {
            first.footer = format!("{} bans are in force.", in_force.len());
        }
    }
    let message = DiscordMessage {
        embeds,
        ..DiscordMessage::default()
    };
    Ok(desk.reply(message))
}

pub async fn history(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ViewBans>()?;
    let player = desk.player(by, desk.interaction.option("user")).await?;
    history_of(desk, by, &player).await
}

/// The newest decisions about a player, for one who may see them.
pub async fn history_of(
    desk: &CommandDesk<'_>,
    by: &Commander,
    player: &Player,
) -> Flow<InteractionReply> {
    let (store, prefix) = (desk.store, by.prefix());
    let (newest, members) = tokio::try_join!(
        store.newest_decisions(prefix, player.id, None, LISTED),
        store.members(prefix)
    )?;
    let (members, shows_private) = (
        MemberLabels::new(&members),
        by.may(MemberPermission::ManageBans)?,
    );
    let mut embed = DiscordEmbed::titled("History");
    let entries = newest.decisions.iter();
    let entries: Vec<_> = entries
        .map(|decision| show::decision(decision, &members, shows_private))
        .collect();
    embed.description = if entries.is_empty() {
        format!("Nothing was decided about {player}.")
    } else {
        format!("{player}\n\n{}", entries.join("\n"))
    };
    if newest.older.is_some() {
        "Older decisions are in the console.".clone_into(&mut embed.footer);
    }
    Ok(desk.reply(DiscordMessage::embed(embed)))
}

pub async fn bans(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ViewBans>()?;
    let (store, prefix, now) = (desk.store, by.prefix(), desk.now());
    let mut filter = Filter::default();
    let typed = desk.interaction.option("experience");
    if !typed.is_empty() {
        let place: PlaceId = typed
            .parse()
            .map_err(|_| Stop::say("The experience is its place id, such as 1818."))?;
        let experience = store.experience_of(prefix, place).await?;
        let links = store.links(prefix).await?;
        if !links.iter().any(|link| link.experience == experience) {
            return Err(Stop::say(
                "This experience is not linked to the workspace. `/places` lists those that are.",
            ));
        }
        filter.experience = Some(experience);
    }
    let mut list = store.ban_list(prefix, &filter, None, Some(AT_ONCE));
    let (mut found, mut examined) = (Vec::new(), 0_usize);
    while let Some(record) = list.next().await? {
        examined = examined.saturating_add(1);
        if record.ban.holds(now) {
            found.push(record.ban);
        }
        if found.len() == LISTED || examined == EXAMINED {
            break;
        }
    }
    let names = desk.cached(by, found.iter().map(|ban| ban.user)).await;
    let lines = found.iter().map(|ban| {
        let player = Player {
            id: ban.user,
            name: names.get(&ban.user).cloned(),
        };
        format!("{player} {}", show::line(ban, now))
    });
    let lines: Vec<_> = lines.collect();
    let mut embed = DiscordEmbed::titled("Newest bans in force");
    embed.description = if lines.is_empty() {
        "No ban is in force.".to_owned()
    } else {
        lines.join("\n\n")
    };
    if found.len() == LISTED || examined == EXAMINED {
        "The console has all bans.".clone_into(&mut embed.footer);
    }
    Ok(desk.reply(DiscordMessage::embed(embed)))
}
