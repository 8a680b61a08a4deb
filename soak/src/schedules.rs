//! What runs by itself: the schedules, in seconds where the template has minutes.

use std::collections::BTreeMap;

use futures::future::join_all;

use crate::plan::{Plan, millis};
use crate::stage::Stage;

/// The function that records that bans have run out.
pub const EXPIRE: &str = "expire-bans";

/// What its schedule is called, and those of others that run each minute.
pub const EACH_MINUTE: &str = "EachMinute";

/// The schedules; one that stands here twice is run by two at once now and then.
const SCHEDULES: [(&str, &str); 2] = [(EXPIRE, EACH_MINUTE); 2];

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
