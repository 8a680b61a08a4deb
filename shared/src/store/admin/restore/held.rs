//! A user's items in a table.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join;

use super::kinds::kind_of;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::domain::rules::Ban;
use crate::store::Store;
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items::{self, BanItem};
use crate::store::dynamo::schema::{self, Item, Key};

/// A user's items in a table, by key.
#[derive(Debug, Default)]
pub(super) struct HeldItems(pub BTreeMap<(String, String), Item>);

impl HeldItems {
    pub fn new(items: Vec<Item>) -> Self {
        let keyed = items
            .into_iter()
            .filter_map(|item| Key::of(&item).map(|key| ((key.pk, key.sk), item)));
        Self(keyed.collect())
    }

    pub fn get(&self, key: &Key) -> Option<&Item> {
        self.0.get(&(key.pk.clone(), key.sk.clone()))
    }

    /// The item under a key, unless it is missing or unreadable.
    pub fn read<T: serde::de::DeserializeOwned>(&self, key: &Key) -> Option<T> {
        self.get(key)
            .cloned()
            .and_then(|item| items::read(item).ok())
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Item> {
        self.0.values().filter(move |item| kind_of(item) == kind)
    }

    /// What shows that the user was known: items that no later ban of theirs would write again.
    pub fn traces(&self) -> BTreeSet<&(String, String)> {
        let lasting = ["activity", "ban", "decision", "expiry", "protected"];
        let items = self.0.iter();
        items
            .filter(|(_, item)| lasting.contains(&kind_of(item)))
            .map(|(key, _)| key)
            .collect()
    }

    pub fn largest_uid(&self) -> u64 {
        let bans = self.of_kind("ban").cloned();
        let bans = bans.filter_map(|item| items::read::<BanItem>(item).ok());
        bans.map(|item| Ban::from(item.ban).uid.0)
            .max()
            .unwrap_or(0)
    }

    pub fn experiences(&self) -> BTreeSet<ExperienceId> {
        let keys = self.of_kind("experience").filter_map(Key::of);
        keys.filter_map(|key| ExperienceId::in_key(key.sk.strip_prefix("E#")?))
            .collect()
    }
}

impl Store {
    pub(super) async fn held_of(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<HeldItems, DatabaseError> {
        let partition = schema::user_partition(prefix, user);
        let others = [Key::global(prefix, user), Key::protected(prefix, user)];
        let (mut items, others) = try_join(
            self.partition(&partition),
            self.database.batch_get(others, true),
        )
        .await?;
        items.extend(others);
        Ok(HeldItems::new(items))
    }

    /// Whether the table has anything that identifies the user.
    pub(super) async fn is_known(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<bool, DatabaseError> {
        Ok(!self.held_of(prefix, user).await?.traces().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    #[test]
    fn cached_name_does_not_show_that_a_user_was_not_erased() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let user = UserId::new(156).unwrap();
        let item = |key: Key, kind: &str| {
            let mut item = key.item();
            item.insert("kind".to_owned(), AttributeValue::S(kind.to_owned()));
            item
        };
        let name = item(Key::name(prefix, user), "name");
        assert!(HeldItems::new(vec![name.clone()]).traces().is_empty());
        let ban = item(Key::ban(prefix, user, 7.into()), "ban");
        assert_eq!(HeldItems::new(vec![name, ban]).traces().len(), 1);
    }
}
