//! Turns the key of a request into a caller with a permission.

use std::marker::PhantomData;
use std::sync::Arc;

use lambda_http::http::header::AUTHORIZATION;

use crate::api::ApiRequest;
use crate::domain::actor::Channel;
use crate::domain::ban_info::{BanPresenter, FlagFormat};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::error::ApiError;
use crate::domain::ids::{PlaceId, UserId, WorkspaceId, WorkspacePrefix};
use crate::domain::keys::{KeyKind, PlainKey};
use crate::domain::keys::{KeyRecord, KeyScope, PinnedFlagFormat};
use crate::domain::rules::Standing;
use crate::moderation::Authority;
use crate::store::{CallerLimits, LinkRights, Store};
use crate::telemetry::RequestLog;

/// A well-formed key from a request, not looked up yet.
#[derive(Clone, Debug)]
pub struct UnverifiedKey {
    key: PlainKey,
    trace: Arc<RequestLog>,
    from_roblox: bool,
}

/// A caller whose valid key has permission `P`.
#[derive(Clone, Debug)]
pub struct Caller<P> {
    key: Arc<KeyRecord>,
    from_roblox: bool,
    permission: PhantomData<P>,
}

/// What a route requires of a key.
pub trait Permission {
    /// Refuses a key that lacks the permission.
    fn demand(key: &KeyRecord) -> Result<(), ApiError>;

    /// Counts the call against the key's cap, and refuses it if that is reached.
    fn count(_: &Store, _: &KeyRecord) -> Result<(), ApiError> {
        Ok(())
    }
}

/// May check bans: any valid key. Games let the player in when this call fails, so it does not fail
/// for a missing scope.
#[derive(Clone, Copy, Debug)]
pub struct CheckBans;

/// May check the bans of many users at once: any valid key. The checks are not counted yet.
#[derive(Clone, Copy, Debug)]
pub struct CheckManyUsers;

/// May read lists, polls and exports.
#[derive(Clone, Copy, Debug)]
pub struct ReadBans;

/// May make and lift Experience bans and report any ban.
#[derive(Clone, Copy, Debug)]
pub struct WriteBans;

/// May make and lift bans of many users in one call.
#[derive(Clone, Copy, Debug)]
pub struct BulkBans;

/// May read evidence.
#[derive(Clone, Copy, Debug)]
pub struct ReadEvidence;

/// May add, change and remove evidence.
#[derive(Clone, Copy, Debug)]
pub struct WriteEvidence;

/// May change the roles of members in the groups that the operator allows.
#[derive(Clone, Copy, Debug)]
pub struct WriteGroups;

impl Permission for CheckBans {
    fn demand(_: &KeyRecord) -> Result<(), ApiError> {
        Ok(())
    }

    fn count(store: &Store, key: &KeyRecord) -> Result<(), ApiError> {
        store.count_checks(key, 1)
    }
}

impl Permission for CheckManyUsers {
    fn demand(_: &KeyRecord) -> Result<(), ApiError> {
        Ok(())
    }
}

impl Permission for ReadBans {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::ReadBans,
            "this key lacks the scope bans:read",
        )
    }
}

impl Permission for WriteBans {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::WriteBans,
            "this key lacks the scope bans:write",
        )
    }
}

impl Permission for BulkBans {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        WriteBans::demand(key)?;
        demand_secret(
            key,
            KeyScope::BulkBans,
            "this key lacks the scope bans:bulk, which bulk calls require besides bans:write",
        )
    }
}

/// A permission to decide about bans.
pub trait DecideBans: Permission {}

impl DecideBans for WriteBans {}

impl DecideBans for BulkBans {}

impl Permission for ReadEvidence {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::ReadEvidence,
            "this key lacks the scope evidence:read",
        )
    }
}

impl Permission for WriteEvidence {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::WriteEvidence,
            "this key lacks the scope evidence:write",
        )
    }
}

impl Permission for WriteGroups {
    fn demand(key: &KeyRecord) -> Result<(), ApiError> {
        demand_secret(
            key,
            KeyScope::WriteGroups,
            "this key lacks the scope groups:write",
        )
    }
}

pub(super) fn demand_secret(
    key: &KeyRecord,
    scope: KeyScope,
    lacking: &'static str,
) -> Result<(), ApiError> {
    match key.key_kind {
        KeyKind::Public => Err(ApiError::Forbidden(
            "a public key may only call POST /api/v1/is-banned and POST /api/v1/is-banned/batch: \
             use a secret key",
        )),
        KeyKind::Secret if key.may(scope) => Ok(()),
        KeyKind::Secret => Err(ApiError::Forbidden(lacking)),
    }
}

impl UnverifiedKey {
    /// The key in a request's headers.
    pub fn of(request: &ApiRequest) -> Result<Self, ApiError> {
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
            trace: Arc::clone(request.trace()),
            from_roblox,
        })
    }

    /// Looks up the key and requires permission `P`.
    pub async fn verify<P: Permission>(&self, store: &Store) -> Result<Caller<P>, ApiError> {
        self.admit(store.key(&self.key).await?, store)
    }

    /// Like `verify`, and reads a user's standing in the same round trip. A cached key is judged
    /// before anything is read, so a refused call costs no read; what is read together with a key
    /// is only returned if the key has the permission.
    pub async fn verify_with_standing<P: Permission>(
        &self,
        store: &Store,
        user: UserId,
        place: PlaceId,
    ) -> Result<(Caller<P>, Standing), ApiError> {
        if let Some(known) = store.known_key(&self.key) {
            let caller = self.admit(known.record(), store)?;
            let prefix = self.key.prefix();
            let standing = store.standing_in_place(prefix, user, place).await?;
            return Ok((caller, standing));
        }
        let found = store.key_and_standing(&self.key, user, place).await?;
        let (key, standing) = found.unzip();
        let caller = self.admit(key, store)?;
        Ok((caller, standing.ok_or_else(no_such_key)?))
    }

    fn admit<P: Permission>(
        &self,
        key: Option<Arc<KeyRecord>>,
        store: &Store,
    ) -> Result<Caller<P>, ApiError> {
        let key = key.ok_or_else(no_such_key)?;
        if !key.is_live(UnixMillis::now().seconds()) {
            return Err(ApiError::Unauthorized("the key is revoked or expired"));
        }
        if key.workspace.prefix() != self.key.prefix() || key.key_kind != self.key.kind() {
            return Err(ApiError::Internal(
                "the key is stored under another workspace".to_owned(),
            ));
        }
        self.trace.identify(key.workspace, &key.key_id);
        P::demand(&key)?;
        P::count(store, &key)?;
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
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.key.workspace
    }

    /// The prefix of the workspace's table keys.
    #[must_use]
    pub fn prefix(&self) -> WorkspacePrefix {
        self.key.workspace.prefix()
    }

    /// The public id of the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key.key_id
    }

    /// Whether the caller is a Roblox game server.
    #[must_use]
    pub const fn is_game_server(&self) -> bool {
        self.from_roblox
    }

    /// The channel of what the caller decides.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        if self.from_roblox {
            Channel::Game
        } else {
            Channel::Api
        }
    }

    /// Whether the key has `bans:write`, whatever the route requires.
    #[must_use]
    pub fn may_write(&self) -> bool {
        WriteBans::demand(&self.key).is_ok()
    }

    /// What the key may do about links.
    #[must_use]
    pub fn link_rights(&self) -> LinkRights {
        LinkRights {
            prefix: self.prefix(),
            may_write: self.may_write(),
        }
    }

    /// How bans are shown to the caller, in answers and errors. A Roblox game server gets booleans,
    /// because `0` is true in Luau.
    #[must_use]
    pub fn presenter(&self, now: UnixSeconds) -> BanPresenter {
        let flags = match (self.key.flags, self.from_roblox) {
            (PinnedFlagFormat::Boolean, _) | (PinnedFlagFormat::Auto, true) => FlagFormat::Boolean,
            (PinnedFlagFormat::Integer, _) | (PinnedFlagFormat::Auto, false) => FlagFormat::Integer,
        };
        BanPresenter::of_key(&self.key, flags, now)
    }

    /// Whether [`Caller::presenter`] depends on the sender of the request and not on the key alone.
    #[must_use]
    pub fn needs_vary_header(&self) -> bool {
        self.key.flags == PinnedFlagFormat::Auto
    }
}

impl Caller<CheckManyUsers> {
    /// Counts the checks of a call against the key's cap, and refuses the call if that is reached.
    pub fn count_checks(self, store: &Store, checks: usize) -> Result<Caller<CheckBans>, ApiError> {
        let checks = u32::try_from(checks).unwrap_or(u32::MAX);
        store.count_checks(&self.key, checks)?;
        Ok(Caller {
            key: self.key,
            from_roblox: self.from_roblox,
            permission: PhantomData,
        })
    }
}

impl Caller<CheckBans> {
    /// Whether the key has `evidence:read`, which a check does not require.
    #[must_use]
    pub fn may_read_evidence(&self) -> bool {
        ReadEvidence::demand(&self.key).is_ok()
    }

    /// How a check shows its ban: like any other, with all flags as booleans.
    #[must_use]
    pub fn check_presenter(&self, now: UnixSeconds) -> BanPresenter {
        BanPresenter::of_key(&self.key, FlagFormat::Boolean, now)
    }
}

impl<P: DecideBans> Caller<P> {
    /// What the caller may decide, and how many bans.
    #[must_use]
    pub fn authority(&self, now: UnixSeconds) -> Authority {
        Authority {
            may_decide_globally: self.key.may(KeyScope::WriteGlobalBans),
            limits: CallerLimits::Api {
                bans_per_hour: self.key.bans_per_hour,
            },
            presenter: self.presenter(now),
            needs_vary_header: self.needs_vary_header(),
        }
    }
}
