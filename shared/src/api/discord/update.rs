//! `/update`: applies the rules that give roles to one person at once.

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::person::GuildPerson;
use crate::api::auth::ModerateDiscord;
use crate::domain::discord::{DiscordEmbed, DiscordMessage, InteractionReply};
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::DiscordId;
use crate::domain::role_rules::{RoleChange, RoleVerb};
use crate::integrations::discord::DiscordError;
use crate::moderation::role_sync::{RoleOutcome, RoleSync};

/// Everyone may update themselves. For another person it changes what they have in the guild, which is what
/// `moderate_discord` permits.
pub async fn update(desk: &CommandDesk<'_>, person: &GuildPerson<'_>) -> Flow<InteractionReply> {
    let user = match desk.interaction.option("member") {
        "" => person.user(),
        named => named
            .parse()
            .map_err(|_| Stop::say("Choose the person from the list that Discord offers."))?,
    };
    if user != person.user() {
        let by = Commander::of(desk, person).await?;
        by.with::<ModerateDiscord>()?;
    }
    let Some(mut lines) = roles_of_user_changed(desk, person.prefix(), user).await? else {
        return Err(Stop::say(
            "No rule gives roles here. The operator of Portcullis can add one: `portcullis discord role add`",
        ));
    };
    if lines.is_empty() {
        lines.push("Nothing to change.".to_owned());
    }
    let mut embed = DiscordEmbed::titled("Roles");
    embed.description = format!("<@{user}>\n{}", lines.join("\n"));
    Ok(desk.reply(DiscordMessage::embed(embed)))
}

/// Applies the rules after something about a person has changed, such as their link, in all guilds of the
/// workspace. Returns what to tell them, empty if nothing changed; none if the workspace has no rules. The
/// worker alone can do it.
pub async fn roles_of_user_changed(
    desk: &CommandDesk<'_>,
    prefix: WorkspacePrefix,
    user: DiscordId,
) -> Flow<Option<Vec<String>>> {
    let rules = desk.store.role_rules(prefix).await?;
    if rules.is_empty() {
        return Ok(None);
    }
    let Some(tools) = desk.roles else {
        return Err(Stop::Later);
    };
    let mut sync = RoleSync::begin(desk.store, tools, prefix, &rules).await?;
    let outcomes = sync.apply(user).await?;
    if let Some(trace) = desk.trace
        && let Some(failure) = outcomes.iter().find_map(|it| it.failure.as_ref())
    {
        trace.note_discord(&failure.to_string());
    }
    Ok(Some(shown(desk, &outcomes)))
}

/// Leaves to the worker what changes roles, before anything is changed.
pub async fn leave_to_worker(desk: &CommandDesk<'_>, prefix: WorkspacePrefix) -> Flow<()> {
    if desk.roles.is_none() && !desk.store.role_rules(prefix).await?.is_empty() {
        return Err(Stop::Later);
    }
    Ok(())
}

/// An answer about the link of a person, with what has changed among their roles.
pub async fn with_roles(
    desk: &CommandDesk<'_>,
    person: &GuildPerson<'_>,
    embed: DiscordEmbed,
) -> Flow<DiscordEmbed> {
    let changed = roles_of_user_changed(desk, person.prefix(), person.user()).await?;
    Ok(match changed {
        Some(lines) if !lines.is_empty() => embed.field("Roles", lines.join("\n")),
        _ => embed,
    })
}

/// Lines about the guild in which the person is, and one about the others.
fn shown(desk: &CommandDesk<'_>, outcomes: &[RoleOutcome]) -> Vec<String> {
    let is_here = |outcome: &&RoleOutcome| Some(outcome.guild) == desk.interaction.guild;
    let (here, others): (Vec<_>, Vec<_>) = outcomes.iter().partition(is_here);
    let mut lines = Vec::new();
    for outcome in here {
        lines.extend(outcome.changed.iter().map(change));
        if !outcome.refused.is_empty() {
            let roles = outcome.refused.iter().map(|it| format!("<@&{}>", it.role));
            let roles: Vec<_> = roles.collect();
            lines.push(format!(
                "Discord does not let me change {}: I need the permission *Manage Roles*, and a role above.",
                roles.join(", ")
            ));
        }
        if outcome.lacks_ranks {
            lines.push("Roblox did not say every rank: try again later.".to_owned());
        }
        match &outcome.failure {
            None if !outcome.is_member => lines.push("Not a member of this server.".to_owned()),
            None => {}
            Some(DiscordError::Refused { .. } | DiscordError::NoMember) => {
                lines.push("Discord does not let me see who has which role here.".to_owned());
            }
            Some(_) => lines.push("Discord does not answer: try again in a minute.".to_owned()),
        }
    }
    let elsewhere = others.iter().filter(|outcome| !outcome.changed.is_empty());
    if elsewhere.count() > 0 {
        lines.push("Roles in other servers of this workspace have changed too.".to_owned());
    }
    lines
}

fn change(change: &RoleChange) -> String {
    let (sign, not) = match change.verb {
        RoleVerb::Give => ("+", ""),
        RoleVerb::Take => ("-", "not "),
    };
    format!("{sign} <@&{}>: {not}{}", change.role, change.basis)
}
