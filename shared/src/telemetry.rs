//! One log event per request or batch: a line of JSON on standard output, from which CloudWatch also
//! extracts metrics.
//!
//! It identifies the request, the workspace and the key by their ids. It never contains a key, a
//! reason or a body. `docs/operations.md` describes each field.

mod line;
mod metrics;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use lambda_http::request::RequestContext;
use lambda_http::{Context, Request, RequestExt};

use self::line::{Kind, Line};
use self::metrics::{EmittedMetrics, Measured};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::evidence::{FileKey, ScanResult};
use crate::domain::ids::{ExperienceId, WorkspaceId};
use crate::domain::lock::lock;
use crate::store::Consumed;

/// An environment of a function: its stack, and how long it took to start.
#[derive(Debug)]
pub struct Environment {
    stack: Arc<str>,
    level: EmittedMetrics,
    started_within: Duration,
    is_new: AtomicBool,
}

impl Environment {
    /// An environment that started at this time and is now ready for its first request.
    #[must_use]
    pub fn ready(begun: Instant) -> Self {
        let stack = std::env::var("STACK_NAME").unwrap_or_else(|_| "portcullis".to_owned());
        Self {
            stack: stack.into(),
            level: EmittedMetrics::of_environment(),
            started_within: begun.elapsed(),
            is_new: AtomicBool::new(true),
        }
    }

    /// How long the start took, for the first request alone.
    fn take_start(&self) -> Option<Duration> {
        let is_new = self.is_new.swap(false, Ordering::Relaxed);
        is_new.then_some(self.started_within)
    }
}

/// What is known about a request or batch in progress.
#[derive(Debug)]
pub struct RequestLog {
    stack: Arc<str>,
    level: EmittedMetrics,
    route: &'static str,
    method: Option<String>,
    request_id: String,
    start: Option<Duration>,
    started: Instant,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    page: Option<&'static str>,
    discord: Option<String>,
    roblox: Option<String>,
    caller: Option<(WorkspaceId, String)>,
    pending: Option<(ExperienceId, u64)>,
}

/// The results of a batch of stream records.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub records: usize,
    /// How many distinct steps were run.
    pub steps: usize,
    /// The age in seconds of the oldest Global decision that was now propagated.
    pub lag: Option<u64>,
}

/// The results of a run in the background: a schedule's, or a job's. `docs/operations.md` describes the
/// fields; counts of 0 are not written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    // expire-bans
    pub bans_expired: u32,
    /// Pieces of evidence that were removed, or of which something remained.
    pub evidence_removed: u32,
    // watch-guilds; fields of the line, and no metrics
    pub guilds_read: u32,
    /// Those whose audit log could not be read.
    pub guilds_failed: u32,
    pub guild_bans_recorded: u32,
    /// What rules of guilds did, and left out.
    pub guild_rules_followed: u32,
    pub guild_rules_skipped: u32,
    // quarantine-evidence
    pub scan: Option<Scan>,
    pub evidence_quarantined: u32,
    pub evidence_unscanned: u32,
    // publish-events
    pub events_logged: u32,
    pub event_lag_seconds: Option<u64>,
    // deliver-webhooks
    pub deliveries_made: u32,
    pub attempts_failed: u32,
    pub deliveries_failed: u32,
    pub endpoints_paused: u32,
    pub delivery_lag_seconds: Option<u64>,
    // mirror-bans
    pub restrictions_set: u32,
    pub restrictions_lifted: u32,
    pub kicks_published: u32,
    pub kicks_skipped: u32,
    pub users_backed_off: u32,
    pub roblox_failures: u32,
    pub mirrors_stopped: u32,
    pub mirror_lag_seconds: Option<u64>,
    // sync-roles
    pub roles: SyncedRoles,
    // build-snapshots
    pub snapshots_built: u32,
    /// Those of them for which all bans were read.
    pub snapshots_built_in_full: u32,
    /// How many users the snapshot lists; a field of the line, and no metric.
    pub snapshot_users: Option<u64>,
    pub snapshot_lag_seconds: Option<u64>,
}

/// What a run of `sync-roles` did; fields of the line, and no metrics.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncedRoles {
    /// The linked people whose roles were compared with the rules.
    pub people_visited: u32,
    pub given: u32,
    pub taken: u32,
    /// Changes that Discord did not let the bot make.
    pub refused: u32,
    /// How often a person was not visited, or not to the end, because their guild failed.
    pub guilds_failed: u32,
}

impl SyncedRoles {
    const fn fields(self) -> [(&'static str, u32); 5] {
        [
            ("peopleVisited", self.people_visited),
            ("rolesGiven", self.given),
            ("rolesTaken", self.taken),
            ("rolesRefused", self.refused),
            ("guildsFailed", self.guilds_failed),
        ]
    }
}

/// What a malware scan reported.
#[derive(Clone, Copy, Debug)]
pub enum Scan {
    Reported(FileKey, ScanResult),
    /// The report was not about a file of evidence.
    Ignored,
}

impl Run {
    /// Whether an operator should look at what the run found.
    const fn is_notable(&self) -> bool {
        self.evidence_quarantined > 0 || self.evidence_unscanned > 0
    }
}

impl RequestLog {
    /// Starts with a request, under the gateway's id.
    #[must_use]
    pub fn begin(route: &'static str, request: &Request, environment: &Environment) -> Self {
        let gateway_id = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
            _ => None,
        };
        let lambda_id = || Some(request.lambda_context_ref()?.request_id.clone());
        let id = gateway_id.or_else(lambda_id).unwrap_or_default();
        let method = Some(request.method().to_string());
        Self::new(route, method, id, environment)
    }

    /// Starts with a batch or a run, under Lambda's id of the invocation.
    #[must_use]
    pub fn begin_batch(route: &'static str, call: &Context, environment: &Environment) -> Self {
        Self::new(route, None, call.request_id.clone(), environment)
    }

    fn new(
        route: &'static str,
        method: Option<String>,
        request_id: String,
        environment: &Environment,
    ) -> Self {
        Self {
            stack: Arc::clone(&environment.stack),
            level: environment.level,
            route,
            method,
            request_id,
            start: environment.take_start(),
            started: Instant::now(),
            notes: Mutex::default(),
        }
    }

    /// The id under which the request is logged and answered.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Records the caller.
    pub fn identify(&self, workspace: WorkspaceId, key_id: &str) {
        self.notes().caller = Some((workspace, key_id.to_owned()));
    }

    /// Records which page is requested, as a path with `{id}` in place of what a person chose.
    pub fn note_page(&self, page: &'static str) {
        self.notes().page = Some(page);
    }

    /// Records why Discord did not answer a question, which need not fail the request.
    pub fn note_discord(&self, failure: &str) {
        self.notes().discord = Some(failure.to_owned());
    }

    /// The same of Roblox, in its kind alone: its texts may repeat what was sent.
    pub fn note_roblox(&self, kind: &str) {
        self.notes().roblox = Some(kind.to_owned());
    }

    /// Records for how many seconds an experience has not applied the oldest pending item, if there
    /// is one.
    pub fn note_pending(&self, experience: ExperienceId, seconds: Option<u64>) {
        self.notes().pending = seconds.map(|seconds| (experience, seconds));
    }

    /// Writes the event of a request.
    pub fn end(&self, status: u16, error: Option<&ApiError>, consumed: Consumed) {
        let method = self.method.as_deref().unwrap_or_default();
        self.write(Kind::Request { method, status }, error, consumed);
    }

    /// Writes the event of a batch, with the error that stopped it.
    pub fn end_batch(&self, batch: Batch, error: Option<&ApiError>, consumed: Consumed) {
        self.write(Kind::Batch(batch), error, consumed);
    }

    /// Writes the event of a run, with the error that stopped it.
    pub fn end_run(&self, run: &Run, error: Option<&ApiError>, consumed: Consumed) {
        self.write(Kind::Run(run), error, consumed);
    }

    fn write(&self, kind: Kind<'_>, error: Option<&ApiError>, consumed: Consumed) {
        let duration = self.started.elapsed();
        let own = duration.saturating_sub(consumed.waited);
        let Notes {
            page,
            discord,
            roblox,
            caller,
            pending,
        } = std::mem::take(&mut *self.notes());
        let (experience, pending_age) = pending.unzip();
        let measured = Measured {
            duration,
            own,
            start: self.start,
            consumed: &consumed,
            pending_age,
            spread_lag: match &kind {
                Kind::Batch(batch) => batch.lag,
                Kind::Request { .. } | Kind::Run(_) => None,
            },
            run: match &kind {
                Kind::Run(run) => **run,
                Kind::Request { .. } | Kind::Batch(_) => Run::default(),
            },
            in_background: !matches!(kind, Kind::Request { .. }),
            error,
        };
        let (workspace, key_id) = caller.unzip();
        let line = Line {
            now: UnixMillis::now(),
            stack: &self.stack,
            request_id: &self.request_id,
            route: self.route,
            page,
            discord: discord.as_deref(),
            roblox: roblox.as_deref(),
            kind,
            workspace: workspace.map(|id| id.to_string()),
            key_id: key_id.as_deref(),
            experience: experience.map(ExperienceId::get),
            measured: &measured,
            level: self.level,
        };
        line.write();
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        lock(&self.notes)
    }
}

/// Milliseconds with three decimal places.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
