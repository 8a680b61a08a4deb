//! `/unban`, and the buttons that choose among several bans.

use super::ban::demand_global;
use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::show::{self, Player};
use super::undo;
use crate::api::auth::ModerateBans;
use crate::domain::discord::{
    ButtonAction, ButtonStyle, DiscordButton, DiscordEmbed, DiscordMessage, InteractionReply,
};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::{Guid, UserId};
use crate::domain::members::DiscordId;
use crate::domain::rules::{Ban, Meaning, Scope, UnbanRequest};
use crate::domain::text;
use crate::moderation::{SeenBan, SeenOutcome, lift_seen};
use crate::store::{Named, Shows, UserStandings, WriteContext};

/// The longest reason in bytes, as in the API.
const LONGEST_REASON: usize = 1_000;

/// The field from which a button reads the reason again.
const REASON: &str = "Reason for lifting";

/// How many bans are offered.
const OFFERED: usize = 20;

/// How many seconds after its end a ban may be the one that this same command has lifted.
const REPEATED_WITHIN: u64 = 900;

pub async fn unban(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ModerateBans>()?;
    let reason = judged(desk.interaction.option("reason"))?;
    let player = desk.player(by, desk.interaction.option("user")).await?;
    let standings = desk.store.standings_of(by.prefix(), player.id).await?;
    let in_force = in_force(&standings, desk);
    match in_force.as_slice() {
        [ban] => lift(desk, by, &desk.request_id()?, &player, ban, &reason).await,
        [] => match last_lifted(&standings, desk) {
            Some(ban) => lift(desk, by, &desk.request_id()?, &player, &ban, &reason).await,
            None => Err(nothing(&player)),
        },
        several => Ok(desk.reply(offer(desk.id()?, &player, several, &reason))),
    }
}

/// Lifts the ban of a button, if it is still as the message shows it.
pub async fn chosen(
    desk: &CommandDesk<'_>,
    by: &Commander,
    asked: DiscordId,
    user: UserId,
    (guid, decisions): (Guid, u32),
) -> Flow<InteractionReply> {
    by.with::<ModerateBans>()?;
    let reason = judged(desk.interaction.shown(REASON))?;
    let player = desk.known(by, user).await;
    let standings = desk.store.standings_of(by.prefix(), user).await?;
    let mut bans = standings.bans();
    // In the state of the message, so that a change in between counts.
    let ban = bans.find(|ban| ban.guid == guid).map(|ban| Ban {
        decisions,
        ..ban.clone()
    });
    let ban = ban.ok_or_else(|| nothing(&player))?;
    // Each of the buttons is a decision of its own.
    let once = format!("discord-{asked}-{guid}");
    lift(desk, by, &once, &player, &ban, &reason).await
}

fn judged(typed: &str) -> Flow<String> {
    let reason = text::judge(typed, LONGEST_REASON);
    let reason = reason.map_err(|fault| Stop::Say(format!("The reason {fault}.")))?;
    if reason.is_empty() {
        return Err(Stop::say("Say why: the reason stays in the history."));
    }
    Ok(reason.to_owned())
}

fn nothing(player: &Player) -> Stop {
    Stop::Say(format!("{player} has no ban in force."))
}

fn in_force(standings: &UserStandings, desk: &CommandDesk<'_>) -> Vec<Ban> {
    let bans = standings.bans().filter(|ban| ban.holds(desk.now()));
    bans.cloned().collect()
}

/// The ban that ended last, a moment ago, in its state before: a repeat of the command that lifted it
/// gets the same answer.
fn last_lifted(standings: &UserStandings, desk: &CommandDesk<'_>) -> Option<Ban> {
    let ended = standings.bans().filter_map(|ban| {
        let at = ban.ending?.at;
        (desk.now() <= at.plus(REPEATED_WITHIN)).then_some((at, ban))
    });
    let (_, ban) = ended.max_by_key(|(at, _)| *at)?;
    Some(Ban {
        decisions: ban.decisions.saturating_sub(1),
        ..ban.clone()
    })
}

fn offer(asked: DiscordId, player: &Player, bans: &[Ban], reason: &str) -> DiscordMessage {
    let mut embed = DiscordEmbed::titled("Which ban?");
    embed.description = format!("{player} has {} bans in force.", bans.len());
    embed = embed.field(REASON, reason);
    let mut buttons = Vec::new();
    for ban in bans.iter().take(OFFERED) {
        let label = match ban.scope {
            Scope::Global => "Lift everywhere".to_owned(),
            Scope::Experience => format!("Lift in {}", ban.made_in),
        };
        let action = ButtonAction::Lift {
            asked,
            user: player.id,
            guid: ban.guid,
            decisions: ban.decisions,
        };
        buttons.push(DiscordButton::new(ButtonStyle::Danger, label, action));
    }
    let cancel = DiscordButton::new(ButtonStyle::Secondary, "Cancel", ButtonAction::Dismiss);
    buttons.push(cancel);
    DiscordMessage::embed(embed).with_buttons(buttons)
}

/// Lifts a ban that is in the state `ban`, once for each name.
async fn lift(
    desk: &CommandDesk<'_>,
    by: &Commander,
    once: &str,
    player: &Player,
    ban: &Ban,
    reason: &str,
) -> Flow<InteractionReply> {
    let moderator = by.deciding(desk.store).await?;
    if ban.scope == Scope::Global {
        demand_global(by)?;
    }
    let (store, prefix) = (desk.store, by.prefix());
    let shows = Shows::Latest(ban.scope);
    let meaning = Meaning::of_parts(&["lift", &ban.guid.to_string(), reason]);
    let authority = moderator.authority(desk.now());
    let context = WriteContext {
        user: player.id,
        prefix,
        link: store.link_unchanged(prefix, ban.made_in).await?,
        actor: moderator.actor(&desk.request_id()?),
        limits: authority.limits,
        idempotency: Some(Named {
            key: IdempotencyKey::of_form(once, &meaning),
            shows,
        }),
        digest: None,
        dry_run: None,
    };
    let request = UnbanRequest {
        user: player.id,
        place: ban.made_in.into(),
        reason: Some(reason.to_owned()),
        moderator: Some(moderator.moderator()),
        applied: false,
        report_only: false,
        from_game: false,
    };
    let seen = SeenBan {
        guid: ban.guid,
        scope: ban.scope,
        decisions: ban.decisions,
    };
    match lift_seen(store, &context, &request, seen, &authority).await? {
        SeenOutcome::Decided(committed) => {
            let answer = store.answer(&context, &committed, shows).await?;
            let mut embed = DiscordEmbed::titled("Lifted");
            embed.description = format!(
                "The ban of {player} {} is lifted. They can join within about a minute, unless another ban \
                 is in force there.",
                show::place(ban)
            );
            let buttons = answer.map(|answer| undo::button(&answer.ban));
            let message = DiscordMessage::embed(embed.field(REASON, show::escaped(reason)));
            Ok(desk.reply(message.with_buttons(buttons.into_iter().collect())))
        }
        SeenOutcome::Unchanged | SeenOutcome::Superseded(_) => {
            let standings = store.standings_of(prefix, player.id).await?;
            if in_force(&standings, desk).is_empty() {
                return Err(nothing(player));
            }
            Err(Stop::Say(format!(
                "Not lifted: someone decided about {player} first. Look with `/check`, then try again."
            )))
        }
    }
}
