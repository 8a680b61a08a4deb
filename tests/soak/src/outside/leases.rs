//! Leases of the dead. Whoever is killed keeps his until its time has passed, which is longer than
//! the day; here that time is shorter, but as safe: it has passed when he is known to be dead.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use end_to_end::Workspace;
use end_to_end::outside::HeldLease;

use crate::schedules::{DELIVER, MIRROR};
use crate::stage::Stage;

/// How often it is looked who is dead.
const PAUSE: Duration = Duration::from_millis(700);

/// How long a lease goes on after its holder's death. As with the real ones, that is longer than
/// Roblox counts what he did.
const GOES_ON: Duration = Duration::from_secs(3);

/// Ends the leases of the dead until the stage closes.
pub async fn end_those_of_the_dead(stage: &Stage<'_>) {
    let mut dead: BTreeMap<(String, String), Instant> = BTreeMap::new();
    while !stage.is_closed() {
        tokio::time::sleep(PAUSE.min(stage.left())).await;
        let held = all(stage).await;
        let is_held =
            |name: &(String, String)| held.iter().any(|(_, lease)| name_of(lease) == *name);
        dead.retain(|name, _| is_held(name));
        for (workspace, lease) in &held {
            // Who held it before is dead if nobody of his kind is at work now.
            if !stage.app.is_busy(function_of(lease)) {
                dead.entry(name_of(lease)).or_insert_with(Instant::now);
            }
            let died = dead.get(&name_of(lease));
            if died.is_some_and(|died| died.elapsed() > GOES_ON) {
                workspace.end_lease(lease).await;
            }
        }
    }
}

/// Ends all leases, once nobody is at work any more. Who waits for Roblox's sake for longer than there
/// is patience is killed.
pub async fn end_all(stage: &Stage<'_>, patience: Duration) {
    let end = Instant::now() + patience;
    for (workspace, lease) in all(stage).await {
        let function = function_of(&lease);
        while stage.app.is_busy(function) && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let at_work = stage.app.runtime().busy(function);
        for instance in &at_work {
            // He may have come to his end meanwhile.
            let _ = stage.app.runtime().kill(function, *instance);
        }
        if !at_work.is_empty() {
            tokio::time::sleep(GOES_ON).await;
        }
        workspace.end_lease(&lease).await;
    }
}

async fn all<'a>(stage: &'a Stage<'_>) -> Vec<(&'a Workspace<'a>, HeldLease)> {
    let mut all = Vec::new();
    for workspace in &stage.workspaces {
        let leases = workspace.leases().await;
        all.extend(leases.into_iter().map(|lease| (workspace, lease)));
    }
    all
}

fn name_of(lease: &HeldLease) -> (String, String) {
    (lease.partition.clone(), lease.holder.clone())
}

fn function_of(lease: &HeldLease) -> &'static str {
    if lease.partition.contains("#W#deliver-") {
        DELIVER
    } else {
        MIRROR
    }
}
