//! `/verify`: a person links their Roblox account by a code, after they have agreed once.

use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::person::GuildPerson;
use super::show::{Player, escaped, relative};
use super::update;
use crate::domain::account_links::{AccountLink, LinkCode, LinkProof, LinkSide};
use crate::domain::clock::UnixSeconds;
use crate::domain::discord::{
    ButtonAction, ButtonStyle, DiscordButton, DiscordEmbed, DiscordMessage, InteractionReply,
};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::rules::Meaning;
use crate::store::{DiscordLinkState, TypedLinkCode};

/// The field from which a button reads the code of the game.
const CODE: &str = "Code";

/// Shows the link; asks for consent, or shows a code, if there is none; or asks before it uses a code of the
/// game.
pub async fn verify(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<InteractionReply> {
    let state = desk
        .store
        .discord_link_state(person.prefix(), person.user())
        .await?;
    let typed = desk.interaction.option("code");
    if !typed.is_empty() {
        return preview(desk, person, &state, typed).await;
    }
    match (state.link, state.agreed) {
        (Some(link), agreed) => linked(desk, person, &link, agreed).await,
        (None, None) => Ok(desk.reply(question(person))),
        (None, Some(_)) => new_code(desk, person).await,
    }
}

/// Records the consent, and shows a code.
pub async fn agreed(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<InteractionReply> {
    agree(desk, person).await?;
    new_code(desk, person).await
}

/// Links the accounts by the code in the message.
pub async fn redeem(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<InteractionReply> {
    let typed = typed(person, desk.interaction.shown(CODE))?;
    update::leave_to_worker(desk, person.prefix()).await?;
    let agreed = agree(desk, person).await?;
    let by = person.link_actor();
    let redeeming = desk
        .store
        .redeem_link_code(person.prefix(), &typed, &by, None);
    match redeeming.await? {
        Some(link) => linked(desk, person, &link, Some(agreed)).await,
        None => Err(Stop::say("The link was removed since.")),
    }
}

async fn agree(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<UnixSeconds> {
    let (prefix, user) = (person.prefix(), person.user());
    Ok(desk.store.agree_to_link(prefix, user, desk.now()).await?)
}

fn typed(person: &GuildPerson<'_>, code: &str) -> Flow<TypedLinkCode> {
    let code: Result<LinkCode, _> = code.parse();
    let code = code.map_err(|_| {
        Stop::say("The code must be six letters and digits, such as 7KX-3Q9. The game shows it.")
    })?;
    let by = person.side();
    Ok(TypedLinkCode { code, by })
}

/// The link of the person.
async fn linked(
    desk: &CommandDesk<'_>,
    person: &GuildPerson<'_>,
    link: &AccountLink,
    agreed: Option<UnixSeconds>,
) -> Flow<InteractionReply> {
    let player = desk.known_in(person.prefix(), link.pair.roblox).await;
    let mut embed = DiscordEmbed::titled("Your accounts are linked");
    embed.description = format!("Your Roblox account is {player}.");
    let agreed = agreed.map_or_else(|| "Not here".to_owned(), relative);
    let mut embed = embed
        .inline("Linked", relative(link.linked))
        .inline("Proof", proof(link.proof))
        .inline("You agreed", agreed);
    embed = update::with_roles(desk, person, embed).await?;
    "/unverify deletes the link and your consent.".clone_into(&mut embed.footer);
    let buttons = match link.proof {
        LinkProof::Code => Vec::new(),
        LinkProof::Import => vec![DiscordButton::new(
            ButtonStyle::Primary,
            "Agree and prove it with a code",
            ButtonAction::AgreeToLink,
        )],
    };
    Ok(desk.reply(DiscordMessage::embed(embed).with_buttons(buttons)))
}

/// How a link came about.
pub fn proof(proof: LinkProof) -> &'static str {
    match proof {
        LinkProof::Code => "By a code",
        LinkProof::Import => "None: imported from another registry",
    }
}

/// Asks for consent.
fn question(person: &GuildPerson<'_>) -> DiscordMessage {
    let mut embed = DiscordEmbed::titled("Link your Roblox account?");
    embed.description = format!(
        "{} then knows which Roblox account is yours. You do not have to, and nothing is stored until you \
         agree.",
        escaped(&person.workspace.name)
    );
    DiscordMessage::embed(explained(embed, person)).with_buttons(vec![
        DiscordButton::new(
            ButtonStyle::Primary,
            "Agree and get a code",
            ButtonAction::AgreeToLink,
        ),
        DiscordButton::new(ButtonStyle::Secondary, "Cancel", ButtonAction::Dismiss),
    ])
}

/// What is stored, why, who sees it and for how long.
fn explained(embed: DiscordEmbed, person: &GuildPerson<'_>) -> DiscordEmbed {
    let workspace = escaped(&person.workspace.name);
    embed
        .field(
            "What is stored",
            "The ids of your Discord and your Roblox account, how and when you linked them, and when you \
             agreed. For ten minutes also a code with your Discord name, and for an hour how often a code was \
             wrong.",
        )
        .field(
            "Why",
            "The game and the moderators recognise you on both sides, for example for roles here, and when \
             someone is banned.",
        )
        .field(
            "Who sees it",
            format!(
                "The moderators and the programs of {workspace}, the readers of its event log, and those who run \
                 Portcullis for it."
            ),
        )
        .field(
            "For how long",
            "Until you use `/unverify`, which deletes it. The event log keeps that you linked and unlinked \
             these accounts, until your Roblox user is forgotten.",
        )
}

/// A new code for the game.
async fn new_code(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<InteractionReply> {
    let token = desk.interaction.token.reveal();
    if token.is_empty() {
        return Err(Stop::say("Discord sent no token: try again."));
    }
    // A repeat of the interaction shows the same code. It follows from the token, which nobody else has.
    let once = format!("discord-{}-{token}", desk.id()?);
    let meaning = Meaning::of_parts(&["link-codes", &person.user().to_string()]);
    let once = IdempotencyKey::of_form(&once, &meaning);
    let (name, by) = (person.name(), person.link_actor());
    let made = desk.store.make_link_code(
        person.prefix(),
        person.side(),
        name.as_ref(),
        &by,
        Some(&once),
    );
    let made = made.await?;
    let mut embed = DiscordEmbed::titled("Your code for the game");
    embed.description = format!(
        "`{}`\nType it in the game, where it asks for a code from Discord. It works once, until <t:{}:t> ({}). \
         In the game you see your Discord name, and confirm it. Then `/verify` shows the link.",
        made.code.reveal(),
        made.expires,
        relative(made.expires)
    );
    "Show this code to no one.".clone_into(&mut embed.footer);
    Ok(desk.reply(DiscordMessage::embed(embed)))
}

/// Shows whose code it is, and asks before it links the accounts.
async fn preview(
    desk: &CommandDesk<'_>,
    person: &GuildPerson<'_>,
    state: &DiscordLinkState,
    code: &str,
) -> Flow<InteractionReply> {
    let prefix = person.prefix();
    let typed = typed(person, code)?;
    let open = desk
        .store
        .preview_link_code(prefix, &typed, &person.link_actor())
        .await?;
    let LinkSide::Roblox(user) = open.account else {
        return Err(Stop::say("This code is for the game: type it there."));
    };
    if let Some(link) = state.link.filter(|link| link.pair.roblox != user) {
        let player = desk.known_in(prefix, link.pair.roblox).await;
        return Err(Stop::Say(format!(
            "Your Discord account is linked to {player}. Delete that link with `/unverify` first."
        )));
    }
    if let Some(link) = state.link.filter(|link| link.proof == LinkProof::Code) {
        return linked(desk, person, &link, state.agreed).await;
    }
    let player = desk.named_in(prefix, user).await?;
    Ok(desk.reply(confirmation(
        person,
        state,
        &player,
        &typed.code,
        open.expires,
    )))
}

fn confirmation(
    person: &GuildPerson<'_>,
    state: &DiscordLinkState,
    player: &Player,
    code: &LinkCode,
    expires: UnixSeconds,
) -> DiscordMessage {
    let mut embed = DiscordEmbed::titled("Is this your Roblox account?");
    embed.description = format!(
        "{player} made this code in the game. It ends {}. If someone else gave it to you, cancel: it would link \
         you to their account.",
        relative(expires)
    );
    let embed = embed.field(CODE, code.reveal());
    let (embed, label) = match state.agreed {
        Some(_) => (embed, "Link"),
        None => (explained(embed, person), "Agree and link"),
    };
    DiscordMessage::embed(embed).with_buttons(vec![
        DiscordButton::new(ButtonStyle::Primary, label, ButtonAction::RedeemLinkCode),
        DiscordButton::new(ButtonStyle::Secondary, "Cancel", ButtonAction::Dismiss),
    ])
}
