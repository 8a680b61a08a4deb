//! The rules that give roles on Discord, and how far they are applied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::account_links::{AccountLink, LinkSide};
use crate::domain::error::ApiError;
use crate::domain::history::LogPosition;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::role_rules::RoleRule;
use crate::store::Store;
use crate::store::account_links::LinkItem;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, ACCOUNT_LINK_SHARDS, Key, StoredKind};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::store) struct RoleRulesItem {
    pub version: u64,
    pub rules: Vec<RoleRule>,
}

/// A workspace whose rules give roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuledWorkspace {
    pub prefix: WorkspacePrefix,
    pub rules: Vec<RoleRule>,
    /// None until the rules are applied for the first time.
    pub state: Option<RoleSyncState>,
}

/// How far the rules of a workspace are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSyncState {
    /// The next link in turn.
    #[serde(flatten)]
    pub turn: LinkTurn,
    /// The event up to which the events of links and bans are applied.
    #[serde(flatten)]
    pub events: SyncedEvents,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedEvents {
    epoch: u64,
    position: u64,
}

/// A place in the circle of a workspace's links.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTurn {
    shard: u64,
    /// Where to continue in the shard: a text between two users, which names neither as a rule. Empty for
    /// its beginning.
    from: String,
}

impl From<LogPosition> for SyncedEvents {
    fn from(LogPosition { epoch, position }: LogPosition) -> Self {
        Self { epoch, position }
    }
}

impl From<SyncedEvents> for LogPosition {
    fn from(SyncedEvents { epoch, position }: SyncedEvents) -> Self {
        Self { epoch, position }
    }
}

impl LinkTurn {
    #[must_use]
    pub const fn begins_a_shard(&self) -> bool {
        self.from.is_empty()
    }

    /// The turn after some links of the shard, before `next` if there are more.
    fn after(&self, last: Option<&str>, next: Option<&str>) -> Self {
        match (last, next) {
            (Some(last), Some(next)) => Self {
                shard: self.shard,
                from: between(last, next),
            },
            _ => Self {
                shard: self
                    .shard
                    .saturating_add(1)
                    .checked_rem(ACCOUNT_LINK_SHARDS)
                    .unwrap_or(0),
                from: String::new(),
            },
        }
    }
}

/// The shortest text that sorts after `last`, and not after `next`.
fn between(last: &str, next: &str) -> String {
    let common = last.chars().zip(next.chars()).take_while(|(a, b)| a == b);
    next.chars()
        .take(common.count().saturating_add(1))
        .collect()
}

impl Store {
    /// The workspaces that have rules which give roles, with these; eventually consistent.
    pub async fn ruled_workspaces(&self) -> Result<Vec<RuledWorkspace>, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .key_condition_expression("pk = :rules")
            .expression_attribute_values(":rules", text(schema::ROLE_RULES));
        let (mut found, mut states) = (Vec::new(), BTreeMap::new());
        for item in self.database.query_all(query).await? {
            let Some(key) = Key::of(&item) else { continue };
            if let Some(prefix) = key.sk.strip_suffix(schema::ROLE_SYNC_SUFFIX) {
                let prefix: WorkspacePrefix = prefix.parse().map_err(|_| unreadable())?;
                states.insert(prefix.to_string(), items::read::<RoleSyncState>(item)?);
            } else {
                let prefix: WorkspacePrefix = key.sk.parse().map_err(|_| unreadable())?;
                let RoleRulesItem { rules, .. } = items::read(item)?;
                found.push(RuledWorkspace {
                    prefix,
                    rules,
                    state: None,
                });
            }
        }
        found.retain(|workspace| !workspace.rules.is_empty());
        for workspace in &mut found {
            workspace.state = states.remove(&workspace.prefix.to_string());
        }
        Ok(found)
    }

    /// The rules of a workspace that give roles; strongly consistent.
    pub async fn role_rules(&self, prefix: WorkspacePrefix) -> Result<Vec<RoleRule>, ApiError> {
        let found = self.database.get(Key::role_rules(prefix)).await?;
        let item = found.map(items::read::<RoleRulesItem>).transpose()?;
        Ok(item.unwrap_or_default().rules)
    }

    /// Records how far the rules of a workspace are applied.
    pub async fn save_role_sync(
        &self,
        prefix: WorkspacePrefix,
        state: &RoleSyncState,
    ) -> Result<(), ApiError> {
        let item = items::write(Key::role_sync(prefix), StoredKind::RoleSync, state)?;
        let put = self.database.putting(item)?;
        self.database.put(put).await?;
        Ok(())
    }

    /// At most `limit` links of one shard in turn, and whose turn is next; eventually consistent.
    pub async fn links_in_turn(
        &self,
        prefix: WorkspacePrefix,
        turn: &LinkTurn,
        limit: usize,
    ) -> Result<(Vec<AccountLink>, LinkTurn), ApiError> {
        let one_more = limit.saturating_add(1);
        let mut query = self
            .database
            .querying()
            .expression_attribute_values(":links", text(schema::roblox_links(prefix, turn.shard)))
            .limit(i32::try_from(one_more).unwrap_or(i32::MAX));
        query = if turn.from.is_empty() {
            query.key_condition_expression("pk = :links")
        } else {
            query
                .key_condition_expression("pk = :links AND sk >= :from")
                .expression_attribute_values(":from", text(&turn.from))
        };
        let (found, _) = self.database.query(query).await?;
        let keys: Vec<_> = found.iter().filter_map(Key::of).map(|key| key.sk).collect();
        let last = keys.get(..limit).and_then(<[_]>::last);
        let next = turn.after(
            last.map(String::as_str),
            keys.get(limit).map(String::as_str),
        );
        let links = found.into_iter().take(limit);
        let read = |item| items::read::<LinkItem>(item).map(|item| item.link());
        let links: Result<_, DatabaseError> = links.map(read).collect();
        Ok((links?, next))
    }

    /// The links of accounts that have one.
    pub async fn links_of(
        &self,
        prefix: WorkspacePrefix,
        accounts: &[LinkSide],
    ) -> Result<Vec<AccountLink>, ApiError> {
        let found = self.account_links(prefix, accounts).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn unreadable() -> DatabaseError {
    DatabaseError::Refused("rules without a workspace".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_between_two_users_is_as_short_as_possible() {
        for (last, next, expected) in [
            ("1568484", "157", "157"),
            ("1568484", "1571234567", "157"),
            ("156", "1561234", "1561"),
            ("1", "9", "9"),
        ] {
            let place = between(last, next);
            assert_eq!(place, expected);
            assert!(last < place.as_str() && place.as_str() <= next);
        }
    }

    #[test]
    fn turn_continues_in_the_next_shard_and_after_the_last_in_the_first() {
        let at = |shard, from: &str| LinkTurn {
            shard,
            from: from.to_owned(),
        };
        assert_eq!(at(3, "2").after(Some("25"), Some("31")), at(3, "3"));
        assert_eq!(at(3, "2").after(None, None), at(4, ""));
        assert_eq!(
            at(ACCOUNT_LINK_SHARDS - 1, "2").after(None, None),
            at(0, "")
        );
    }
}
