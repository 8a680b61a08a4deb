//! The names of users in this command: typed instead of ids, and shown beside them.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Serialize, Serializer};
use shared::domain::ids::{ModeratorId, UserId, WorkspacePrefix};
use shared::domain::user_name::RobloxName;
use shared::domain::user_reference::UserReference;
use shared::integrations::roblox::UsersApi;
use shared::moderation::names::Names;
use shared::store::Store;

use crate::connection::LocalStack;

/// The time for the names beside ids. An operator's network may be slower than that of a function.
const DISPLAY_TIME: Duration = Duration::from_secs(1);

/// The time for the cache to be written before the command ends.
const CACHE_TIME: Duration = Duration::from_millis(500);

/// Stands for the tables in a command that works through the API: there is no cache.
pub const NO_TABLES: Option<&Store> = None;

/// A user, with their name if it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedUser {
    #[serde(rename = "userId")]
    pub id: UserId,
    pub name: Option<String>,
}

impl From<UserId> for NamedUser {
    fn from(id: UserId) -> Self {
        Self { id, name: None }
    }
}

/// In a sentence: `@builderman (156)`.
impl Display for NamedUser {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "@{name} ({})", self.id),
            None => self.id.fmt(f),
        }
    }
}

impl NamedUser {
    /// In a table: `156 @builderman`.
    pub fn cell(&self) -> String {
        match &self.name {
            Some(name) => format!("{} @{name}", self.id),
            None => self.id.to_string(),
        }
    }

    /// Only the name, for a record that has the id under another title.
    pub fn serialize_name<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

/// Looks up names, unless that is off.
#[derive(Debug)]
pub struct UserNames {
    is_on: bool,
    /// Whether the database, or the API, runs on this machine: its users may be invented.
    is_local: bool,
    names: OnceLock<Option<Names>>,
}

impl UserNames {
    pub const fn new(is_on: bool, is_local: bool) -> Self {
        Self {
            is_on,
            is_local,
            names: OnceLock::new(),
        }
    }

    /// Names are looked up at `ROBLOX_USERS_URL`, or else at the local stack's stand-in, or else at
    /// Roblox itself, but not there for a local database or a local API.
    async fn open(&self, store: Option<&Store>) -> Option<&Names> {
        if let Some(known) = self.names.get() {
            return known.as_ref();
        }
        let is_set = std::env::var_os("ROBLOX_USERS_URL").is_some();
        let users = if !self.is_on {
            None
        } else if is_set || !self.is_local {
            Some(UsersApi::from_environment())
        } else if let Some(store) = store {
            let local = LocalStack::read(store).await;
            local.map(|local| UsersApi::at(&local.roblox))
        } else {
            None
        };
        let users = users.transpose().unwrap_or_else(|error| {
            warning!("names are not looked up: {error}");
            None
        });
        self.names.get_or_init(|| users.map(Names::new)).as_ref()
    }

    /// The users whom the operator means, in their order. Each typed name is printed with its id.
    pub async fn find_all(
        &self,
        store: impl Into<Option<&Store>>,
        users: &[UserReference],
    ) -> Result<Vec<NamedUser>> {
        let ids = users.iter().map(|user| match user {
            UserReference::Id(id) => Ok(NamedUser::from(*id)),
            UserReference::Name(name) => Err(name),
        });
        let typed = match ids.collect::<Result<Vec<_>, _>>() {
            Ok(ids) => return Ok(ids),
            Err(typed) => typed,
        };
        let names = self.open(store.into()).await.with_context(|| {
            format!(
                "{typed} is not looked up (--no-names, or an installation on this machine without \
                 ROBLOX_USERS_URL): use the user's id"
            )
        })?;
        let found = names.resolve_all(users).await?;
        let found = found.into_iter().map(|(id, name)| {
            let name = name.map(|name| name.name().to_owned());
            NamedUser { id, name }
        });
        let found: Vec<_> = found.collect();
        for user in found.iter().filter(|user| user.name.is_some()) {
            note!("{user}");
        }
        Ok(found)
    }

    pub async fn find(
        &self,
        store: impl Into<Option<&Store>>,
        user: &UserReference,
    ) -> Result<NamedUser> {
        let mut found = self.find_all(store, std::slice::from_ref(user)).await?;
        found.pop().context("no user given")
    }

    /// The user of an option that may be left out.
    pub async fn find_given(
        &self,
        store: impl Into<Option<&Store>>,
        user: Option<&UserReference>,
    ) -> Result<Option<NamedUser>> {
        match user {
            Some(user) => Ok(Some(self.find(store, user).await?)),
            None => Ok(None),
        }
    }

    /// A user, and the moderator who decides about them.
    pub async fn find_with_moderator(
        &self,
        store: impl Into<Option<&Store>>,
        user: &UserReference,
        moderator: Option<&UserReference>,
    ) -> Result<(NamedUser, Option<ModeratorId>)> {
        let both: Vec<_> = [Some(user), moderator]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let mut found = self.find_all(store, &both).await?.into_iter();
        let user = found.next().context("no user given")?;
        Ok((user, found.next().map(|moderator| moderator.id.into())))
    }

    /// What is known in time of the names of users.
    pub async fn shown(
        &self,
        store: &Store,
        prefix: WorkspacePrefix,
        users: impl IntoIterator<Item = UserId>,
    ) -> HashMap<UserId, RobloxName> {
        match self.open(Some(store)).await {
            Some(names) => names.shown(store, prefix, users, DISPLAY_TIME).await,
            None => HashMap::new(),
        }
    }

    /// Names the users of an output who are not named yet, as far as their names are known in time.
    pub async fn complete(
        &self,
        store: &Store,
        prefix: WorkspacePrefix,
        users: impl IntoIterator<Item = &mut NamedUser>,
    ) {
        let users = unnamed(users);
        let names = self.shown(store, prefix, ids(&users)).await;
        set_names(users, &names);
    }

    /// The same for a command that works through the API, which has no cache.
    pub async fn complete_remote(&self, users: impl IntoIterator<Item = &mut NamedUser>) {
        let users = unnamed(users);
        let names = self.shown_remote(ids(&users)).await;
        set_names(users, &names);
    }

    /// What Roblox answers in time.
    pub async fn shown_remote(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> HashMap<UserId, RobloxName> {
        match self.open(NO_TABLES).await {
            Some(names) => names.looked_up(users, DISPLAY_TIME).await,
            None => HashMap::new(),
        }
    }

    /// Waits a little until what was looked up is cached.
    pub async fn finish(&self) {
        if let Some(Some(names)) = self.names.get() {
            names.finish(CACHE_TIME).await;
        }
    }
}

fn unnamed<'a>(users: impl IntoIterator<Item = &'a mut NamedUser>) -> Vec<&'a mut NamedUser> {
    let users = users.into_iter();
    users.filter(|user| user.name.is_none()).collect()
}

fn ids(users: &[&mut NamedUser]) -> Vec<UserId> {
    users.iter().map(|user| user.id).collect()
}

fn set_names(users: Vec<&mut NamedUser>, names: &HashMap<UserId, RobloxName>) {
    for user in users {
        user.name = names.get(&user.id).map(|name| name.name().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_shown_with_the_name_if_it_is_known() {
        let mut user = NamedUser::from(UserId::new(156).unwrap());
        assert_eq!(
            (user.to_string(), user.cell()),
            ("156".into(), "156".into())
        );
        user.name = Some("builderman".to_owned());
        assert_eq!(user.to_string(), "@builderman (156)");
        assert_eq!(user.cell(), "156 @builderman");
    }
}
