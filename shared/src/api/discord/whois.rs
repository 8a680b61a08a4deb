//! `/whois`: which accounts belong to the same person.

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::person::GuildPerson;
use super::show::{Player, relative};
use super::verify::proof;
use crate::api::auth::ViewBans;
use crate::domain::account_links::{AccountLink, LinkSide};
use crate::domain::discord::{DiscordEmbed, DiscordMessage, InteractionReply};
use crate::domain::members::DiscordId;

/// Shows a link to one who may see bans, and to everyone their own.
pub async fn whois(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<InteractionReply> {
    let [member, user] = ["member", "user"].map(|option| desk.interaction.option(option));
    match (member, user) {
        ("", "") => Err(Stop::say(
            "Say who: a person on Discord with `member`, or a Roblox player with `user`.",
        )),
        (member, "") => {
            let member = member.parse();
            let member = member.map_err(|_| Stop::say("Discord did not say who."))?;
            of_discord(desk, person, member).await
        }
        ("", user) => of_roblox(desk, person, user).await,
        _ => Err(Stop::say("Give either `member` or `user`, not both.")),
    }
}

async fn of_discord(
    desk: &CommandDesk<'_>,
    person: &GuildPerson<'_>,
    member: DiscordId,
) -> Flow<InteractionReply> {
    if member != person.user() {
        demand_view(desk, person).await?;
    }
    let prefix = person.prefix();
    let side = LinkSide::Discord(member);
    let Some(link) = desk.store.account_link(prefix, side).await? else {
        return Err(Stop::Say(format!(
            "<@{member}> has linked no Roblox account. They can, with `/verify`."
        )));
    };
    let player = desk.named_in(prefix, link.pair.roblox).await?;
    Ok(shown(desk, &player, &link))
}

async fn of_roblox(
    desk: &CommandDesk<'_>,
    person: &GuildPerson<'_>,
    typed: &str,
) -> Flow<InteractionReply> {
    let prefix = person.prefix();
    match demand_view(desk, person).await {
        Ok(()) => {
            let player = desk.player_in(prefix, typed).await?;
            let side = LinkSide::Roblox(player.id);
            match desk.store.account_link(prefix, side).await? {
                Some(link) => Ok(shown(desk, &player, &link)),
                None => Err(Stop::Say(format!(
                    "{player} has linked no Discord account."
                ))),
            }
        }
        Err(refused @ Stop::Say(_)) => {
            let own = desk.store.account_link(prefix, person.side()).await?;
            let Some(own) = own else { return Err(refused) };
            let player = desk.player_in(prefix, typed).await?;
            if own.pair.roblox == player.id {
                Ok(shown(desk, &player, &own))
            } else {
                Err(refused)
            }
        }
        Err(stop) => Err(stop),
    }
}

async fn demand_view(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<()> {
    let by = Commander::of(desk, person).await?;
    by.with::<ViewBans>().map(drop)
}

fn shown(desk: &CommandDesk<'_>, player: &Player, link: &AccountLink) -> InteractionReply {
    let discord = link.pair.discord;
    let confirmed = link.confirmed.map_or_else(
        || "Not by an administrator".to_owned(),
        |at| format!("By an administrator, {}", relative(at)),
    );
    let embed = DiscordEmbed::titled("The same person")
        .inline("Roblox", player.to_string())
        .inline("Discord", format!("<@{discord}> ({discord})"))
        .field("Linked", relative(link.linked))
        .inline("Proof", proof(link.proof))
        .inline("Confirmed", confirmed);
    desk.reply(DiscordMessage::embed(embed))
}
