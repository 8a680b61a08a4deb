//! From a key that was sent to a caller who may.

use std::marker::PhantomData;
use std::sync::Arc;

use lambda_http::http::header::AUTHORIZATION;

use super::key::{KeyKind, PlainKey};
use super::record::{FlagPin, KeyRecord, Scope};
use crate::ban_info::{FlagStyle, View};
use crate::calls::Authority;
use crate::clock::{Moment, Timestamp};
use crate::error::ApiError;
use crate::http::ApiRequest;
use crate::ids::{ExperienceId, UserId, WorkspaceId, WorkspaceTag};
use crate::store::{Bounds, Snapshot, Store};
use crate::telemetry::Trace;

/// A well-formed key that was sent, not looked up yet.
#[derive(Clone, Debug)]
pub struct Claim {
    key: PlainKey,
    store: Store,
    trace: Arc<Trace>,
    from_roblox: bool,
}

/// Someone with a live key that has permission `P`.
#[derive(Clone, Debug)]
pub struct Caller<P> {
    key: Arc<KeyRecord>,
    from_roblox: bool,
    permission: PhantomData<P>,
}

/// What a route demands of a key.
pub trait Permission {
    /// Refuses a key that does not reach this far.
    fn demand(key: &KeyRecord) -> Result<(), ApiError>;

    /// Counts the call against a cap of the key, and refuses it where that is reached.
    fn count(_: &Store, _: &KeyRecord) -> Result<(), ApiError> {
        Ok(())
    }
}

/// May ask whether a user is banned: any live key. A game lets the player in when this call fails,
/// so it does not fail for want of a scope.
#[derive(Clone, Copy, Debug)]
pub struct CheckBans;

/// May read lists, polls and exports.
#[derive(Clone, Copy, Debug)]
pub struct ReadBans;

/// May make and lift Experience bans and confirm any.
#[derive(Clone, Copy, Debug)]
pub struct WriteBans;

impl Permission for CheckBans {
    fn demand(_: &KeyRecord) -> Result<(), ApiError> {
        Ok(())
    }

    fn count(store: &Store, key: &KeyRecord) -> Result<(), ApiError> {
        store.count_checks(key, 1)
    }
}

impl Permission for ReadBans {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(key, Scope::ReadBans, "this key lacks the scope bans:read")
    }
}

impl Permission for WriteBans {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(key, Scope::WriteBans, "this key lacks the scope bans:write")
    }
}

fn demand_secret(key: &KeyRecord, scope: Scope, lacking: &'static str) -> Result<(), ApiError> {
    match key.key_kind {
        KeyKind::Public => Err(ApiError::Forbidden(
            "a public key may only call POST /api/v1/is-banned: use a secret key",
        )),
        KeyKind::Secret if key.may(scope) => Ok(()),
        KeyKind::Secret => Err(ApiError::Forbidden(lacking)),
    }
}

impl Claim {
    /// The key that a request's headers carry.
    pub fn of(request: &ApiRequest, store: &Store) -> Result<Self, ApiError> {
        let headers = request.headers();
        let sent = headers
            .get(AUTHORIZATION)
            .ok_or(ApiError::Unauthorized("no key was sent"))?;
        let key = sent
            .to_str()
            .ok()
            .and_then(PlainKey::parse_authorization)
            .ok_or(ApiError::Unauthorized("the key is malformed"))?;
        let from_roblox = headers.contains_key("roblox-id");
        Ok(Self {
            key,
            store: store.clone(),
            trace: Arc::clone(request.trace()),
            from_roblox,
        })
    }

    /// Looks the key up and demands permission `P` of it.
    pub async fn verify<P: Permission>(&self) -> Result<Caller<P>, ApiError> {
        self.admit(self.store.key(&self.key).await?)
    }

    /// The same, and a user's standing, all in one round trip. A key in memory is judged before
    /// anything is read, so a call that is refused costs no read; what is read together with a key is
    /// only given to a caller whom it admits.
    pub async fn verify_with_standing<P: Permission>(
        &self,
        user: UserId,
        experience: ExperienceId,
    ) -> Result<(Caller<P>, Snapshot), ApiError> {
        if let Some(known) = self.store.known_key(&self.key) {
            let caller = self.admit(known.record())?;
            let snapshot = self
                .store
                .steady_standing(self.key.tag(), user, experience)
                .await?;
            return Ok((caller, snapshot));
        }
        let found = self
            .store
            .key_and_standing(&self.key, user, experience)
            .await?;
        let (key, snapshot) = found.unzip();
        let caller = self.admit(key)?;
        Ok((caller, snapshot.ok_or_else(no_such_key)?))
    }

    fn admit<P: Permission>(&self, key: Option<Arc<KeyRecord>>) -> Result<Caller<P>, ApiError> {
        let key = key.ok_or_else(no_such_key)?;
        if !key.is_live(Moment::now().seconds()) {
            return Err(ApiError::Unauthorized("the key is revoked or expired"));
        }
        if key.workspace.tag() != self.key.tag() || key.key_kind != self.key.kind() {
            return Err(ApiError::Internal(
                "the key is stored under another workspace".to_owned(),
            ));
        }
        self.trace.identify(key.workspace, &key.key_id);
        P::demand(&key)?;
        P::count(&self.store, &key)?;
        Ok(Caller {
            key,
            from_roblox: self.from_roblox,
            permission: PhantomData,
        })
    }
}

fn no_such_key() -> ApiError {
    ApiError::Unauthorized("the key is unknown")
}

impl<P> Caller<P> {
    /// The caller's workspace.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.key.workspace
    }

    /// What begins each of the workspace's table keys.
    #[must_use]
    pub fn tag(&self) -> WorkspaceTag {
        self.key.workspace.tag()
    }

    /// The public id of the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key.key_id
    }

    /// Whether a Roblox game server calls.
    #[must_use]
    pub const fn is_game_server(&self) -> bool {
        self.from_roblox
    }

    /// Whether the caller may make bans and confirm any, whatever the route demands.
    #[must_use]
    pub fn may_write(&self) -> bool {
        WriteBans::demand(&self.key).is_ok()
    }

    /// How bans are shown to the caller, in answers and errors. A Roblox game server gets booleans,
    /// since in Luau `0` is true.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> View {
        let flags = match (self.key.flags, self.from_roblox) {
            (FlagPin::Boolean, _) | (FlagPin::Auto, true) => FlagStyle::Boolean,
            (FlagPin::Integer, _) | (FlagPin::Auto, false) => FlagStyle::Integer,
        };
        View::of_key(&self.key, flags, now)
    }

    /// Whether [`Caller::view`] depends on who sends the request, not on the key alone.
    #[must_use]
    pub fn view_varies(&self) -> bool {
        self.key.flags == FlagPin::Auto
    }
}

impl Caller<CheckBans> {
    /// How the one ban of a check is shown: like any other, with all flags as booleans.
    #[must_use]
    pub fn check_view(&self, now: Timestamp) -> View {
        View::of_key(&self.key, FlagStyle::Boolean, now)
    }
}

impl Caller<WriteBans> {
    /// What the caller may decide, and how many bans.
    #[must_use]
    pub fn authority(&self, now: Timestamp) -> Authority {
        Authority {
            may_decide_globally: self.key.may(Scope::WriteGlobalBans),
            bounds: Bounds::Api {
                bans_per_hour: self.key.bans_per_hour,
            },
            view: self.view(now),
            view_varies: self.view_varies(),
        }
    }
}
