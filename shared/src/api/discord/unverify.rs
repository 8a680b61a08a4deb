//! `/unverify`: deletes a person's account link and their consent.

use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::person::GuildPerson;
use super::update;
use crate::domain::discord::{
    ButtonAction, ButtonStyle, DiscordButton, DiscordEmbed, DiscordMessage, InteractionReply,
};
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::UserId;
use crate::domain::rules::Meaning;

/// Asks before anything is deleted.
pub async fn unverify(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<InteractionReply> {
    let prefix = person.prefix();
    let state = desk.store.discord_link_state(prefix, person.user()).await?;
    let linked = state.link.map(|link| link.pair.roblox);
    let what = match (linked, state.agreed) {
        (Some(user), _) => {
            let player = desk.known_in(prefix, user).await;
            format!(
                "The link with your Roblox account {player}, and your consent to it, are deleted permanently."
            )
        }
        (None, Some(_)) => "You are not linked. Your consent is deleted permanently.".to_owned(),
        (None, None) => {
            return Err(Stop::say(
                "Your Discord account is not linked, and nothing is stored about it. `/verify` links it.",
            ));
        }
    };
    let mut embed = DiscordEmbed::titled("Delete your link?");
    embed.description = what;
    let action = ButtonAction::Unverify { linked };
    Ok(desk.reply(DiscordMessage::embed(embed).with_buttons(vec![
        DiscordButton::new(ButtonStyle::Danger, "Delete", action),
        DiscordButton::new(ButtonStyle::Secondary, "Cancel", ButtonAction::Dismiss),
    ])))
}

/// Deletes them, once it is confirmed, if the link is still as the message shows it.
pub async fn confirmed(
    desk: &CommandDesk<'_>,
    person: &GuildPerson<'_>,
    linked: Option<UserId>,
) -> Flow<InteractionReply> {
    let (store, prefix) = (desk.store, person.prefix());
    let state = store.discord_link_state(prefix, person.user()).await?;
    if let Some(link) = state.link
        && Some(link.pair.roblox) != linked
    {
        return Err(Stop::say(
            "Nothing was deleted: your link has changed since. Use `/unverify` again.",
        ));
    }
    let Some(user) = linked else {
        store.withdraw_link_consent(prefix, person.user()).await?;
        return Err(Stop::say(
            "Deleted: your consent. Nothing is stored about your Discord account and links any more.",
        ));
    };
    let meaning = Meaning::of_parts(&["unverify", &user.to_string()]);
    let once = IdempotencyKey::of_form(&desk.request_id()?, &meaning);
    let by = person.link_actor();
    let removing = store.remove_account_link(prefix, person.side(), &by, Some(&once));
    match removing.await {
        Err(ApiError::NotFound(_)) => {
            return Err(Stop::say("Your Discord account is not linked any more."));
        }
        removed => removed?,
    }
    let player = desk.known_in(prefix, user).await;
    let mut embed = DiscordEmbed::titled("Deleted");
    embed.description = format!(
        "The link with your Roblox account {player}, and your consent. The event log keeps that you unlinked them, \
         until your Roblox user is forgotten. `/verify` links them again."
    );
    let embed = update::with_roles(desk, person, embed).await?;
    Ok(desk.reply(DiscordMessage::embed(embed)))
}
