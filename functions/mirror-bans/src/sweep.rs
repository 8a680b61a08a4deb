//! The scheduled work: wakes the mirror for each universe with pending changes, and checks each key.

use std::collections::BTreeMap;

use shared::api::invocation::{Invocation, STEP};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, UniverseId, WorkspacePrefix};
use shared::domain::rules::mirror::KeyCheck;
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::integrations::roblox::Roblox;
use shared::integrations::secrets::SecretStore;
use shared::store::{Mirror, Pending};

use crate::drain::RESERVED;
use crate::keys;
use crate::stats::MirrorStats;

/// Wakes the mirror for each universe that has pending changes or is stopped. Universes for which no time
/// is left wait for the next sweep.
pub async fn sweep(invocation: &Invocation, invoker: &WorkerInvoker) -> Result<(), ApiError> {
    let (store, now) = (&invocation.store, UnixMillis::now());
    let mut failed = None;
    for ((prefix, universe), places) in by_universe(store.mirrors().await?) {
        if !invocation.ends.allows(STEP) {
            break;
        }
        let is_stopped = places.iter().any(|it| it.settings.stopped.is_some());
        let sources = sources(&places);
        if !is_stopped
            && !store
                .has_pending_work(prefix, universe, &sources, now)
                .await?
        {
            continue;
        }
        let job = Job::Mirror {
            workspace: prefix,
            universe: universe.get(),
        };
        failed = failed.or(invoker.invoke(&job).await.err());
    }
    failed.map_or(Ok(()), Err)
}

/// Checks each key once in each universe that uses it, least recently checked first, so that every key
/// gets its turn when time is short.
pub async fn check_keys(
    invocation: &Invocation,
    roblox: &Roblox,
    secrets: &SecretStore,
    stats: &MirrorStats,
) -> Result<(), ApiError> {
    let store = &invocation.store;
    let mut checked: BTreeMap<(UniverseId, String), KeyCheck> = BTreeMap::new();
    let mut mirrors = store.mirrors().await?;
    mirrors.sort_by_key(|it| it.settings.checked);
    for mirror in mirrors {
        if !invocation.ends.allows(RESERVED) {
            break;
        }
        let (universe, secret) = (mirror.settings.universe, &mirror.settings.secret);
        let name = (universe, secret.clone());
        if !checked.contains_key(&name) {
            let check = keys::check_key(roblox, secrets, secret, universe).await;
            checked.insert(name.clone(), check);
        }
        if let Some(check) = checked.get(&name) {
            keys::record_check(store, &mirror, check, UnixMillis::now(), stats).await?;
        }
    }
    Ok(())
}

fn by_universe(mirrors: Vec<Mirror>) -> BTreeMap<(WorkspacePrefix, UniverseId), Vec<Mirror>> {
    let mut universes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for mirror in mirrors {
        let name = (mirror.workspace, mirror.settings.universe);
        universes.entry(name).or_default().push(mirror);
    }
    universes
}

/// The indexes that list the pending changes of these places, as far as they are mirrored.
pub fn sources<'a>(places: impl IntoIterator<Item = &'a Mirror>) -> Vec<(Pending, ExperienceId)> {
    let of_place = |it: &Mirror| {
        let (options, place) = (it.settings.options, it.experience);
        let source = |is_on: bool, pending| is_on.then_some((pending, place));
        [
            source(options.bans, Pending::Bans),
            source(options.unbans, Pending::Unbans),
        ]
    };
    places.into_iter().flat_map(of_place).flatten().collect()
}
