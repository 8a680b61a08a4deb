//! `/places`, `/addplace` and `/removeplace`.

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop, sentence};
use super::show;
use crate::api::auth::{Administer, ViewBans};
use crate::domain::discord::{
    ButtonAction, ButtonStyle, DiscordButton, DiscordEmbed, DiscordMessage, InteractionReply,
};
use crate::domain::ids::{ExperienceId, PlaceId};
use crate::store::admin::LinkedExperience;

/// How many experiences are listed.
const LISTED: usize = 50;

/// How many times some of what is pending is dropped for one press.
const STEPS: u32 = 10;

pub async fn list(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ViewBans>()?;
    let links = desk.store.links(by.prefix()).await?;
    let mut embed = DiscordEmbed::titled("Linked experiences");
    let listed = links.iter().take(LISTED).map(|link| {
        let place = link.experience;
        let of = link.join.map(|join| format!(", part of {}", join.root));
        format!(
            "[{place}](<https://www.roblox.com/games/{place}>){}, linked {}",
            of.unwrap_or_default(),
            show::relative(link.linked)
        )
    });
    let listed: Vec<_> = listed.collect();
    embed.description = if listed.is_empty() {
        "None yet. An administrator links one with `/addplace`.".to_owned()
    } else {
        listed.join("\n")
    };
    if links.len() > LISTED {
        embed.footer = format!("{LISTED} of {}: the console has all.", links.len());
    }
    Ok(desk.reply(DiscordMessage::embed(embed)))
}

pub async fn add(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<Administer>()?;
    let experience = typed(desk)?;
    let (store, prefix) = (desk.store, by.prefix());
    store
        .link_experience(prefix, experience, desk.now())
        .await?;
    let name = desk.interaction.option("placename");
    let name = if name.is_empty() {
        String::new()
    } else {
        format!(" ({})", show::escaped(name))
    };
    let text = format!(
        "Experience {experience}{name} is linked. Within a minute, the bans in force become pending for it."
    );
    Ok(desk.reply(DiscordMessage::text(text)))
}

/// Asks before it unlinks.
pub async fn remove(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<Administer>()?;
    let experience = typed(desk)?;
    demand_unlinkable(desk, by, experience).await?;
    let mut embed = DiscordEmbed::titled("Unlink the experience?");
    embed.description = format!(
        "Experience {experience}: bans in all experiences no longer reach it, and what is pending for it is \
         dropped. Bans stay on record."
    );
    let place = PlaceId::from(experience);
    let buttons = vec![
        DiscordButton::new(
            ButtonStyle::Danger,
            "Unlink",
            ButtonAction::Unlink { place },
        ),
        DiscordButton::new(ButtonStyle::Secondary, "Cancel", ButtonAction::Dismiss),
    ];
    Ok(desk.reply(DiscordMessage::embed(embed).with_buttons(buttons)))
}

/// Unlinks, once it is confirmed.
pub async fn unlink(
    desk: &CommandDesk<'_>,
    by: &Commander,
    place: PlaceId,
) -> Flow<InteractionReply> {
    by.with::<Administer>()?;
    let (store, prefix) = (desk.store, by.prefix());
    let experience = ExperienceId::of_root(place);
    let links = store.links(prefix).await?;
    unlinkable(&links, experience)?;
    store.unlink_experience(prefix, experience).await?;
    if !store.drop_all_pending(prefix, experience, STEPS).await? {
        let again = DiscordButton::new(
            ButtonStyle::Danger,
            "Continue",
            ButtonAction::Unlink { place },
        );
        let message = DiscordMessage::text(format!(
            "Experience {experience} is unlinked, and more is pending for it than was dropped at once."
        ));
        return Ok(desk.reply(message.with_buttons(vec![again])));
    }
    let text = format!("Experience {experience} is unlinked. `/addplace` links it again.");
    Ok(desk.reply(DiscordMessage::text(text)))
}

fn typed(desk: &CommandDesk<'_>) -> Flow<ExperienceId> {
    let typed = desk.interaction.option("placeid");
    let is_plain = typed.bytes().all(|byte| byte.is_ascii_digit());
    let place: Option<PlaceId> = typed.parse().ok().filter(|_| is_plain);
    let place = place.ok_or_else(|| {
        Stop::say("The place id is a number: the one in the place's address at Roblox.")
    })?;
    Ok(ExperienceId::of_root(place))
}

async fn demand_unlinkable(
    desk: &CommandDesk<'_>,
    by: &Commander,
    experience: ExperienceId,
) -> Flow<()> {
    let links = desk.store.links(by.prefix()).await?;
    if unlinkable(&links, experience)? {
        return Ok(());
    }
    Err(Stop::say(
        "This experience is not linked to the workspace. `/places` lists those that are.",
    ))
}

/// Whether it is linked; a sentence if it is part of another, or another of it.
fn unlinkable(links: &[LinkedExperience], experience: ExperienceId) -> Flow<bool> {
    match LinkedExperience::unlinkable(links, experience) {
        Ok(link) => Ok(link.is_some()),
        Err(joined) => Err(Stop::Say(format!(
            "{} The operator lets it leave first: `portcullis experience leave {}`",
            sentence(&joined.to_string()),
            joined.part()
        ))),
    }
}
