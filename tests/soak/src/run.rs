//! One run, from the first process to the last answer.

use std::collections::BTreeMap;

use end_to_end::{TestApp, Workspace};
use local_stack::fault_proxy::Fault;
use shared::domain::ids::ExperienceId;

use crate::actors;
use crate::ending;
use crate::history::{History, Logged, Millis, Place};
use crate::outside::moods::{self, Moods};
use crate::outside::{self, Outside, leases};
use crate::plan::{
    ANSWER_LIMIT, EXPERIENCES, INSTANCES, Plan, ROBLOX_MINUTE, SKEW, WORKSPACES, is_mirrored,
};
use crate::schedules;
use crate::stage::Stage;
use crate::thinning;
use crate::weather::{self, Unruly};

/// How long the stream may take when all is over.
const SETTLES: std::time::Duration = std::time::Duration::from_mins(1);

/// A run, and what was done to it.
#[derive(Clone, Debug)]
pub struct Run {
    /// What happened.
    pub history: History,
    /// How many requests were struck by what.
    pub faults: BTreeMap<String, usize>,
    /// How often the stream did what.
    pub stream: BTreeMap<&'static str, usize>,
    /// How often which schedule ran.
    pub schedules: BTreeMap<&'static str, usize>,
    /// How often what went wrong outside.
    pub moods: Moods,
}

/// Runs a plan.
pub async fn run(plan: &Plan) -> Run {
    let mut app = TestApp::builder()
        .instances(INSTANCES)
        .clocks(&plan.clocks())
        // How often Roblox may be asked is a matter of clocks that agree, as Lambda's do to within
        // much less than Roblox's minute. Here the minute is too short for wrong ones.
        .on_time(schedules::MIRROR)
        .roblox_window(ROBLOX_MINUTE)
        .variable(
            shared::testing::WEBHOOK_TIME_LIMIT,
            &ANSWER_LIMIT.to_string(),
        )
        .with_faults()
        .without_pump()
        .start()
        .await;
    let mut tamers = Vec::new();
    let mut dice = plan.dice("stream");
    app.start_pump_through(|function| {
        let unruly = Unruly::new(function, dice.fork());
        tamers.push(unruly.tamer());
        unruly
    });
    let app = &app;
    let (workspaces, places, outside) = prepare(app).await;
    app.settle().await;
    app.faults().forget();

    let stage = Stage::open(app, workspaces, plan.time);
    let (faults, kills, schedules, moods, (), ()) = futures::join!(
        weather::storms(&stage, plan),
        weather::kills(&stage, plan),
        schedules::tick(&stage, plan),
        moods::swing(&stage, plan, &outside),
        leases::end_those_of_the_dead(&stage),
        actors::act(&stage, plan),
    );
    let mut stream = BTreeMap::new();
    for tamer in tamers {
        tamer.behave();
        for (what, times) in tamer.done() {
            *stream.entry(what).or_default() += times;
        }
    }
    let skew = Millis::from(SKEW.unsigned_abs());
    for (workspace, place) in stage.workspaces.iter().zip(&places) {
        for experience in &place.experiences {
            workspace.pending_bans(experience.get()).await;
        }
    }
    ending::let_bans_run_out(&stage, skew).await;
    let mut failed = ending::record_expiries(&stage).await;
    let calls = stage.calls();
    failed = failed.or(app.settled_within(SETTLES).await.err());
    failed = failed.or(outside::come_to_rest(&stage, &places).await);
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
            let mut ending = ending::ask(&stage, number, place, users.into_iter()).await;
            if let (Some(outside), Some(workspace)) =
                (outside.get(number), stage.workspaces.get(number))
            {
                outside.tell(workspace, &mut ending).await;
                let users = history.users(number).into_iter();
                ending.thinned = thinning::thin_out(workspace, users, &ending.log).await;
            }
            history.endings.push(ending);
        }
    }
    history.asked = stage.calls().split_off(history.calls.len());
    history.logged = logged(app);
    let mut struck = BTreeMap::new();
    for fault in app.faults().struck() {
        *struck.entry(name(fault)).or_default() += 1;
    }
    Run {
        history,
        faults: struck,
        stream,
        schedules,
        moods,
    }
}

/// Sets up the workspaces, with everything outside that is theirs.
async fn prepare(app: &TestApp) -> (Vec<Workspace<'_>>, Vec<Place>, Vec<Outside>) {
    let experiences: Vec<_> = EXPERIENCES
        .into_iter()
        .filter_map(ExperienceId::new)
        .collect();
    let (mut workspaces, mut places, mut outside) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..WORKSPACES {
        let workspace = app.workspace().await;
        outside.push(Outside::of(&workspace, number).await);
        // The last one is linked by its first call, on the bad day, and gets what stands by then.
        for experience in experiences.iter().skip(1) {
            workspace.pending_bans(experience.get()).await;
        }
        places.push(Place {
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
    (workspaces, places, outside)
}

fn name(fault: Fault) -> String {
    match fault {
        Fault::Delay(_) => "Delay".to_owned(),
        other => format!("{other:?}"),
    }
}

/// How long each request took, by the logs of the functions.
fn logged(app: &TestApp) -> Vec<Logged> {
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
            logged.push(Logged {
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
