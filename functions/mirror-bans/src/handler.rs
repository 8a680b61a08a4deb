//! Entry point: runs on a schedule, or when a universe has pending changes.

use std::sync::Arc;

use lambda_http::Error;
use serde::Deserialize;
use shared::api::App;
use shared::api::invocation::Invocation;
use shared::domain::error::ApiError;
use shared::domain::ids::{UniverseId, WorkspacePrefix};
use shared::integrations::invoker::WorkerInvoker;
use shared::integrations::roblox::Roblox;
use shared::integrations::secrets::SecretStore;

use crate::limits::MessageLimiters;
use crate::stats::MirrorStats;
use crate::universe::Universe;
use crate::{drain, sweep};

/// The payload of an invocation.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum MirrorRequest {
    /// Apply a universe's pending changes.
    Universe {
        /// The workspace's prefix.
        workspace: String,
        /// The universe's id.
        universe: u64,
    },
    /// Wake the mirror for each universe with pending changes.
    Sweep {
        /// Always true.
        #[serde(rename = "sweep")]
        _sweep: bool,
    },
    /// Use each key once: Roblox disables keys that are not used.
    Check {
        /// Always true.
        #[serde(rename = "check")]
        _check: bool,
    },
}

/// What one environment keeps between invocations.
#[derive(Debug)]
pub struct Clients {
    roblox: Roblox,
    secrets: SecretStore,
    invoker: WorkerInvoker,
    messages: MessageLimiters,
}

impl Clients {
    /// Clients with the settings of the environment.
    pub fn from_environment(app: &App) -> Result<Self, Error> {
        Ok(Self {
            roblox: Roblox::from_environment()?,
            secrets: SecretStore::new(app.config()),
            invoker: WorkerInvoker::from_environment(app.config()).for_own_mirror(),
            messages: MessageLimiters::default(),
        })
    }
}

/// Serves one invocation and writes its log line.
pub async fn handle(invocation: Invocation, request: MirrorRequest, clients: &Clients) {
    let stats = Arc::new(MirrorStats::default());
    let outcome = match request {
        MirrorRequest::Sweep { .. } => sweep::sweep(&invocation, &clients.invoker).await,
        MirrorRequest::Check { .. } => {
            sweep::check_keys(&invocation, &clients.roblox, &clients.secrets, &stats).await
        }
        MirrorRequest::Universe {
            workspace,
            universe,
        } => match parse(&workspace, universe) {
            Err(error) => Err(error),
            Ok((prefix, id)) => {
                let universe = Universe {
                    prefix,
                    id,
                    store: invocation.store.clone(),
                    ends: invocation.ends,
                    roblox: clients.roblox.clone(),
                    secrets: clients.secrets.clone(),
                    limits: crate::limits::roblox_limits(),
                    messages: clients.messages.of(prefix, id),
                    places: std::sync::Mutex::default(),
                    starts: crate::limits::RateLimiter::default(),
                    breaker: std::sync::Mutex::default(),
                    stats: Arc::clone(&stats),
                };
                drain::run(Arc::new(universe), &clients.invoker).await
            }
        },
    };
    let error = outcome.err().or_else(|| stats.take_error());
    invocation.end_run(&stats.run(), error.as_ref());
}

fn parse(workspace: &str, universe: u64) -> Result<(WorkspacePrefix, UniverseId), ApiError> {
    let invalid = || ApiError::Internal("the payload names no universe".to_owned());
    let prefix = workspace.parse().map_err(|_| invalid())?;
    Ok((prefix, UniverseId::new(universe).ok_or_else(invalid)?))
}
