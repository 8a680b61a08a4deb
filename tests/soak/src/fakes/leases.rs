//! Ends the leases of killed workers. A real lease outlasts the run; here it ends sooner, but only
//! after its holder is known to be dead.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use end_to_end::Workspace;
use end_to_end::integrations::HeldLease;

use crate::recorder::Recorder;
use crate::schedules::{BUILD, DELIVER, MIRROR};

/// How often to look for dead holders.
const PAUSE: Duration = Duration::from_millis(700);

/// How long a lease lasts after its holder's death. As in production, that is longer than Roblox's
/// rate limit window.
const LEASE_LASTS: Duration = Duration::from_secs(3);

/// Ends the leases of killed workers until the run is over.
pub async fn end_orphaned_leases(recorder: &Recorder<'_>) {
    let mut dead: BTreeMap<(String, String), Instant> = BTreeMap::new();
    while !recorder.is_closed() {
        tokio::time::sleep(PAUSE.min(recorder.left())).await;
        let held = all(recorder).await;
        let is_held =
            |name: &(String, String)| held.iter().any(|(_, lease)| name_of(lease) == *name);
        dead.retain(|name, _| is_held(name));
        for (workspace, lease) in &held {
            // The holder is dead if no worker of its function is busy.
            if !recorder.app.is_busy(function_of(lease)) {
                dead.entry(name_of(lease)).or_insert_with(Instant::now);
            }
            let died = dead.get(&name_of(lease));
            if died.is_some_and(|died| died.elapsed() > LEASE_LASTS) {
                workspace.end_lease(lease).await;
            }
        }
    }
}

/// Ends all leases once no worker is busy. Kills a worker that backs off from Roblox for longer
/// than `patience`.
pub async fn end_all_leases(recorder: &Recorder<'_>, patience: Duration) {
    let end = Instant::now() + patience;
    for (workspace, lease) in all(recorder).await {
        let function = function_of(&lease);
        while recorder.app.is_busy(function) && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let at_work = recorder.app.runtime().busy(function);
        for instance in &at_work {
            // The worker may have ended meanwhile.
            let _ = recorder.app.runtime().kill(function, *instance);
        }
        if !at_work.is_empty() {
            tokio::time::sleep(LEASE_LASTS).await;
        }
        workspace.end_lease(&lease).await;
    }
}

async fn all<'a>(recorder: &'a Recorder<'_>) -> Vec<(&'a Workspace<'a>, HeldLease)> {
    let mut all = Vec::new();
    for workspace in &recorder.workspaces {
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
    } else if lease.partition.ends_with("#W#J") {
        BUILD
    } else {
        MIRROR
    }
}
