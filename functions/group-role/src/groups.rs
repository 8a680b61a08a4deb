//! Groups at Roblox, within its rate limit, with their roles cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_http::Error;
use shared::api::App;
use shared::cache::TtlCache;
use shared::domain::clock::{Reading, UnixMillis};
use shared::domain::error::ApiError;
use shared::domain::ids::{GroupId, UserId};
use shared::domain::lock::lock;
use shared::domain::rules::group_roles::{CallWindow, GroupRole, RoleStep};
use shared::integrations::roblox::{GroupMember, Roblox, RobloxError, RobloxKey};
use shared::integrations::secrets::SecretStore;
use shared::store::GroupSettings;

use crate::failure;

/// How long the roles of a group are used without reading them again.
const ROLES_TTL: Duration = Duration::from_mins(10);

/// The most pages of 20 roles that are read.
const MOST_PAGES: usize = 50;

/// What one environment keeps between requests.
#[derive(Debug)]
pub struct Groups {
    roblox: Roblox,
    secrets: SecretStore,
    /// The roles of a group, as the key of a secret reads them.
    roles: TtlCache<(String, GroupId), Arc<[GroupRole]>>,
    /// Roblox counts the calls of all keys of one owner together.
    windows: Mutex<HashMap<Payer, CallWindow>>,
}

impl Groups {
    /// Clients with the settings of the environment.
    pub fn from_environment(app: &App) -> Result<Self, Error> {
        Ok(Self {
            roblox: Roblox::from_environment()?,
            secrets: SecretStore::new(app.config()),
            roles: TtlCache::default(),
            windows: Mutex::default(),
        })
    }

    /// A group, with its key read.
    pub async fn open<'a>(
        &'a self,
        group: GroupId,
        settings: &'a GroupSettings,
    ) -> Result<Group<'a>, ApiError> {
        let key = self.secrets.key(&settings.secret).await;
        Ok(Group {
            groups: self,
            id: group,
            settings,
            key: key.map_err(failure::of_secret)?,
        })
    }
}

/// Whom Roblox counts a call for, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Payer {
    Owner(UserId),
    Secret(String),
}

/// One group and its key.
#[derive(Debug)]
pub struct Group<'a> {
    groups: &'a Groups,
    id: GroupId,
    settings: &'a GroupSettings,
    key: RobloxKey,
}

impl Group<'_> {
    /// The group's roles from the cache, if it has them.
    pub fn cached_roles(&self) -> Option<Arc<[GroupRole]>> {
        self.groups.roles.get(&self.name(), |_| ROLES_TTL)
    }

    /// The group's roles, read now.
    pub async fn fresh_roles(&self) -> Result<Arc<[GroupRole]>, ApiError> {
        let looked_up = Reading::now();
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            self.take_call().map_err(failure::of_roblox)?;
            let roblox = &self.groups.roblox;
            let page = roblox.group_roles(&self.key, self.id, after.as_deref());
            let page = self.judged(page.await).map_err(failure::of_roblox)?;
            found.extend(page.roles);
            after = page.next;
            if after.is_none() {
                let roles: Arc<[GroupRole]> = found.into();
                let known = Arc::clone(&roles);
                self.groups.roles.put(self.name(), known, looked_up);
                return Ok(roles);
            }
        }
        Err(failure::busy(
            failure::PAUSE,
            "the list of roles has no end",
        ))
    }

    /// A user as a member of the group.
    pub async fn member(&self, user: UserId) -> Result<Option<GroupMember>, ApiError> {
        self.take_call().map_err(failure::of_roblox)?;
        let asking = self.groups.roblox.group_member(&self.key, self.id, user);
        self.judged(asking.await).map_err(failure::of_roblox)
    }

    /// Assigns or removes one role.
    pub async fn change(
        &self,
        member: &GroupMember,
        step: RoleStep,
    ) -> Result<GroupMember, RobloxError> {
        self.take_call()?;
        let roblox = &self.groups.roblox;
        let changing = roblox.change_roles(&self.key, self.id, member, step);
        self.judged(changing.await)
    }

    fn take_call(&self) -> Result<(), RobloxError> {
        let mut windows = lock(&self.groups.windows);
        let window = windows.entry(self.payer()).or_default();
        let taken = window.take(UnixMillis::now());
        taken.map_err(|pause| RobloxError::RateLimited {
            retry_after: Some(pause),
        })
    }

    /// Pauses the owner's calls if Roblox limits their rate.
    fn judged<T>(&self, answer: Result<T, RobloxError>) -> Result<T, RobloxError> {
        if let Err(RobloxError::RateLimited { retry_after }) = &answer {
            let pause = retry_after.unwrap_or(failure::PAUSE);
            let mut windows = lock(&self.groups.windows);
            let window = windows.entry(self.payer()).or_default();
            window.pause(pause, UnixMillis::now());
        }
        answer
    }

    fn name(&self) -> (String, GroupId) {
        (self.settings.secret.clone(), self.id)
    }

    fn payer(&self) -> Payer {
        let by_secret = || Payer::Secret(self.settings.secret.clone());
        self.settings.owner.map_or_else(by_secret, Payer::Owner)
    }
}
