//! Runs a plan, from the first process to the last response.

use std::collections::BTreeMap;

use end_to_end::{TestApp, Workspace};
use local_stack::fault_proxy::Fault;
use shared::domain::ids::ExperienceId;
use shared::store::ErasureMode;

use crate::bucket;
use crate::chaos::{self, ChaoticStream};
use crate::clients;
use crate::erasure;
use crate::fakes::failures::{self, FailureCounts};
use crate::fakes::{self, Fakes, leases};
use crate::final_state;
use crate::history::{History, LoggedRequest, Millis, WorkspaceInfo};
use crate::plan::{
    ANSWER_LIMIT, EXPERIENCES, INSTANCES, Plan, ROBLOX_MINUTE, SKEW, WORKSPACES, is_mirrored,
};
use crate::recorder::Recorder;
use crate::schedules;

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
    let mut app = TestApp::builder()
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
        .with_faults()
        .without_mappings()
        .start()
        .await;
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
    let (faults, kills, schedules, failures, (), subjects) = futures::join!(
        chaos::inject_database_faults(&recorder, plan),
        chaos::kills(&recorder, plan),
        schedules::run_schedules(&recorder, plan),
        failures::inject(&recorder, plan, &fakes),
        leases::end_orphaned_leases(&recorder),
        clients::act(&recorder, plan, &secret),
    );
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
    final_state::let_bans_run_out(&recorder, skew).await;
    let mut failed = final_state::record_expiries(&recorder).await;
    let calls = recorder.calls();
    failed = failed.or(app.settled_within(DRAINS_WITHIN).await.err());
    failed = failed.or(fakes::drain(&recorder, &places).await);
    let mut history = History {
        workspaces: places,
        kills,
        faults,
        skew,
        stream: failed,
        calls,
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
