//! The ranks of users in groups, for many users after each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Roblox, RobloxError};
use crate::cache::TtlCache;
use crate::domain::clock::{Reading, UnixMillis};
use crate::domain::ids::{GroupId, UserId};
use crate::domain::lock::lock;
use crate::domain::rules::group_roles::{CallWindow, GroupRole, Rank};
use crate::integrations::secrets::{SecretError, SecretStore};

/// How long the roles of a group are used without reading them again.
const ROLES_TTL: Duration = Duration::from_mins(10);

/// The most pages of 20 roles that are read.
const MOST_PAGES: usize = 50;

/// How long a group is not asked about after a failure, unless Roblox says so.
const PAUSE: Duration = Duration::from_secs(30);

/// The Open Cloud key with which a group is read.
#[derive(Clone, Copy, Debug)]
pub struct GroupKey<'a> {
    pub group: GroupId,
    /// The name or ARN of the secret.
    pub secret: &'a str,
    /// The user who owns the key: Roblox counts the calls of all their keys together.
    pub owner: Option<UserId>,
}

/// Why a rank is not known now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownRank {
    #[error("{0}")]
    Secret(SecretError),
    #[error("{0}")]
    Roblox(RobloxError),
    /// The group has failed a moment ago, or Roblox allows no call yet.
    #[error("the group is not asked about for a moment")]
    Paused,
}

/// Reads ranks, as long as its environment lives.
#[derive(Debug)]
pub struct GroupRanks {
    roblox: Roblox,
    secrets: SecretStore,
    /// By the secret with which they are read.
    roles: TtlCache<(String, GroupId), Arc<[GroupRole]>>,
    paused: TtlCache<(String, GroupId), Duration>,
    /// By the owner of the keys, or the secret of one without a known owner.
    windows: Mutex<HashMap<String, CallWindow>>,
}

impl GroupRanks {
    #[must_use]
    pub fn new(roblox: Roblox, secrets: SecretStore) -> Self {
        Self {
            roblox,
            secrets,
            roles: TtlCache::default(),
            paused: TtlCache::default(),
            windows: Mutex::default(),
        }
    }

    /// The highest rank of a user in a group, 0 outside of it.
    pub async fn rank(&self, key: GroupKey<'_>, user: UserId) -> Result<Rank, UnknownRank> {
        let name = (key.secret.to_owned(), key.group);
        if self.paused.get(&name, |pause| *pause).is_some() {
            return Err(UnknownRank::Paused);
        }
        let asked = Reading::now();
        let rank = self.read(key, user, &name).await;
        if let Err(error) = &rank
            && *error != UnknownRank::Paused
        {
            let pause = match error {
                UnknownRank::Roblox(RobloxError::RateLimited { retry_after }) => *retry_after,
                _ => None,
            };
            self.paused.put(name, pause.unwrap_or(PAUSE), asked);
        }
        rank
    }

    async fn read(
        &self,
        key: GroupKey<'_>,
        user: UserId,
        name: &(String, GroupId),
    ) -> Result<Rank, UnknownRank> {
        let secret = self.secrets.key(key.secret).await;
        let secret = secret.map_err(UnknownRank::Secret)?;
        self.take_call(key)?;
        let member = self.roblox.group_member(&secret, key.group, user).await;
        let Some(member) = member.map_err(UnknownRank::Roblox)? else {
            return Ok(Rank::default());
        };
        let highest = |roles: &[GroupRole]| {
            let rank = |held| Some(roles.iter().find(|role| role.id == held)?.rank);
            let ranks: Option<Vec<_>> = member.roles.iter().copied().map(rank).collect();
            ranks?.into_iter().max()
        };
        let cached = self.roles.get(name, |_| ROLES_TTL);
        if let Some(rank) = cached.as_deref().and_then(highest) {
            return Ok(rank);
        }
        let (looked_up, mut roles, mut after) = (Reading::now(), Vec::new(), None);
        for _ in 0..MOST_PAGES {
            self.take_call(key)?;
            let page = self
                .roblox
                .group_roles(&secret, key.group, after.as_deref());
            let page = page.await.map_err(UnknownRank::Roblox)?;
            roles.extend(page.roles);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let rank = highest(&roles);
        self.roles.put(name.clone(), roles.into(), looked_up);
        rank.ok_or_else(|| {
            let unlisted = "the member holds a role that Roblox does not list";
            UnknownRank::Roblox(RobloxError::Unavailable(unlisted.to_owned()))
        })
    }

    fn take_call(&self, key: GroupKey<'_>) -> Result<(), UnknownRank> {
        let by_secret = || key.secret.to_owned();
        let payer = key.owner.map_or_else(by_secret, |owner| owner.to_string());
        let mut windows = lock(&self.windows);
        let taken = windows.entry(payer).or_default().take(UnixMillis::now());
        taken.map_err(|_| UnknownRank::Paused)
    }
}
