//! The names of users, from Roblox: beside ids within a short time, and for actions fresh.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::domain::clock::UnixMillis;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::lock::lock;
use crate::domain::user_name::{self, NameError, RobloxName, RobloxUser, UserName};
use crate::domain::user_reference::UserReference;
use crate::integrations::roblox::{MOST_USERS, RobloxError, UsersApi};
use crate::store::Store;

/// The time for the names beside ids.
pub const DISPLAY_TIME: Duration = Duration::from_millis(500);

/// The time for the names that an action is about.
pub const ACTION_TIME: Duration = Duration::from_millis(2500);

/// How many cached names are read for one output.
const MOST_READ: usize = 1000;

/// How long Roblox is not asked for names to show after it has not answered, unless it says so.
const PAUSE: Duration = Duration::from_secs(10);

/// Looks up names. It lives as long as its environment.
#[derive(Debug)]
pub struct Names {
    users: UsersApi,
    /// Until when Roblox is not asked for names to show.
    paused_until: Mutex<UnixMillis>,
    /// The writes to the cache that are in progress.
    writes: Mutex<JoinSet<()>>,
}

impl Names {
    #[must_use]
    pub fn new(users: UsersApi) -> Self {
        Self {
            users,
            paused_until: Mutex::new(UnixMillis::from_millis(0)),
            writes: Mutex::default(),
        }
    }

    /// The names of users as far as they are known `within` this time: from the cache, and for up to
    /// [`MOST_USERS`] others from Roblox. What was looked up is cached beside the answer.
    pub async fn shown(
        &self,
        store: &Store,
        prefix: WorkspacePrefix,
        users: impl IntoIterator<Item = UserId>,
        within: Duration,
    ) -> HashMap<UserId, RobloxName> {
        let by = Instant::now()
            .checked_add(within)
            .unwrap_or_else(Instant::now);
        let users: BTreeSet<_> = users.into_iter().take(MOST_READ).collect();
        if users.is_empty() {
            return HashMap::new();
        }
        let now = UnixMillis::now().seconds();
        let reading = store.cached_names(prefix, &users, now);
        let read = timeout_at(by, Box::pin(reading)).await;
        // A name that cannot be read is looked up, like one that is not cached.
        let cached = read.ok().and_then(Result::ok).unwrap_or_default();
        let mut names = cached.names;
        let missing = users.iter().filter(|user| !names.contains_key(user));
        let missing: Vec<_> = missing.copied().take(MOST_USERS).collect();
        let found = self.found_by(by, &missing).await;
        if found.is_empty() {
            return names;
        }
        let new = found.iter().map(|user| (user.id, user.name.clone()));
        names.extend(new);
        let (store, expired) = (store.clone(), cached.expired);
        let mut writes = lock(&self.writes);
        while writes.try_join_next().is_some() {}
        writes.spawn(async move {
            store.cache_names(prefix, &found, &expired, now).await;
        });
        names
    }

    /// The names of up to [`MOST_USERS`] users without the cache, for a program that has no access to
    /// the tables.
    pub async fn looked_up(
        &self,
        users: impl IntoIterator<Item = UserId>,
        within: Duration,
    ) -> HashMap<UserId, RobloxName> {
        let by = Instant::now()
            .checked_add(within)
            .unwrap_or_else(Instant::now);
        let users: BTreeSet<_> = users.into_iter().collect();
        let users: Vec<_> = users.into_iter().take(MOST_USERS).collect();
        let found = self.found_by(by, &users).await.into_iter();
        found.map(|user| (user.id, user.name)).collect()
    }

    /// Whom Roblox knows of these users by this time.
    async fn found_by(&self, by: Instant, missing: &[UserId]) -> Vec<RobloxUser> {
        if missing.is_empty() || *lock(&self.paused_until) > UnixMillis::now() {
            return Vec::new();
        }
        let pause = match timeout_at(by, self.users.by_id(missing)).await {
            Ok(Ok(found)) => return found,
            Ok(Err(RobloxError::RateLimited { retry_after })) => retry_after.unwrap_or(PAUSE),
            Ok(Err(_)) | Err(_) => PAUSE,
        };
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        *lock(&self.paused_until) = UnixMillis::now().plus(pause);
        Vec::new()
    }

    /// The user whom a person means, looked up now, within [`ACTION_TIME`]; for an id without a
    /// name. It does not use the cache, so an erasure by name leaves nothing behind.
    pub async fn resolve(
        &self,
        user: &UserReference,
    ) -> Result<(UserId, Option<RobloxName>), NameError> {
        let mut found = self.resolve_all(std::slice::from_ref(user)).await?;
        match (found.pop(), user) {
            (Some(found), _) => Ok(found),
            (None, UserReference::Id(id)) => Ok((*id, None)),
            (None, UserReference::Name(name)) => Err(NameError::Unknown(name.clone())),
        }
    }

    /// The same for several, in their order; fails for the first that stands for no user.
    pub async fn resolve_all(
        &self,
        users: &[UserReference],
    ) -> Result<Vec<(UserId, Option<RobloxName>)>, NameError> {
        self.resolve_each(users).await.into_iter().collect()
    }

    /// The same, with the reason for each that stands for no user.
    pub async fn resolve_each(
        &self,
        users: &[UserReference],
    ) -> Vec<Result<(UserId, Option<RobloxName>), NameError>> {
        let names = users.iter().filter_map(|user| match user {
            UserReference::Name(name) => Some(name.clone()),
            UserReference::Id(_) => None,
        });
        let names: Vec<_> = names.collect();
        let found = if names.is_empty() {
            Some(HashMap::new())
        } else {
            let owners = timeout(ACTION_TIME, self.owners(&names)).await;
            owners.ok().and_then(Result::ok)
        };
        let known = |user: &UserReference| match user {
            UserReference::Id(id) => Ok((*id, None)),
            UserReference::Name(name) => {
                let found = found
                    .as_ref()
                    .ok_or_else(|| NameError::Unanswered(name.clone()))?;
                let owner = found.get(&name.as_str().to_ascii_lowercase()).cloned();
                let owner = user_name::owner(name, owner)?;
                Ok((owner.id, Some(owner.name)))
            }
        };
        users.iter().map(known).collect()
    }

    /// Whom Roblox finds under these names, by the name in lower case.
    async fn owners(&self, names: &[UserName]) -> Result<HashMap<String, RobloxUser>, RobloxError> {
        let mut owners = HashMap::new();
        for some in names.chunks(MOST_USERS) {
            let found = self.users.by_name(some).await?;
            let found = found.into_iter();
            owners.extend(found.map(|it| (it.requested.to_ascii_lowercase(), it.user)));
        }
        Ok(owners)
    }

    /// Waits until what was looked up is cached, at most this long: for a program that ends.
    pub async fn finish(&self, within: Duration) {
        let writes = std::mem::take(&mut *lock(&self.writes));
        // What takes longer is aborted, and looked up again.
        let _late = timeout(within, writes.join_all()).await;
    }
}
