//! What runs by itself: the schedules, in seconds where the template has minutes.

use std::collections::BTreeMap;

use futures::future::join_all;

use crate::plan::{Plan, millis};
use crate::stage::Stage;

/// The function that records that bans have run out.
pub const EXPIRE: &str = "expire-bans";

/// The function that delivers events.
pub const DELIVER: &str = "deliver-webhooks";

/// The function that mirrors bans on Roblox's side.
pub const MIRROR: &str = "mirror-bans";

/// What schedules are called that run each minute, if their functions have one.
pub const EACH_MINUTE: &str = "EachMinute";

/// The input of the mirror's schedules.
pub const SWEEP: &str = r#"{"sweep":true}"#;
const CHECK: &str = r#"{"check":true}"#;

/// The schedules; one that stands here twice is run by two at once now and then.
const SCHEDULES: [(&str, &str); 6] = [
    (EXPIRE, EACH_MINUTE),
    (EXPIRE, EACH_MINUTE),
    (DELIVER, EACH_MINUTE),
    (MIRROR, SWEEP),
    (MIRROR, SWEEP),
    (MIRROR, CHECK),
];

/// The pause between two runs of a schedule, in milliseconds, from and to.
const PAUSE: (u64, u64) = (500, 4_000);

/// Runs all of them until the stage closes, and says how often they ended as they should.
pub async fn tick(stage: &Stage<'_>, plan: &Plan) -> BTreeMap<&'static str, usize> {
    let schedules = SCHEDULES.iter().enumerate();
    let runs = schedules.map(|(number, (function, name))| async move {
        let mut dice = plan.dice(&format!("schedule {number}"));
        let mut ended = 0;
        loop {
            let pause = millis(&mut dice, PAUSE.0, PAUSE.1);
            tokio::time::sleep(pause.min(stage.left())).await;
            if stage.is_closed() {
                return (*function, ended);
            }
            // One that hangs at the end of the day is left alone.
            let running = stage.app.try_run_schedule(function, name);
            if let Ok(Ok(_)) = tokio::time::timeout(stage.left(), running).await {
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
