//! `portcullis doctor`: checks an installation, and prints a remedy for each problem.

mod api;
mod buckets;
mod discord;
mod finding;
mod groups;
mod guild_watches;
mod keys;
mod linking;
mod mirrors;
mod places;
mod restore;
mod stream;
mod tables;
mod versions;
mod webhooks;
mod workspaces;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::connection::{self, ConnectionArgs};
use crate::output::Output;
use crate::terminal;
use finding::Finding;

const EXAMPLES: &str = "\
Examples:
  portcullis --stack portcullis doctor
  PORTCULLIS_KEY=sentinelAPI.… portcullis --stack portcullis doctor
  portcullis --endpoint http://127.0.0.1:8000 doctor --url http://127.0.0.1:9000/api/v1

Exit status: 1 if a check failed; warnings alone do not change it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// The API's URL, which ends in /api/v1 [default: the stack's output `ApiUrl`]. With an API key in the
    /// variable `PORTCULLIS_KEY`, doctor also makes a ban check.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// The variable with the API key. Other users of the machine could read an argument.
const KEY: &str = "PORTCULLIS_KEY";

pub async fn run(
    args: &DoctorArgs,
    connection: &ConnectionArgs,
    output: Output,
) -> Result<ExitCode> {
    let findings = examine(args, connection).await;
    output.list(&findings, "nothing was checked")?;
    let failed = findings.iter().filter(|found| found.is_failed()).count();
    if failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    terminal::error(&format!("{failed} of {} checks failed", findings.len()));
    Ok(ExitCode::FAILURE)
}

async fn examine(args: &DoctorArgs, connection: &ConnectionArgs) -> Vec<Finding> {
    let mut findings = Vec::new();
    let key = std::env::var(KEY).ok().filter(|key| !key.is_empty());
    let sdk = connection.sdk().await;
    let located = match connection::credentials(&sdk).await {
        Err(error) => {
            findings.push(Finding::of_error("credentials", &error));
            None
        }
        Ok(access_key) => {
            let region = sdk.region().map(ToString::to_string).unwrap_or_default();
            let detail = format!("access key {access_key}, region {region}");
            findings.push(Finding::ok("credentials", detail));
            match connection.locate(sdk).await {
                Ok(located) => Some(located),
                Err(error) => {
                    findings.push(Finding::of_error("stack", &error));
                    None
                }
            }
        }
    };
    let mut url = args.url.clone();
    let mut deployed = None;
    if let Some(located) = &located {
        if let Some(stack) = &located.stack {
            deployed = stack.version().map(str::to_owned);
            findings.push(versions::of_stack(stack.version()));
            match stack.output("ApiUrl") {
                Ok(address) => url = url.or(Some(address.to_owned())),
                Err(error) => findings.push(Finding::of_error("stack", &error)),
            }
        }
        if let Some(local) = located.local_stack().await {
            url = url.or(Some(local.api));
        }
        let is_local = connection.is_local();
        findings.extend(tables::examine(located, is_local).await);
        findings.extend(buckets::examine(located).await);
        findings.extend(restore::examine(&located.store()).await);
        findings.extend(stream::examine(located).await);
        findings.push(workspaces::examine(&located.store()).await);
        findings.extend(keys::examine(&located.store(), key.as_deref()).await);
        findings.extend(linking::examine(&located.store()).await);
        findings.extend(webhooks::examine(&located.store()).await);
        findings.extend(mirrors::examine(located).await);
        findings.extend(places::examine(located).await);
        findings.extend(groups::examine(located).await);
        findings.extend(discord::examine(located).await);
    }
    match url {
        Some(url) => {
            let asked = tokio::task::spawn_blocking(move || {
                api::examine(&url, deployed.as_deref(), key.as_deref())
            });
            match asked.await {
                Ok(answered) => findings.extend(answered),
                Err(error) => findings.push(Finding::failed("API", error.to_string(), "try again")),
            }
        }
        None => findings.push(Finding::skipped(
            "API",
            "its URL is unknown: use --url or --stack",
        )),
    }
    findings
}
