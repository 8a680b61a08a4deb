//! Waking the functions that reach out. What there is to do stands in the tables; a wake only says
//! where to look, so one that is lost costs the time until the next schedule, and one too many
//! nothing.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::json;

use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// At what is to be delivered to an endpoint.
    Deliver {
        /// Whose.
        workspace: WorkspacePrefix,
        /// The endpoint's id.
        endpoint: String,
    },
    /// At what a universe's experiences owe.
    Mirror {
        /// Whose.
        workspace: WorkspacePrefix,
        /// The universe's id.
        universe: u64,
    },
}

/// Calls functions without waiting for them.
#[derive(Clone, Debug)]
pub struct WorkerInvoker {
    client: Client,
    deliver: Option<String>,
    mirror: Option<String>,
}

impl WorkerInvoker {
    /// One that knows the functions that the environment names.
    #[must_use]
    pub fn from_environment(config: &SdkConfig) -> Self {
        let name = |variable| std::env::var(variable).ok();
        Self {
            client: Client::new(config),
            deliver: name("DELIVER_FUNCTION"),
            mirror: name("ENFORCE_FUNCTION"),
        }
    }

    /// The same in the function that mirrors to Roblox, which sends itself on as well.
    #[must_use]
    pub fn for_own_mirror(self) -> Self {
        let own = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
        Self {
            mirror: self.mirror.or(own),
            ..self
        }
    }

    /// The same in the function that delivers: it sends itself on. Its own name is told by Lambda, since
    /// a template cannot name a function in its own environment.
    #[must_use]
    pub fn for_own_deliveries(self) -> Self {
        let own = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
        Self {
            deliver: self.deliver.or(own),
            ..self
        }
    }

    /// Sends somebody on a job.
    pub async fn invoke(&self, job: &Job) -> Result<(), ApiError> {
        let (function, event) = match job {
            Job::Deliver {
                workspace,
                endpoint,
            } => (
                &self.deliver,
                json!({ "workspace": workspace.to_string(), "endpoint": endpoint }),
            ),
            Job::Mirror {
                workspace,
                universe,
            } => (
                &self.mirror,
                json!({ "workspace": workspace.to_string(), "universe": universe }),
            ),
        };
        let Some(function) = function else {
            let detail = format!("the environment names no function for {job:?}");
            return Err(ApiError::Internal(detail));
        };
        let call = self
            .client
            .invoke()
            .function_name(function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(event.to_string()));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(crate::integrations::aws::failure("AWS Lambda", &error)),
        }
    }
}
