//! The stored state of a restore: what it has stopped, with the settings from before.

use std::time::Duration;

use anyhow::{Result, bail};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{DisplayErrorContext, SdkError};
use serde::{Deserialize, Serialize};
use shared::domain::clock::UnixSeconds;

use super::writers::WriterFunctions;
use crate::connection::Connection;

/// How long the stream's mappings retry a record, in seconds: 12 hours (`template.yaml`).
pub const STREAM_RETENTION: u64 = 43_200;

/// The polling interval for the state of a mapping.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const MAX_POLLS: u32 = 180;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestorePhase {
    /// The functions are stopping or stopped, and the table is being restored.
    Restoring,
    /// Everything is restored, and the functions are starting again.
    Starting,
}

/// The state of a restore, stored until its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestoreState {
    /// The actor of its decisions.
    pub name: String,
    /// The name of the copied table.
    pub copy: String,
    pub began: UnixSeconds,
    /// When everything was stopped.
    pub stopped: Option<UnixSeconds>,
    pub phase: RestorePhase,
    /// Whether the absent users were listed after everything was stopped, so that no user was erased since.
    #[serde(default)]
    pub listed: bool,
    /// The longest timeout of the functions, in seconds.
    pub longest: u64,
    pub functions: Vec<StoppedFunction>,
    pub mappings: Vec<StoppedMapping>,
}

/// A function and its reserved concurrency from before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoppedFunction {
    name: String,
    reserved: Option<i32>,
}

/// An event source mapping and whether it was enabled before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoppedMapping {
    id: String,
    was_enabled: bool,
}

/// The current settings of the functions.
pub async fn functions(
    connection: &Connection,
    writers: &WriterFunctions,
) -> Result<Vec<StoppedFunction>> {
    let client = Client::new(&connection.sdk);
    let mut functions = Vec::new();
    for name in writers.names() {
        let asked = client.get_function_concurrency().function_name(&name);
        let answer = asked.send().await.or_else(|error| refused(&name, &error))?;
        functions.push(StoppedFunction {
            name,
            reserved: answer.reserved_concurrent_executions(),
        });
    }
    Ok(functions)
}

/// The current settings of the mappings.
pub async fn mappings(
    connection: &Connection,
    writers: &WriterFunctions,
) -> Result<Vec<StoppedMapping>> {
    let client = Client::new(&connection.sdk);
    let mut mappings = Vec::new();
    for id in &writers.mappings {
        let state = state(&client, id).await?;
        mappings.push(StoppedMapping {
            id: id.clone(),
            was_enabled: !matches!(state.as_str(), "Disabled" | "Disabling"),
        });
    }
    Ok(mappings)
}

impl RestoreState {
    /// Stops the mappings and the functions. A stopped mapping keeps its position in the stream.
    pub async fn stop(&self, connection: &Connection) -> Result<()> {
        let client = Client::new(&connection.sdk);
        for mapping in &self.mappings {
            enable(&client, &mapping.id, false).await?;
        }
        for StoppedFunction { name, .. } in &self.functions {
            reserve(&client, name, Some(0)).await?;
        }
        for mapping in &self.mappings {
            wait_for(&client, &mapping.id, "Disabled").await?;
        }
        Ok(())
    }

    /// Restores the settings from before.
    pub async fn start(&self, connection: &Connection) -> Result<()> {
        let client = Client::new(&connection.sdk);
        for StoppedFunction { name, reserved } in &self.functions {
            reserve(&client, name, *reserved).await?;
        }
        for mapping in self.mappings.iter().filter(|mapping| mapping.was_enabled) {
            enable(&client, &mapping.id, true).await?;
        }
        Ok(())
    }
}

async fn reserve(client: &Client, function: &str, reserved: Option<i32>) -> Result<()> {
    if let Some(reserved) = reserved {
        let put = client.put_function_concurrency().function_name(function);
        let put = put.reserved_concurrent_executions(reserved).send().await;
        put.map(drop).or_else(|error| refused(function, &error))
    } else {
        let delete = client.delete_function_concurrency();
        let delete = delete.function_name(function).send().await;
        delete.map(drop).or_else(|error| refused(function, &error))
    }
}

/// Enables or disables a mapping. A mapping that is still changing accepts no change, so this waits.
async fn enable(client: &Client, mapping: &str, enabled: bool) -> Result<()> {
    let wanted = if enabled { "Enabled" } else { "Disabled" };
    for _ in 0..MAX_POLLS {
        let state = state(client, mapping).await?;
        if state == wanted {
            return Ok(());
        }
        if matches!(state.as_str(), "Enabled" | "Disabled") {
            let update = client.update_event_source_mapping().uuid(mapping);
            let update = update.enabled(enabled).send().await;
            return update.map(drop).or_else(|error| refused(mapping, &error));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    bail!("the event source mapping {mapping} did not become {wanted}: run this again")
}

async fn wait_for(client: &Client, mapping: &str, wanted: &str) -> Result<()> {
    for _ in 0..MAX_POLLS {
        if state(client, mapping).await? == wanted {
            return Ok(());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    bail!("the event source mapping {mapping} did not become {wanted}: run this again")
}

async fn state(client: &Client, mapping: &str) -> Result<String> {
    let asked = client.get_event_source_mapping().uuid(mapping).send().await;
    let answer = asked.or_else(|error| refused(mapping, &error))?;
    Ok(answer.state().unwrap_or_default().to_owned())
}

/// Fails with what Lambda refused and what to do.
fn refused<T, E>(what: &str, error: &SdkError<E>) -> Result<T>
where
    E: std::error::Error + 'static,
    SdkError<E>: aws_sdk_lambda::error::ProvideErrorMetadata + std::error::Error,
{
    use aws_sdk_lambda::error::ProvideErrorMetadata;
    let code = error.code().unwrap_or("no answer");
    let detail = DisplayErrorContext(error).to_string();
    let is_denied = detail.contains("AccessDenied");
    let remedy = if is_denied {
        "grant your credentials what `portcullis iam-policy` prints, and run this again"
    } else {
        "run this again to continue, or with --cancel to start the functions again"
    };
    bail!("Lambda refused to change {what} ({code}): {remedy}")
}
