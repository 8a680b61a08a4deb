//! The button that reverses what its presser decided, by another decision.

use super::ban::demand_global;
use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::show;
use crate::domain::discord::{
    ButtonAction, ButtonStyle, DiscordButton, DiscordEmbed, DiscordMessage, InteractionReply,
};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::ids::{Guid, UserId};
use crate::domain::rules::{Ban, DecisionKind, Meaning, Scope};
use crate::moderation::{OwnDecision, SeenOutcome, UNDO_REASON, own_decision, undo_own};
use crate::store::{Named, Shows, WriteContext};

/// The button for the last decision on a ban.
pub fn button(ban: &Ban) -> DiscordButton {
    let action = ButtonAction::Undo {
        user: ban.user,
        guid: ban.guid,
        decisions: ban.decisions,
    };
    DiscordButton::new(ButtonStyle::Secondary, "Undo", action)
}

pub async fn undo(
    desk: &CommandDesk<'_>,
    by: &Commander,
    user: UserId,
    guid: Guid,
    number: u32,
) -> Flow<InteractionReply> {
    let moderator = by.deciding(desk.store).await?;
    let (store, prefix) = (desk.store, by.prefix());
    let id = format!("{guid}-{number}");
    let found = own_decision(store, prefix, user, &id, by.member.id, desk.now());
    let decision = match found.await? {
        OwnDecision::Theirs(decision) => decision,
        OwnDecision::Unknown => {
            return Err(Stop::say(
                "This decision is not among the player's newest ones, so it cannot be undone here.",
            ));
        }
        OwnDecision::OfAnother => {
            return Err(Stop::say(
                "Someone else made this decision. Lift the ban with `/unban` instead.",
            ));
        }
        OwnDecision::TooOld => {
            return Err(Stop::say(
                "This decision is too old to be undone with one click. Lift the ban with `/unban` instead.",
            ));
        }
    };
    let ban = &decision.ban;
    if ban.scope == Scope::Global {
        demand_global(by)?;
    }
    // The same name as in the console, so that a decision is undone once.
    let meaning = Meaning::of_parts(&["undo", &decision.id()]);
    let key = IdempotencyKey::of_form(&format!("undo-{}", decision.id()), &meaning);
    let shows = Shows::Latest(ban.scope);
    let authority = moderator.authority(desk.now());
    let context = WriteContext {
        user,
        prefix,
        link: store.link_unchanged(prefix, ban.made_in).await?,
        actor: moderator.actor(&desk.request_id()?),
        limits: authority.limits,
        idempotency: Some(Named { key, shows }),
        digest: None,
        dry_run: None,
    };
    let player = desk.known(by, user).await;
    match undo_own(store, &context, &decision, UNDO_REASON, &authority).await? {
        SeenOutcome::Decided(_) => {
            let what = match decision.kind {
                DecisionKind::Made | DecisionKind::Imported | DecisionKind::Restored => {
                    "the ban is lifted"
                }
                DecisionKind::Changed => "the ban has its former terms",
                DecisionKind::Lifted | DecisionKind::Appealed | DecisionKind::Expired => {
                    "the ban is in force again"
                }
            };
            let mut embed = DiscordEmbed::titled("Undone");
            embed.description = format!(
                "{player}: {what} {}. Both decisions stay in the history.",
                show::place(ban)
            );
            Ok(desk.reply(DiscordMessage::embed(embed)))
        }
        SeenOutcome::Unchanged => Err(Stop::say(
            "There is nothing to undo: the ban has ended by itself.",
        )),
        SeenOutcome::Superseded(_) => Err(Stop::say(
            "Not undone: the ban was changed since. Look with `/history`.",
        )),
    }
}
