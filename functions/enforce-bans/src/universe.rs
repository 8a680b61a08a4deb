//! A universe while it is worked on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use shared::api::invocation::Ends;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, UniverseId, WorkspacePrefix};
use shared::domain::rules::enforcing::{Level, Mirrors, Pacing, Plan};
use shared::integrations::roblox::{Roblox, RobloxKey};
use shared::integrations::secrets::{SecretError, SecretStore};
use shared::store::{Enforcement, Pending, Store};

use crate::keys::{self, Trial};
use crate::pace::{SharedPace, Starts, Trouble, lock};
use crate::sweep;
use crate::tally::Tally;

/// A universe, and everything by which it is worked on.
#[derive(Debug)]
pub struct Universe {
    /// Whose.
    pub prefix: WorkspacePrefix,
    /// Which.
    pub id: UniverseId,
    pub store: Store,
    /// When this call of the function must have answered.
    pub ends: Ends,
    pub roblox: Roblox,
    pub secrets: SecretStore,
    pub pacing: Pacing,
    pub messages: SharedPace,
    /// Its mirrored places; stopped ones are among them.
    pub places: Mutex<BTreeMap<ExperienceId, Enforcement>>,
    pub pace: Starts,
    pub trouble: Trouble,
    pub tally: Arc<Tally>,
}

impl Universe {
    /// Reads which places are mirrored, and tries the keys of those that are stopped.
    pub async fn look(&self) -> Result<(), ApiError> {
        let all = self.store.enforcements_of(self.prefix).await?;
        let of_it = all
            .into_iter()
            .filter(|it| it.settings.universe == self.id)
            .map(|it| (it.experience, it));
        *lock(&self.places) = of_it.collect();
        for secret in self.secrets_to_try(UnixMillis::now()) {
            let trial = keys::try_key(&self.roblox, &self.secrets, &secret, self.id).await;
            self.note(&secret, &trial).await?;
        }
        Ok(())
    }

    /// The keys that were not accepted, unless one was tried a moment ago.
    fn secrets_to_try(&self, now: UnixMillis) -> Vec<String> {
        let pause = self.pacing.window / 2;
        let mut secrets: Vec<_> = lock(&self.places)
            .values()
            .filter(|it| it.settings.stopped.is_some())
            .filter(|it| {
                let tried = it.settings.checked.unwrap_or_default().0;
                tried.saturating_mul(1000).saturating_add(pause) <= now.millis()
            })
            .map(|it| it.settings.secret.clone())
            .collect();
        secrets.sort();
        secrets.dedup();
        secrets
    }

    /// Takes note of what came of trying a key, for each place that it is for.
    pub async fn note(&self, secret: &str, trial: &Trial) -> Result<(), ApiError> {
        let now = UnixMillis::now();
        let of_key: Vec<_> = lock(&self.places)
            .values()
            .filter(|it| it.settings.secret == secret)
            .cloned()
            .collect();
        for enforcement in of_key {
            let goes_on =
                keys::take_note(&self.store, &enforcement, trial, now, &self.tally).await?;
            if let Some(place) = lock(&self.places).get_mut(&enforcement.experience) {
                place.settings.stopped = (!goes_on).then(|| shared::store::Stopped {
                    at: now.seconds(),
                    status: 0,
                    message: String::new(),
                });
            }
        }
        Ok(())
    }

    /// Its places, the stopped ones included.
    pub fn experiences(&self) -> Vec<ExperienceId> {
        lock(&self.places).keys().copied().collect()
    }

    /// The indexes that tell what it owes.
    pub fn sources(&self) -> Vec<(Pending, ExperienceId)> {
        let places = lock(&self.places);
        sweep::sources(places.values().filter(|it| it.settings.stopped.is_none()))
    }

    /// How many of its places are stopped.
    pub fn stopped(&self) -> usize {
        let places = lock(&self.places);
        places
            .values()
            .filter(|it| it.settings.stopped.is_some())
            .count()
    }

    /// What is carried over for a place at present.
    pub fn mirrors(&self, place: ExperienceId) -> Mirrors {
        let places = lock(&self.places);
        let place = places
            .get(&place)
            .filter(|it| it.settings.stopped.is_none());
        Mirrors {
            bans: place.is_some_and(|it| it.settings.mirror.bans),
            unbans: place.is_some_and(|it| it.settings.mirror.unbans),
        }
    }

    /// Whether banned players are kicked because of a change at a level.
    pub fn kicks(&self, level: Level) -> bool {
        let places = lock(&self.places);
        let kicks = |it: &Enforcement| it.settings.mirror.kicks && it.settings.stopped.is_none();
        match level {
            Level::Universe => places.values().any(kicks),
            Level::Place(place) => places.get(&place).is_some_and(kicks),
        }
    }

    /// The secret by whose key a level is changed: that of a place which waits for the change, else
    /// of any that goes on.
    pub fn secret_for(&self, level: Level, plan: &Plan) -> Option<String> {
        let places = lock(&self.places);
        let waiting = plan
            .reports
            .iter()
            .filter(|report| report.after.contains(&level));
        let waiting = waiting.map(|report| report.experience);
        let own = match level {
            Level::Place(place) => Some(place),
            Level::Universe => None,
        };
        let named = own.into_iter().chain(waiting).chain(places.keys().copied());
        let mut active = named.filter_map(|place| {
            let place = places.get(&place)?;
            (place.settings.stopped.is_none()).then(|| place.settings.secret.clone())
        });
        active.next()
    }

    /// The key of a secret; none, and its places stopped, if there is no such key.
    pub async fn key(&self, secret: &str) -> Result<Option<RobloxKey>, ApiError> {
        match self.secrets.key(secret).await {
            Ok(key) => Ok(Some(key)),
            Err(SecretError::Unusable(why)) => {
                self.note(secret, &Trial::Refused(0, why)).await?;
                Ok(None)
            }
            Err(SecretError::Unavailable(detail)) => Err(ApiError::ServiceUnavailable {
                service: "AWS SecretStore Manager",
                detail,
            }),
        }
    }

    /// Leaves Roblox alone for a time, which the next call of the function keeps to as well.
    pub async fn rest(&self, until: Option<UnixMillis>) -> Result<(), ApiError> {
        let Some(until) = until else {
            return Ok(());
        };
        self.store.pause_universe(self.prefix, self.id, until).await
    }
}
