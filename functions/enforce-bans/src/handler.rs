//! One call: a schedule's, or that of somebody who saw that a universe owes something.

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

use crate::pace::{MessagePaces, pacing};
use crate::tally::Tally;
use crate::universe::Universe;
use crate::{drain, sweep};

/// What is to be done.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// What a universe's experiences owe is carried over.
    Universe {
        /// Whose.
        workspace: String,
        /// Which.
        universe: u64,
    },
    /// Every universe that owes something is seen to.
    Sweep {
        /// Always true.
        #[serde(rename = "sweep")]
        _sweep: bool,
    },
    /// Every key is used once, so that it does not die unnoticed.
    Check {
        /// Always true.
        #[serde(rename = "check")]
        _check: bool,
    },
}

/// What an environment has: connections, and how fast messages went.
#[derive(Debug)]
pub struct Mirror {
    roblox: Roblox,
    secrets: SecretStore,
    invoker: WorkerInvoker,
    messages: MessagePaces,
}

impl Mirror {
    /// Connects.
    pub fn from_environment(app: &App) -> Result<Self, Error> {
        Ok(Self {
            roblox: Roblox::from_environment()?,
            secrets: SecretStore::new(app.config()),
            invoker: WorkerInvoker::from_environment(app.config()).for_own_mirror(),
            messages: MessagePaces::default(),
        })
    }
}

/// Does it, and writes one line about it.
pub async fn handle(invocation: Invocation, event: Event, mirror: &Mirror) {
    let tally = Arc::new(Tally::default());
    let outcome = match event {
        Event::Sweep { .. } => sweep::sweep(&invocation, &mirror.invoker).await,
        Event::Check { .. } => {
            sweep::check(&invocation, &mirror.roblox, &mirror.secrets, &tally).await
        }
        Event::Universe {
            workspace,
            universe,
        } => match named(&workspace, universe) {
            Err(error) => Err(error),
            Ok((prefix, universe)) => {
                let universe = Universe {
                    prefix,
                    id: universe,
                    store: invocation.store.clone(),
                    ends: invocation.ends,
                    roblox: mirror.roblox.clone(),
                    secrets: mirror.secrets.clone(),
                    pacing: pacing(),
                    messages: mirror.messages.of(prefix, universe),
                    places: std::sync::Mutex::default(),
                    pace: crate::pace::Starts::default(),
                    trouble: crate::pace::Trouble::default(),
                    tally: Arc::clone(&tally),
                };
                drain::run(Arc::new(universe), &mirror.invoker).await
            }
        },
    };
    let error = outcome.err().or_else(|| tally.error());
    invocation.end_run(&tally.run(), error.as_ref());
}

fn named(workspace: &str, universe: u64) -> Result<(WorkspacePrefix, UniverseId), ApiError> {
    let refused = || ApiError::Internal("a job to no universe".to_owned());
    let prefix = workspace.parse().map_err(|_| refused())?;
    Ok((prefix, UniverseId::new(universe).ok_or_else(refused)?))
}
