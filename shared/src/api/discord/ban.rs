//! `/ban`, its form, and the button that confirms a ban in all experiences.

mod asked;

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::show::{self, PRIVATE_REASON, PUBLIC_REASON, Player};
use super::undo;
use crate::api::auth::ModerateBans;
use crate::domain::discord::{
    BAN_MENU, ButtonAction, ButtonStyle, DiscordButton, DiscordEmbed, DiscordMessage, Interaction,
    InteractionKind, InteractionReply,
};
use crate::domain::error::ApiError;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::{PlaceId, UserId};
use crate::domain::members::{DiscordId, MemberPermission, ReasonPresets};
use crate::domain::rules::{BanRequest, Length, Scope};
use crate::moderation::{self, Intent};
use crate::store::{LinkRights, Named, Shows, WriteContext};

use self::asked::{BanReasons, LinkedPlaces};

/// The `custom_id` of the form for one experience, and of the one for all.
pub const MODAL: &str = "ban";
pub const GLOBAL_MODAL: &str = "ban-everywhere";

/// What is decided.
struct Ordered {
    place: PlaceId,
    scope: Scope,
    reasons: BanReasons,
    length: Length,
}

/// Whether the form opens: the command has no reason, or is that of a menu.
pub fn opens_form(asked: &Interaction) -> bool {
    let is_ban = asked.command == "ban" && asked.option("reason").is_empty();
    asked.kind == InteractionKind::Command && (is_ban || asked.command == BAN_MENU)
}

/// The form about one player, for one experience.
pub fn form_about(asked: &Interaction, user: UserId) -> InteractionReply {
    InteractionReply::Modal(asked::modal(asked, &user.to_string(), false))
}

/// Bans, opens the form if no reason is given, or asks for confirmation of a ban in all experiences.
pub async fn ban(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    let asked = desk.interaction;
    let is_global = asked.flag("global") || asked.custom_id == GLOBAL_MODAL;
    if opens_form(asked) {
        let needed = if is_global {
            MemberPermission::ManageGlobalBans
        } else {
            MemberPermission::ManageBans
        };
        by.demand_perhaps(needed)?;
        let user = asked.option("user");
        return Ok(InteractionReply::Modal(asked::modal(
            asked, user, is_global,
        )));
    }
    by.with::<ModerateBans>()?;
    if is_global {
        demand_global(by)?;
    }
    let (store, prefix) = (desk.store, by.prefix());
    let (presets, places) = tokio::try_join!(
        async { Ok::<_, Stop>(store.reason_presets(prefix).await?) },
        LinkedPlaces::read(desk, by)
    )?;
    let reasons = BanReasons::judge(
        asked.option("reason"),
        asked.option("private_reason"),
        &presets,
    )?;
    let typed = Some(asked.option("length")).filter(|typed| !typed.is_empty());
    let typed = typed.or(reasons.length.as_deref());
    let length = asked::length(typed.unwrap_or("forever"), desk.now())?;
    let place = if is_global {
        places.any()?
    } else {
        places.chosen(asked.option("experience"))?
    };
    let player = desk.player(by, asked.option("user")).await?;
    if is_global {
        // A mistyped id shows by its name.
        let player = match player.name {
            Some(_) => player,
            None => desk.named_in(prefix, player.id).await?,
        };
        let message = confirmation(desk.id()?, &player, &reasons, length, places.count());
        return Ok(desk.reply(message));
    }
    let ordered = Ordered {
        place,
        scope: Scope::Experience,
        reasons,
        length,
    };
    decide(desk, by, desk.id()?, &player, ordered).await
}

/// Bans in all experiences, once it is confirmed.
pub async fn confirmed(
    desk: &CommandDesk<'_>,
    by: &Commander,
    asked: DiscordId,
    user: UserId,
    length: Length,
) -> Flow<InteractionReply> {
    by.with::<ModerateBans>()?;
    demand_global(by)?;
    // They were chosen before; judged again, since they come back from Discord.
    let [public, private] = [PUBLIC_REASON, PRIVATE_REASON].map(|it| desk.interaction.shown(it));
    let reasons = BanReasons::judge(public, private, &ReasonPresets::default())?;
    let ordered = Ordered {
        place: LinkedPlaces::read(desk, by).await?.any()?,
        scope: Scope::Global,
        reasons,
        length,
    };
    let player = desk.known(by, user).await;
    decide(desk, by, asked, &player, ordered).await
}

pub fn demand_global(by: &Commander) -> Flow<()> {
    if by.may(MemberPermission::ManageGlobalBans)? {
        return Ok(());
    }
    Err(Stop::say(
        "You lack the permission `manage_global_bans`, which bans in all experiences require. Ask an \
         administrator of the workspace.",
    ))
}

fn confirmation(
    asked: DiscordId,
    player: &Player,
    reasons: &BanReasons,
    length: Length,
    experiences: usize,
) -> DiscordMessage {
    let count = match experiences {
        1 => "the one experience".to_owned(),
        several => format!("all {several} experiences"),
    };
    let how_long = match length {
        Length::Permanent => "permanently".to_owned(),
        Length::Until(at) => format!("until <t:{at}:f>"),
        Length::For(seconds) => format!("for {}", asked::shown_length(seconds)),
    };
    let mut embed = DiscordEmbed::titled("Ban everywhere?");
    embed.description = format!("{player} is banned in {count} of the workspace, {how_long}.");
    // As typed: the button reads them again.
    let embed = embed
        .field(PUBLIC_REASON, &*reasons.public)
        .field(PRIVATE_REASON, &*reasons.private);
    let action = ButtonAction::BanEverywhere {
        asked,
        user: player.id,
        length,
    };
    DiscordMessage::embed(embed).with_buttons(vec![
        DiscordButton::new(ButtonStyle::Danger, "Ban everywhere", action),
        DiscordButton::new(ButtonStyle::Secondary, "Cancel", ButtonAction::Dismiss),
    ])
}

/// Decides once for each `asked` interaction.
async fn decide(
    desk: &CommandDesk<'_>,
    by: &Commander,
    asked: DiscordId,
    player: &Player,
    ordered: Ordered,
) -> Flow<InteractionReply> {
    let (store, prefix) = (desk.store, by.prefix());
    let moderator = by.deciding(store).await?;
    let Ordered {
        place,
        scope,
        reasons,
        length,
    } = ordered;
    let private = Some(reasons.private).filter(|text| !text.is_empty());
    let request = BanRequest {
        user: player.id,
        place,
        scope,
        overwrite: false,
        applied: false,
        moderator: moderator.moderator(),
        private_reason: private.unwrap_or_else(|| reasons.public.clone()),
        public_reason: reasons.public,
        length,
        universal: None,
    };
    let shows = Shows::Latest(scope);
    let key = IdempotencyKey::of_form(&format!("discord-{asked}"), &request.meaning());
    // A person chooses among linked experiences, so a ban from here links none.
    let rights = LinkRights {
        prefix,
        may_write: false,
    };
    let authority = moderator.authority(desk.now());
    let context = WriteContext {
        user: player.id,
        prefix,
        link: store.check_link(rights, place).await?,
        actor: moderator.actor(&desk.request_id()?),
        limits: authority.limits,
        idempotency: Some(Named { key, shows }),
        digest: None,
        dry_run: None,
    };
    let decided = moderation::ban(store, &context, &request, Intent::Ban, &authority, None).await;
    let committed = match decided {
        Err(ApiError::AlreadyBanned { .. }) => return already(desk, by, player, scope).await,
        decided => decided?,
    };
    let Some(answer) = store.answer(&context, &committed, shows).await? else {
        return Err(Stop::say(
            "The player's data was erased since, and the ban with it.",
        ));
    };
    let mut embed = DiscordEmbed::titled("Banned");
    embed.description = format!("{player}");
    let mut embed = show::terms(embed, &answer.ban, true);
    "Game servers apply it within about a minute.".clone_into(&mut embed.footer);
    let message = DiscordMessage::embed(embed).with_buttons(vec![undo::button(&answer.ban)]);
    Ok(desk.reply(message))
}

/// What is in force already.
async fn already(
    desk: &CommandDesk<'_>,
    by: &Commander,
    player: &Player,
    scope: Scope,
) -> Flow<InteractionReply> {
    let standings = desk.store.standings_of(by.prefix(), player.id).await?;
    let now = desk.now();
    let mut in_force = standings.bans().filter(|ban| ban.holds(now));
    let ban = in_force.find(|ban| scope == Scope::Experience || ban.scope == Scope::Global);
    let mut embed = DiscordEmbed::titled("Not banned: already banned");
    embed.description = format!(
        "{player} has a ban in force. To change it, edit it in the console, or lift it with `/unban` first."
    );
    if let Some(ban) = ban {
        embed = show::terms(embed, ban, true);
    }
    Ok(desk.reply(DiscordMessage::embed(embed)))
}
