//! A universe while it is worked on: its mirrored places, their keys, and how Roblox is doing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use shared::api::invocation::Ends;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, UniverseId, WorkspacePrefix};
use shared::domain::lock::lock;
use shared::domain::rules::mirror::{
    CircuitBreaker, KeyCheck, Level, MirrorPlan, MirroredChanges, RobloxFailure, RobloxLimits,
    is_check_due,
};
use shared::integrations::roblox::{Roblox, RobloxKey};
use shared::integrations::secrets::{SecretError, SecretStore};
use shared::store::{Mirror, Pending, Store};

use crate::limits::{RateLimiter, SharedLimiter};
use crate::stats::MirrorStats;
use crate::{keys, sweep};

/// A universe, and everything needed to work on it.
#[derive(Debug)]
pub struct Universe {
    pub prefix: WorkspacePrefix,
    pub id: UniverseId,
    pub store: Store,
    /// When this invocation must have answered.
    pub ends: Ends,
    pub roblox: Roblox,
    pub secrets: SecretStore,
    pub limits: RobloxLimits,
    pub messages: SharedLimiter,
    /// Its mirrored places, including the stopped ones.
    pub places: Mutex<BTreeMap<ExperienceId, Mirror>>,
    pub starts: RateLimiter,
    pub breaker: Mutex<CircuitBreaker>,
    pub stats: Arc<MirrorStats>,
}

impl Universe {
    /// Reads which places are mirrored and until when the universe is paused, and checks the keys of
    /// stopped places.
    pub async fn load(&self) -> Result<(), ApiError> {
        let all = self.store.mirrors_of(self.prefix).await?;
        let places = all
            .into_iter()
            .filter(|it| it.settings.universe == self.id)
            .map(|it| (it.experience, it));
        *lock(&self.places) = places.collect();
        for secret in self.secrets_to_check(UnixMillis::now()) {
            let check = keys::check_key(&self.roblox, &self.secrets, &secret, self.id).await;
            self.record_check(&secret, &check).await?;
        }
        if let Some(until) = self.store.universe_pause(self.prefix, self.id).await? {
            lock(&self.breaker).pause(until);
        }
        Ok(())
    }

    fn secrets_to_check(&self, now: UnixMillis) -> Vec<String> {
        let mut secrets: Vec<_> = lock(&self.places)
            .values()
            .filter(|it| it.settings.stopped.is_some())
            .filter(|it| is_check_due(it.settings.checked, self.limits, now))
            .map(|it| it.settings.secret.clone())
            .collect();
        secrets.sort();
        secrets.dedup();
        secrets
    }

    /// Records the result of checking a key, for each place that uses it.
    pub async fn record_check(&self, secret: &str, check: &KeyCheck) -> Result<(), ApiError> {
        let now = UnixMillis::now();
        let users: Vec<_> = lock(&self.places)
            .values()
            .filter(|it| it.settings.secret == secret)
            .cloned()
            .collect();
        for mirror in users {
            let recording = keys::record_check(&self.store, &mirror, check, now, &self.stats);
            let stop = recording.await?;
            if let Some(place) = lock(&self.places).get_mut(&mirror.experience) {
                place.settings.stopped = stop;
            }
        }
        Ok(())
    }

    /// The mirrored places, including the stopped ones.
    pub fn experiences(&self) -> Vec<ExperienceId> {
        lock(&self.places).keys().copied().collect()
    }

    /// The indexes that list the pending changes of the running places.
    pub fn sources(&self) -> Vec<(Pending, ExperienceId)> {
        sweep::sources(lock(&self.places).values().filter(|it| is_running(it)))
    }

    /// Whether any place is stopped.
    pub fn is_any_stopped(&self) -> bool {
        !lock(&self.places).values().all(is_running)
    }

    /// Whether no place is running.
    pub fn is_stopped(&self) -> bool {
        !lock(&self.places).values().any(is_running)
    }

    /// What is mirrored for a place now.
    pub fn mirrors(&self, place: ExperienceId) -> MirroredChanges {
        let places = lock(&self.places);
        let place = places.get(&place).filter(|it| is_running(it));
        MirroredChanges {
            bans: place.is_some_and(|it| it.settings.options.bans),
            unbans: place.is_some_and(|it| it.settings.options.unbans),
        }
    }

    /// Whether players are kicked after a ban at this level.
    pub fn kicks(&self, level: Level) -> bool {
        let places = lock(&self.places);
        let kicks = |it: &Mirror| it.settings.options.kicks && is_running(it);
        match level {
            Level::Universe => places.values().any(kicks),
            Level::Place(place) => places.get(&place).is_some_and(kicks),
        }
    }

    /// The secret whose key changes a level: that of a running place which waits for the change, or else
    /// of any running place.
    pub fn secret_for(&self, level: Level, plan: &MirrorPlan) -> Option<String> {
        let places = lock(&self.places);
        let mut running = plan
            .places_for(level)
            .chain(places.keys().copied())
            .filter_map(|place| places.get(&place).filter(|it| is_running(it)));
        running.next().map(|it| it.settings.secret.clone())
    }

    /// The key of a secret. If there is no usable key, its places are stopped.
    pub async fn key(&self, secret: &str) -> Result<Option<RobloxKey>, ApiError> {
        match self.secrets.key(secret).await {
            Ok(key) => Ok(Some(key)),
            Err(SecretError::Unusable(message)) => {
                let refused = KeyCheck::Refused { status: 0, message };
                self.record_check(secret, &refused).await?;
                Ok(None)
            }
            Err(SecretError::Unavailable(detail)) => Err(ApiError::ServiceUnavailable {
                service: "AWS Secrets Manager",
                detail,
                retry_after: 1,
            }),
        }
    }

    /// The end of the pause of the universe, if it is paused.
    pub fn paused_until(&self) -> Option<UnixMillis> {
        lock(&self.breaker).paused_until(UnixMillis::now())
    }

    /// Records a failure of Roblox. A pause that it causes is saved for the next invocation.
    pub async fn record_failure(
        &self,
        failure: RobloxFailure,
        now: UnixMillis,
    ) -> Result<(), ApiError> {
        let pause = lock(&self.breaker).record_failure(failure, now);
        match pause {
            Some(until) => self.store.pause_universe(self.prefix, self.id, until).await,
            None => Ok(()),
        }
    }
}

fn is_running(mirror: &Mirror) -> bool {
    mirror.settings.stopped.is_none()
}
