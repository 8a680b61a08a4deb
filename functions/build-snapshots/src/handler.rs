//! One invocation: the snapshot of a workspace, or the look for those that are due.

use futures::future::join_all;
use lambda_http::Error;
use serde::Deserialize;
use shared::api::App;
use shared::api::invocation::{Invocation, LEASE};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::integrations::failure_queue::FailureQueue;
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::store::{BuildOutcome, DueSnapshot, SnapshotBucket, SnapshotBuilder};
use shared::telemetry::Run;

/// For how many seconds a snapshot may be overdue before the run counts as failed.
const OVERDUE: u64 = 900;

/// The payload of an invocation.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum BuildRequest {
    /// Build a workspace's snapshot.
    Workspace {
        /// The workspace's prefix.
        workspace: String,
    },
    /// Invoke this function for each snapshot that is due.
    Sweep {
        /// Always true.
        #[serde(rename = "sweep")]
        _sweep: bool,
    },
}

/// What one environment keeps between invocations.
#[derive(Debug)]
pub struct BuildClients {
    bucket: SnapshotBucket,
    failures: FailureQueue,
    invoker: WorkerInvoker,
}

impl BuildClients {
    /// The clients with the settings of the environment.
    pub fn from_environment(app: &App) -> Result<Self, Error> {
        Ok(Self {
            bucket: SnapshotBucket::for_building(app.config())?,
            failures: FailureQueue::from_environment(app.config())?,
            invoker: WorkerInvoker::from_environment(app.config()).for_own_snapshots(),
        })
    }
}

/// Serves one invocation and writes its log line.
pub async fn handle(invocation: Invocation, request: BuildRequest, clients: &BuildClients) {
    let mut run = Run::default();
    let outcome = match request {
        BuildRequest::Sweep { .. } => sweep(&invocation, clients, &mut run).await,
        BuildRequest::Workspace { workspace } => {
            build(&invocation, &workspace, clients, &mut run).await
        }
    };
    invocation.end_run(&run, outcome.err().as_ref());
}

async fn build(
    invocation: &Invocation,
    workspace: &str,
    clients: &BuildClients,
    run: &mut Run,
) -> Result<(), ApiError> {
    let invalid = |_| ApiError::Internal("the payload names no workspace".to_owned());
    let builder = SnapshotBuilder {
        store: &invocation.store,
        bucket: &clients.bucket,
        failures: &clients.failures,
        prefix: workspace.parse().map_err(invalid)?,
    };
    if let BuildOutcome::Built { header, is_full } = builder.build(LEASE).await? {
        run.snapshots_built = 1;
        run.snapshots_built_in_full = u32::from(is_full);
        run.snapshot_users = Some(header.count);
    }
    Ok(())
}

/// Each workspace has its own invocation, so that a large one delays no other.
async fn sweep(
    invocation: &Invocation,
    clients: &BuildClients,
    run: &mut Run,
) -> Result<(), ApiError> {
    let now = UnixMillis::now().seconds();
    let due = invocation.store.due_snapshots(now).await?;
    let waking = due.iter().map(|due: &DueSnapshot| {
        let workspace = due.workspace;
        let job = Job::Snapshot { workspace };
        async move { clients.invoker.invoke(&job).await }
    });
    let failed = join_all(waking).await.into_iter().find_map(Result::err);
    let lag = due
        .iter()
        .map(|due| now.0.saturating_sub(due.since.0))
        .max();
    run.snapshot_lag_seconds = lag;
    match failed {
        Some(error) => Err(error),
        None if lag.is_some_and(|lag| lag > OVERDUE) => Err(ApiError::Unavailable(
            "a snapshot is overdue: see the runs before for its error".to_owned(),
        )),
        None => Ok(()),
    }
}
