//! What everyone in a guild may do, without being a member of its workspace.

use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::person::GuildPerson;
use super::signed::SignedInteraction;
use super::{unverify, update, verify, whois};
use crate::domain::discord::{ButtonAction, InteractionKind, InteractionReply};

/// Answers it; none if only a member may do it.
pub async fn answer(
    desk: &CommandDesk<'_>,
    person: &GuildPerson<'_>,
) -> Flow<Option<InteractionReply>> {
    if let Some(trace) = desk.trace {
        let member = person.member.map(|member| member.to_string());
        let who = member.as_deref().unwrap_or(SignedInteraction::KEY_ID);
        trace.identify(person.workspace.guid, who);
    }
    let interaction = desk.interaction;
    let reply = match interaction.kind {
        InteractionKind::Command => match interaction.command.as_str() {
            "verify" => verify::verify(desk, person).await?,
            "unverify" => unverify::unverify(desk, person).await?,
            "update" => update::update(desk, person).await?,
            "whois" => whois::whois(desk, person).await?,
            _ => return Ok(None),
        },
        InteractionKind::Component => match interaction.custom_id.parse() {
            Ok(ButtonAction::AgreeToLink) => verify::agreed(desk, person).await?,
            Ok(ButtonAction::RedeemLinkCode) => verify::redeem(desk, person).await?,
            Ok(ButtonAction::Unverify { linked }) => {
                unverify::confirmed(desk, person, linked).await?
            }
            Ok(ButtonAction::Dismiss) => return Err(Stop::say("Nothing was changed.")),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(reply))
}
