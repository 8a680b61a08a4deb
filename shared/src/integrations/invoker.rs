//! Invokes the workers that call other services. The tables hold the work; an invocation only shows
//! where to look, so a lost one costs the time until the next schedule, and a superfluous one
//! nothing.

use std::fmt;

use aws_config::SdkConfig;
use serde::Deserialize;
use serde_json::json;

use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::integrations::aws::failure;
use crate::integrations::lambda::LambdaClient;

/// Where to look for work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// Deliveries to an endpoint.
    Deliver {
        workspace: WorkspacePrefix,
        endpoint: String,
    },
    /// Build the snapshot of a workspace.
    Snapshot { workspace: WorkspacePrefix },
    /// Apply the pending changes of a universe.
    Mirror {
        workspace: WorkspacePrefix,
        universe: u64,
    },
    /// Answer an interaction on Discord. Unlike the others, the invocation itself is the work.
    Discord(DeferredInteraction),
    /// Store the key that the form of an interaction contains. The same applies.
    BindKey(DeferredInteraction),
}

/// An interaction as Discord has signed it. Its token is a secret, and a form may contain a key, so `Debug` shows
/// nothing of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(transparent)]
pub struct DeferredInteraction(String);

impl DeferredInteraction {
    #[must_use]
    pub const fn new(body: String) -> Self {
        Self(body)
    }

    #[must_use]
    pub const fn body(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for DeferredInteraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeferredInteraction")
    }
}

/// Invokes functions asynchronously.
#[derive(Clone, Debug)]
pub struct WorkerInvoker {
    client: LambdaClient,
    bind_key: Option<String>,
    deliver: Option<String>,
    discord: Option<String>,
    mirror: Option<String>,
    snapshot: Option<String>,
}

impl WorkerInvoker {
    /// Knows the functions named in the environment.
    #[must_use]
    pub fn from_environment(config: &SdkConfig) -> Self {
        let name = |variable| std::env::var(variable).ok();
        Self {
            client: LambdaClient::new(config),
            bind_key: name("BIND_KEY_FUNCTION"),
            deliver: name("DELIVER_FUNCTION"),
            discord: name("DISCORD_FUNCTION"),
            mirror: name("MIRROR_FUNCTION"),
            snapshot: name("SNAPSHOT_FUNCTION"),
        }
    }

    /// The same in the mirror, which also invokes itself.
    #[must_use]
    pub fn for_own_mirror(self) -> Self {
        let own = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
        Self {
            mirror: self.mirror.or(own),
            ..self
        }
    }

    /// The same in the function that builds snapshots, which also invokes itself.
    #[must_use]
    pub fn for_own_snapshots(self) -> Self {
        let own = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
        Self {
            snapshot: self.snapshot.or(own),
            ..self
        }
    }

    /// The same in the function that delivers, which also invokes itself. Lambda provides its name,
    /// because a template cannot refer to a function in the function's own environment.
    #[must_use]
    pub fn for_own_deliveries(self) -> Self {
        let own = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
        Self {
            deliver: self.deliver.or(own),
            ..self
        }
    }

    /// Invokes the worker for a job.
    pub async fn invoke(&self, job: &Job) -> Result<(), ApiError> {
        let (function, event) = match job {
            Job::Deliver {
                workspace,
                endpoint,
            } => (
                &self.deliver,
                json!({ "workspace": workspace.to_string(), "endpoint": endpoint }),
            ),
            Job::Snapshot { workspace } => (
                &self.snapshot,
                json!({ "workspace": workspace.to_string() }),
            ),
            Job::Mirror {
                workspace,
                universe,
            } => (
                &self.mirror,
                json!({ "workspace": workspace.to_string(), "universe": universe }),
            ),
            Job::Discord(DeferredInteraction(body)) => {
                (&self.discord, json!({ "interaction": body }))
            }
            Job::BindKey(DeferredInteraction(body)) => {
                (&self.bind_key, json!({ "interaction": body }))
            }
        };
        let Some(function) = function else {
            let detail = format!("the environment has no function for {job:?}");
            return Err(ApiError::Internal(detail));
        };
        let sent = self.client.send_event(function, event).await;
        sent.map_err(|error| failure("AWS Lambda", &error))
    }
}
