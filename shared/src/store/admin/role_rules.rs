//! Changes the rules that give roles on Discord.

use aws_sdk_dynamodb::types::Put;

use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::role_rules::RoleRule;
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{Key, StoredKind};
use crate::store::dynamo::versions;
use crate::store::members::role_rules::RoleRulesItem;

/// How many times a change is decided again after a write conflict.
const ROUNDS: u32 = 10;

/// The workspace has the most rules, or groups named by them, that it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a workspace has at most {} rules that give roles, about at most {} Roblox groups",
    RoleRule::MOST,
    RoleRule::MOST_GROUPS
)]
pub struct TooManyRoleRules;

impl Store {
    /// Adds a rule, unless one that says the same is there, and returns that.
    pub async fn add_role_rule(
        &self,
        prefix: WorkspacePrefix,
        rule: &RoleRule,
    ) -> Result<Result<RoleRule, TooManyRoleRules>, ApiError> {
        let add = |rules: &mut Vec<RoleRule>| {
            let mut added = rules.clone();
            added.push(rule.clone());
            let is_there = rules.iter().any(|known| known.equals(rule));
            if !is_there && RoleRule::fit(&added) {
                *rules = added;
            }
        };
        let rules = self.change_role_rules(prefix, add).await?;
        let found = rules.into_iter().find(|known| known.equals(rule));
        Ok(found.ok_or(TooManyRoleRules))
    }

    /// Removes a rule and returns it, if it was there.
    pub async fn remove_role_rule(
        &self,
        prefix: WorkspacePrefix,
        is_meant: impl Fn(&RoleRule) -> bool,
    ) -> Result<Option<RoleRule>, ApiError> {
        let before = self.role_rules(prefix).await?;
        let Some(found) = before.into_iter().find(|rule| is_meant(rule)) else {
            return Ok(None);
        };
        let remove = |rules: &mut Vec<RoleRule>| rules.retain(|rule| rule.id != found.id);
        let left = self.change_role_rules(prefix, remove).await?;
        if left.is_empty() {
            self.database.delete(Key::role_sync(prefix)).await?;
        }
        Ok(Some(found))
    }

    /// Changes the rules, again on what another call has changed meanwhile.
    async fn change_role_rules(
        &self,
        prefix: WorkspacePrefix,
        change: impl Fn(&mut Vec<RoleRule>),
    ) -> Result<Vec<RoleRule>, ApiError> {
        let key = Key::role_rules(prefix);
        let table = self.database.table_of(&key).to_owned();
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let found = self.database.get(key.clone()).await?;
            let before = found.map(items::read::<RoleRulesItem>).transpose()?;
            let version = before.as_ref().map(|item| item.version);
            let old = before.map_or_else(Vec::new, |item| item.rules);
            let mut rules = old.clone();
            change(&mut rules);
            if rules == old {
                return Ok(rules);
            }
            let item = RoleRulesItem {
                version: versions::next_version(version),
                rules: rules.clone(),
            };
            let item = items::write(key.clone(), StoredKind::RoleRules, item)?;
            let put = Put::builder().set_item(Some(item));
            let write = versions::put_if_version(&table, put, version)?;
            let Err(error) = self.database.transact(vec![write]).await else {
                return Ok(rules);
            };
            self.database.retry_after_pause(&mut rounds, error).await?;
        }
    }
}
