//! What the schedules call for: to see to every universe, and to use every key.

use std::collections::BTreeMap;

use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{UniverseId, WorkspacePrefix};
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::integrations::roblox::Roblox;
use shared::integrations::secrets::SecretStore;
use shared::store::{Enforcement, Pending};

use crate::drain::AFTERWARDS;
use crate::keys;
use crate::tally::Tally;

/// Wakes each universe that owes something or is stopped. Those that there is no time for are left to
/// the next sweep.
pub async fn sweep(invocation: &Invocation, invoker: &WorkerInvoker) -> Result<(), ApiError> {
    let (store, now) = (&invocation.store, UnixMillis::now());
    let mut failed = None;
    for ((prefix, universe), places) in by_universe(store.enforcements().await?) {
        if !invocation.ends.allows(STEP) {
            break;
        }
        let is_stopped = places.iter().any(|it| it.settings.stopped.is_some());
        let sources = sources(&places);
        if !is_stopped && !store.owes_anything(prefix, universe, &sources, now).await? {
            continue;
        }
        let job = Job::Enforce {
            workspace: prefix,
            universe: universe.get(),
        };
        failed = failed.or(invoker.invoke(&job).await.err());
    }
    failed.map_or(Ok(()), Err)
}

/// Uses each key once, in each universe that it is for, beginning with those that were tried the longest
/// ago: where time is short, every key gets its turn.
pub async fn check(
    invocation: &Invocation,
    roblox: &Roblox,
    secrets: &SecretStore,
    tally: &Tally,
) -> Result<(), ApiError> {
    let store = &invocation.store;
    let mut tried: BTreeMap<(UniverseId, String), keys::Trial> = BTreeMap::new();
    let mut enforcements = store.enforcements().await?;
    enforcements.sort_by_key(|it| it.settings.checked);
    for enforcement in enforcements {
        if !invocation.ends.allows(AFTERWARDS) {
            break;
        }
        let (universe, secret) = (enforcement.settings.universe, &enforcement.settings.secret);
        let name = (universe, secret.clone());
        if !tried.contains_key(&name) {
            let trial = keys::try_key(roblox, secrets, secret, universe).await;
            tried.insert(name.clone(), trial);
        }
        if let Some(trial) = tried.get(&name) {
            keys::take_note(store, &enforcement, trial, UnixMillis::now(), tally).await?;
        }
    }
    Ok(())
}

/// What is mirrored, universe by universe.
fn by_universe(
    enforcements: Vec<Enforcement>,
) -> BTreeMap<(WorkspacePrefix, UniverseId), Vec<Enforcement>> {
    let mut universes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for enforcement in enforcements {
        let name = (enforcement.workspace, enforcement.settings.universe);
        universes.entry(name).or_default().push(enforcement);
    }
    universes
}

/// The indexes that tell what these places owe and this mirror carries over.
pub fn sources<'a>(
    places: impl IntoIterator<Item = &'a Enforcement>,
) -> Vec<(Pending, shared::domain::ids::ExperienceId)> {
    let of_place = |it: &Enforcement| {
        let (mirror, place) = (it.settings.mirror, it.experience);
        let of = |on: bool, pending| on.then_some((pending, place));
        [
            of(mirror.bans, Pending::Bans),
            of(mirror.unbans, Pending::Unbans),
        ]
    };
    places.into_iter().flat_map(of_place).flatten().collect()
}
