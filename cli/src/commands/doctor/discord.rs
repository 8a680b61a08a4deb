//! Checks the Discord application: secrets, keys, endpoint, commands and guilds.

use std::time::Duration;

use anyhow::Result;
use futures::stream::{self, StreamExt};
use shared::domain::ids::WorkspaceId;
use shared::domain::members::DiscordId;
use shared::integrations::discord::{DiscordError, RegisteredApplication};
use shared::integrations::secret_text::SecretText;

use super::finding::Finding;
use super::guild_watches;
use crate::commands::discord::{CLIENT_SECRET, CommandChanges, DiscordContext, is_temporary};
use crate::connection::Connection;

/// The time for a call to Discord.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// How many guilds are looked for at once, and at all: together at most 15 s.
const AT_ONCE: usize = 10;
const GUILDS: usize = 50;

const SETUP: &str = "run `portcullis discord setup`";

pub async fn examine(located: &Connection) -> Vec<Finding> {
    let check = "Discord application";
    let context = match DiscordContext::find(located, TIME_LIMIT).await {
        Ok(Some(context)) => context,
        Ok(None) if located.stack.is_some() => {
            return vec![Finding::ok(check, "the stack has none")];
        }
        Ok(None) => {
            let why = "it is a parameter of the stack: use --stack";
            return vec![Finding::skipped(check, why)];
        }
        Err(error) => return vec![Finding::of_error(check, &error)],
    };
    let mut findings = vec![client_secret(&context).await];
    let token = match context.token().await {
        Ok(token) => token,
        Err(error) => {
            findings.push(Finding::of_error("Discord bot token", &error));
            return findings;
        }
    };
    let found = match context.discord.registered_application(&token).await {
        Ok(found) => found,
        Err(error) => {
            findings.push(of_failure("Discord bot token", &context, error));
            return findings;
        }
    };
    findings.push(Finding::ok("Discord bot token", "accepted"));
    if let Err(error) = context.check(&found) {
        findings.push(Finding::of_error(check, &error));
        return findings;
    }
    findings.push(Finding::ok(check, found.id.to_string()));
    if !context.has_commands() {
        let why = "none are deployed: DiscordPublicKey is not set";
        findings.push(Finding::ok("Discord commands", why));
        return findings;
    }
    findings.push(endpoint(&context, &found));
    findings.push(commands(&context, &token).await);
    match guilds(located, &context, &token).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::of_error("Discord guilds", &error)),
    }
    match guild_watches::examine(&located.store(), &context, &token).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::of_error("Discord audit logs", &error)),
    }
    findings
}

async fn client_secret(context: &DiscordContext) -> Finding {
    let check = "Discord client secret";
    match context.secret(CLIENT_SECRET, "the client secret").await {
        Ok(_) => Finding::ok(check, "stored"),
        Err(error) => Finding::of_error(check, &error),
    }
}

fn endpoint(context: &DiscordContext, found: &RegisteredApplication) -> Finding {
    let check = "Discord endpoint";
    match (context.endpoint(), &found.endpoint) {
        (Err(error), _) => Finding::of_error(check, &error),
        (Ok(ours), Some(set)) if set == ours => Finding::ok(check, ours),
        (Ok(ours), Some(set)) => Finding::failed(check, format!("{set}, and not {ours}"), SETUP),
        (Ok(_), None) => Finding::failed(check, "not set, so commands are not answered", SETUP),
    }
}

async fn commands(context: &DiscordContext, token: &SecretText) -> Finding {
    let check = "Discord commands";
    let registered = match context.discord.registered_commands(token).await {
        Ok(registered) => registered,
        Err(error) => return of_failure(check, context, error),
    };
    let changes = CommandChanges::to(&registered);
    if changes.is_empty() {
        return Finding::ok(check, format!("{}, all current", registered.len()));
    }
    let detail = format!("not those of this command's version ({})", changes.shown());
    Finding::failed(check, detail, SETUP)
}

/// Whether the bot is in each guild that is linked.
async fn guilds(
    located: &Connection,
    context: &DiscordContext,
    token: &SecretText,
) -> Result<Vec<Finding>> {
    let store = located.store();
    let mut linked = Vec::new();
    for workspace in store.workspaces().await? {
        let guilds = store.guilds(workspace.guid.prefix()).await?;
        linked.extend(guilds.into_iter().map(|guild| (guild, workspace.guid)));
    }
    if linked.is_empty() {
        return Ok(vec![Finding::warning(
            "Discord guilds",
            "none is linked, so commands work nowhere",
            "`portcullis discord link GUILD --workspace WORKSPACE`",
        )]);
    }
    let rest = linked.len().saturating_sub(GUILDS);
    let asked = stream::iter(linked.into_iter().take(GUILDS));
    let asked = asked.map(|linked| guild(linked, context, token));
    let mut findings: Vec<_> = asked.buffered(AT_ONCE).collect().await;
    if rest > 0 {
        let why = format!("{rest} more are linked than the {GUILDS} that were looked for");
        findings.push(Finding::skipped("Discord guilds", why));
    }
    Ok(findings)
}

async fn guild(
    (guild, workspace): (DiscordId, WorkspaceId),
    context: &DiscordContext,
    token: &SecretText,
) -> Finding {
    let check = format!("Discord guild {guild}");
    match context.discord.guild(token, guild).await {
        Ok(_) => Finding::ok(
            check,
            format!("has the bot, linked to workspace {workspace}"),
        ),
        Err(DiscordError::Refused { .. }) => Finding::failed(
            check,
            format!("the bot is not there; linked to workspace {workspace}"),
            format!(
                "add it with {}, or `portcullis discord unlink {guild} --workspace {workspace}`",
                context.discord.install_link()
            ),
        ),
        Err(error) => of_failure(&check, context, error),
    }
}

fn of_failure(check: &str, context: &DiscordContext, error: DiscordError) -> Finding {
    if is_temporary(&error) {
        return Finding::warning(check, error.to_string(), "try again");
    }
    Finding::of_error(check, &context.explained(error))
}
