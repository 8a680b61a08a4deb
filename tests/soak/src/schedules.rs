//! Runs the schedules, in seconds instead of minutes.

use std::collections::BTreeMap;

use futures::future::join_all;

use crate::plan::{Plan, millis};
use crate::recorder::Recorder;

/// Records expiries.
pub const EXPIRE: &str = "expire-bans";

/// Delivers events.
pub const DELIVER: &str = "deliver-webhooks";

/// Mirrors bans to Roblox.
pub const MIRROR: &str = "mirror-bans";

/// Builds snapshots.
pub const BUILD: &str = "build-snapshots";

/// Removes evidence that is due.
pub const EXPIRE_EVIDENCE: &str = "expire-evidence";
pub const EACH_FIVE_MINUTES: &str = "EachFiveMinutes";

/// The name of the every-minute schedules.
pub const EACH_MINUTE: &str = "EachMinute";

/// The inputs of the mirror's schedules.
pub const SWEEP: &str = r#"{"sweep":true}"#;
const CHECK: &str = r#"{"check":true}"#;

/// The schedules; one listed twice sometimes runs twice at once.
const SCHEDULES: [(&str, &str); 10] = [
    (EXPIRE, EACH_MINUTE),
    (EXPIRE, EACH_MINUTE),
    (EXPIRE_EVIDENCE, EACH_FIVE_MINUTES),
    (EXPIRE_EVIDENCE, EACH_FIVE_MINUTES),
    (BUILD, EACH_MINUTE),
    (BUILD, EACH_MINUTE),
    (DELIVER, EACH_MINUTE),
    (MIRROR, SWEEP),
    (MIRROR, SWEEP),
    (MIRROR, CHECK),
];

/// The pause between two runs of a schedule, in milliseconds, from and to.
const PAUSE: (u64, u64) = (500, 4_000);

/// Runs all schedules until the run is over, and counts the successful runs.
pub async fn run_schedules(recorder: &Recorder<'_>, plan: &Plan) -> BTreeMap<&'static str, usize> {
    let schedules = SCHEDULES.iter().enumerate();
    let runs = schedules.map(|(number, (function, name))| async move {
        let mut rng = plan.rng(&format!("schedule {number}"));
        let mut ended = 0;
        loop {
            let pause = millis(&mut rng, PAUSE.0, PAUSE.1);
            tokio::time::sleep(pause.min(recorder.left())).await;
            if recorder.is_closed() {
                return (*function, ended);
            }
            // A schedule that hangs at the end of the run is abandoned.
            let running = recorder.app.try_run_schedule(function, name);
            if let Ok(Ok(_)) = tokio::time::timeout(recorder.left(), running).await {
                ended += 1;
            }
        }
    });
    let mut all = BTreeMap::new();
    for (function, ended) in join_all(runs).await {
        *all.entry(function).or_default() += ended;
    }
    all
}
