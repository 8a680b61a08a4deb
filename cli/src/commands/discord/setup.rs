//! `portcullis discord setup`.

use std::time::Duration;

use anyhow::{Result, anyhow};
use serde::Serialize;
use shared::domain::members::DiscordId;
use shared::integrations::discord::DiscordError;

use super::{CommandChanges, DiscordContext};
use crate::arguments::SafetyArgs;
use crate::confirm::confirm;
use crate::output::{Output, Printable, word};

/// The time for a call: during one of them, Discord waits for our endpoint twice, for up to 3 s each.
pub const TIME_LIMIT: Duration = Duration::from_secs(15);

/// How often a call is made that comes too early.
const TRIES: u32 = 3;

/// The longest time to wait for Discord's rate limit.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum SetupState {
    Unchanged,
    Changed,
    /// It differs, and --dry-run is given.
    Pending,
}

impl SetupState {
    const fn of(is_different: bool, dry_run: bool) -> Self {
        match (is_different, dry_run) {
            (false, _) => Self::Unchanged,
            (true, false) => Self::Changed,
            (true, true) => Self::Pending,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SetupSummary {
    application_id: DiscordId,
    name: String,
    commands: SetupState,
    #[serde(flatten)]
    changes: CommandChanges,
    endpoint: SetupState,
    endpoint_url: String,
    install_link: String,
}

impl Printable for SetupSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut commands = word(self.commands);
        if self.commands != SetupState::Unchanged {
            commands = format!("{commands}: {}", self.changes.shown());
        }
        vec![
            ("application", self.application_id.to_string()),
            ("name", self.name.clone()),
            ("commands", commands),
            ("endpoint", word(self.endpoint)),
            ("endpoint URL", self.endpoint_url.clone()),
            ("install link", self.install_link.clone()),
        ]
    }
}

pub async fn run(safety: SafetyArgs, context: &DiscordContext, output: Output) -> Result<()> {
    let (token, discord) = (context.token().await?, &context.discord);
    let explained = |error| context.explained(error);
    let found = patiently(async || discord.registered_application(&token).await).await;
    let found = found.map_err(explained)?;
    context.check(&found)?;
    context.require_commands(&found)?;
    let url = context.endpoint()?;
    let registered = patiently(async || discord.registered_commands(&token).await).await;
    let changes = CommandChanges::to(&registered.map_err(explained)?);
    let has_other_endpoint = found.endpoint.as_deref() != Some(url);
    let is_different = has_other_endpoint || !changes.is_empty();
    if has_other_endpoint && let Some(other) = &found.endpoint {
        warning!("Discord sends interactions to {other} now, and then to {url} alone");
    }
    if !changes.removed.is_empty() {
        warning!(
            "what servers have set under Integrations for these commands is lost with them: {}",
            changes.removed.join(", ")
        );
    }
    if !is_different {
        note!("nothing to change");
    } else if !safety.dry_run {
        let mut plan = Vec::new();
        if !changes.is_empty() {
            plan.push(format!("register commands ({})", changes.shown()));
        }
        if has_other_endpoint {
            plan.push(format!("set the endpoint URL to {url}"));
        }
        let question = format!("{} of {}?", sentence(&plan.join(" and ")), found.name);
        confirm(&question, safety.yes)?;
        if !changes.is_empty() {
            let registering = patiently(async || discord.register_commands(&token).await);
            registering.await.map_err(explained)?;
        }
        if has_other_endpoint {
            let setting = patiently(async || discord.set_endpoint(&token, url).await);
            setting
                .await
                .map_err(|error| refused(context, url, error))?;
        }
    }
    output.one(&SetupSummary {
        application_id: found.id,
        name: found.name,
        commands: SetupState::of(!changes.is_empty(), safety.dry_run),
        changes,
        endpoint: SetupState::of(has_other_endpoint, safety.dry_run),
        endpoint_url: url.to_owned(),
        install_link: discord.install_link().to_string(),
    })
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Discord has tried the endpoint with a right and a wrong signature.
fn refused(context: &DiscordContext, url: &str, error: DiscordError) -> anyhow::Error {
    match error {
        DiscordError::InvalidForm(said) => anyhow!(
            "Discord does not accept the endpoint URL {url} ({said}): check that it is reached over https from \
             the Internet, that the last deployment is complete (`portcullis doctor`), and what the log of \
             discord-interactions says; then run this again"
        ),
        other => context.explained(other),
    }
}

/// Makes a call, and again when Discord wants it a little later.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, DiscordError>) -> Result<T, DiscordError> {
    for _ in 1..TRIES {
        let error = match call().await {
            Err(error @ DiscordError::RateLimited { .. }) => error,
            other => return other,
        };
        let wait = error.pause().unwrap_or(Duration::from_secs(1));
        if wait > LONGEST_WAIT {
            return Err(error);
        }
        note!(
            "Discord's rate limit: waiting for {:.1} s",
            wait.as_secs_f64()
        );
        tokio::time::sleep(wait).await;
    }
    call().await
}
