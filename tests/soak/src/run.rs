//! Runs a plan, from the first process to the last response.

use std::collections::BTreeMap;

use end_to_end::{TestApp, Workspace};
use local_stack::fault_proxy::Fault;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::ExperienceId;
use shared::store::ErasureMode;

use crate::bucket;
use crate::chaos::{self, ChaoticStream};
use crate::clients::{self, TAKES};
use crate::erasure;
use crate::fakes::failures::{self, FailureCounts};
use crate::fakes::{self, Fakes, leases};
use crate::final_state;
use crate::history::{History, LoggedRequest, Millis, WorkspaceInfo};
use crate::plan::{
    ANSWER_LIMIT, EXPERIENCES, INSTANCES, JOINING, LINK_TTL, PART, Plan, ROBLOX_MINUTE, ROOT, SKEW,
    WORKSPACES, is_mirrored,
};
use crate::recorder::Recorder;
use crate::{schedules, snapshots};

/// A run that is shorter completes the first join soon.
const SHORT: std::time::Duration = std::time::Duration::from_secs(30);

/// How long the stream may take to drain.
const DRAINS_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);

/// A run and its injected faults.
#[derive(Clone, Debug)]
pub struct SoakRun {
    pub history: History,
    /// How many database requests failed, by fault.
    pub faults: BTreeMap<String, usize>,
    /// How often the stream misbehaved, by kind.
    pub stream: BTreeMap<&'static str, usize>,
    /// How often each schedule ran.
    pub schedules: BTreeMap<&'static str, usize>,
    /// How often each fault of a fake occurred.
    pub failures: FailureCounts,
}

/// Runs a plan.
pub async fn run(plan: &Plan) -> SoakRun {
    let mut app = start(plan).await;
    let mut controls = Vec::new();
    let mut rng = plan.rng("stream");
    app.start_mappings_through(|function| {
        let chaotic = ChaoticStream::new(function, rng.fork());
        controls.push(chaotic.control());
        chaotic
    });
    let app = &app;
    let (mut workspaces, places, fakes) = prepare(app, plan).await;
    let erasing = app.workspace().await;
    let secret = erasing.take_in_erasures(ErasureMode::Erase).await;
    workspaces.push(erasing);
    app.settle().await;
    app.faults().clear_seen();

    let recorder = Recorder::open(app, workspaces, plan.time);
    let (faults, mut kills, schedules, failures, (), (), (subjects, joins)) = futures::join!(
        chaos::inject_database_faults(&recorder, plan),
        chaos::kills(&recorder, plan),
        schedules::run_schedules(&recorder, plan),
        failures::inject(&recorder, plan, &fakes),
        leases::end_orphaned_leases(&recorder),
        snapshots::age_snapshots(&recorder, plan),
        clients::act(&recorder, plan, &secret),
    );
    kills.extend(recorder.ended_environments());
    let mut stream = BTreeMap::new();
    for control in controls {
        control.behave();
        for (what, times) in control.done() {
            *stream.entry(what).or_default() += times;
        }
    }
    let skew = Millis::from(SKEW.unsigned_abs());
    for (workspace, place) in recorder.workspaces.iter().zip(&places) {
        for experience in &place.experiences {
            workspace.pending_bans(experience.get()).await;
        }
    }
    final_state::let_calls_end(&recorder).await;
    final_state::let_bans_run_out(&recorder, skew).await;
    let mut failed = final_state::record_expiries(&recorder).await;
    let calls = recorder.calls();
    failed = failed.or(app.settled_within(DRAINS_WITHIN).await.err());
    failed = failed.or(fakes::drain(&recorder, &places).await);
    failed = failed.or(final_state::build_snapshots(&recorder).await);
    let mut history = History {
        workspaces: places,
        kills,
        faults,
        skew,
        stream: failed,
        calls,
        joins,
        ..History::default()
    };
    for number in 0..history.workspaces.len() {
        let users = history.users(number);
        if let Some(place) = history.workspaces.get(number) {
            let mut final_state =
                final_state::ask(&recorder, number, place, users.into_iter()).await;
            if let (Some(fakes), Some(workspace)) =
                (fakes.get(number), recorder.workspaces.get(number))
            {
                let recording = fakes.record_final_state(workspace, plan, &mut final_state);
                recording.await;
                final_state.stored.extend(bucket::empty(workspace).await);
                let users = history.users(number).into_iter();
                let (bans, log) = (&final_state.bans, &final_state.log);
                final_state.after_erasure =
                    erasure::erase_most_users(workspace, users, bans, log).await;
            }
            history.final_states.push(final_state);
        }
    }
    history.erasures = erasure::settle(&recorder, &subjects, &secret).await;
    history.asked = recorder.calls().split_off(history.calls.len());
    history.logged = logged(app);
    let mut struck = BTreeMap::new();
    for fault in app.faults().struck() {
        *struck.entry(name(fault)).or_default() += 1;
    }
    SoakRun {
        history,
        faults: struck,
        stream,
        schedules,
        failures,
    }
}

/// Starts the service, with clocks, time limits and faults for a soak.
async fn start(plan: &Plan) -> TestApp {
    TestApp::builder()
        .instances(INSTANCES)
        .clocks(&plan.clocks())
        // Roblox's rate limit needs clocks that agree to within much less than its window, as
        // Lambda's do. The shortened window here does not allow wrong clocks.
        .on_time(schedules::MIRROR)
        .roblox_window(ROBLOX_MINUTE)
        .variable(
            shared::testing::WEBHOOK_TIME_LIMIT,
            &ANSWER_LIMIT.to_string(),
        )
        .variable(shared::testing::LINK_TTL, &LINK_TTL.to_string())
        .with_faults()
        .without_mappings()
        .start()
        .await
}

/// Sets up the workspaces with their fakes.
async fn prepare<'a>(
    app: &'a TestApp,
    plan: &Plan,
) -> (Vec<Workspace<'a>>, Vec<WorkspaceInfo>, Vec<Fakes>) {
    let experiences: Vec<_> = EXPERIENCES
        .into_iter()
        .filter_map(ExperienceId::new)
        .collect();
    let (mut workspaces, mut places, mut fakes) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..WORKSPACES {
        let workspace = app.workspace().await;
        if number == JOINING {
            announce_join(&workspace, plan).await;
        }
        fakes.push(Fakes::of(&workspace, number, plan).await);
        // The last experience is linked by its first call during the run, and gets the bans active
        // by then.
        for experience in experiences.iter().skip(1) {
            workspace.pending_bans(experience.get()).await;
        }
        places.push(WorkspaceInfo {
            guid: workspace.guid(),
            experiences: experiences.clone(),
            mirrored: experiences
                .iter()
                .copied()
                .filter(|experience| is_mirrored(number, *experience))
                .collect(),
        });
        workspaces.push(workspace);
    }
    (workspaces, places, fakes)
}

/// Announces a join before the run, so that a short run has one too. It can be completed a few seconds after
/// the start. No function knows the place yet.
async fn announce_join(workspace: &Workspace<'_>, plan: &Plan) {
    for place in [PART, ROOT] {
        workspace.link(place).await;
    }
    let longest = if plan.time < SHORT { 5_000 } else { 22_000 };
    let left = plan.rng("first join").u64(3_500..longest);
    let age = TAKES.saturating_sub(left);
    let announced = UnixMillis::from_millis(UnixMillis::now().millis().saturating_sub(age));
    let (store, prefix) = (workspace.app().store(), workspace.id().prefix());
    if let (Some(part), Some(root)) = (ExperienceId::new(PART), ExperienceId::new(ROOT)) {
        // The operator begins with the announcement otherwise.
        let _ = store.announce_join(prefix, part, root, announced).await;
    }
}

fn name(fault: Fault) -> String {
    match fault {
        Fault::Delay(_) => "Delay".to_owned(),
        other => format!("{other:?}"),
    }
}

/// How long each request took, from the functions' logs.
fn logged(app: &TestApp) -> Vec<LoggedRequest> {
    let mut logged = Vec::new();
    for function in app.runtime().names() {
        for line in app.runtime().logs(function) {
            let Some(event) = line.json() else { continue };
            let took = event.get("durationMs").and_then(serde_json::Value::as_f64);
            let request = event.get("requestId").and_then(serde_json::Value::as_str);
            let is_request = event.get("message").is_some_and(|what| what == "request");
            let (Some(took), Some(request), true) = (took, request, is_request) else {
                continue;
            };
            logged.push(LoggedRequest {
                function: function.to_owned(),
                request: request.to_owned(),
                took: std::time::Duration::from_secs_f64(took.max(0.0) / 1_000.0)
                    .as_millis()
                    .try_into()
                    .unwrap_or(u64::MAX),
            });
        }
    }
    logged
}
