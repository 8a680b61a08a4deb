//! Manages members: adds, changes and invites them, and sets the rules and presets.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::Serialize;

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::{
    INVITATION_VALID, InvitationToken, Member, MemberId, PermissionRule, ReasonPresets,
};
use crate::store::Store;
use crate::store::dynamo::conflicts::Rounds;
use crate::store::dynamo::database::{DatabaseError, refused, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, StoredKind};
use crate::store::dynamo::versions;
use crate::store::members::people::{MemberItem, RulesItem};
use crate::store::members::sessions::InvitationItem;

/// How many times a change is decided again after a write conflict.
const ROUNDS: u32 = 10;

/// Another member has the Discord account or the Roblox user, or changes them at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another member of the workspace has this Discord account or this Roblox user")]
pub struct MemberConflict;

/// The workspace has the most rules that it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a workspace has at most {} rules", PermissionRule::MOST)]
pub struct TooManyRules;

/// That a workspace has rules by Discord accounts; its key says which.
#[derive(Serialize)]
struct DiscordRulesItem {}

/// That an account is a member's.
#[derive(Serialize)]
struct AccountItem {
    member: MemberId,
}

fn accounts(prefix: WorkspacePrefix, member: &Member) -> Vec<Key> {
    // A removed member leaves their accounts to others.
    if member.removed.is_some() {
        return Vec::new();
    }
    let discord = member
        .discord
        .map(|discord| Key::member_on_discord(prefix, discord));
    let roblox = member
        .roblox
        .map(|user| Key::member_on_roblox(prefix, user));
    discord.into_iter().chain(roblox).collect()
}

impl Store {
    pub async fn add_member(
        &self,
        prefix: WorkspacePrefix,
        member: &Member,
    ) -> Result<Result<(), MemberConflict>, ApiError> {
        let writes = self.member_writes(prefix, None, member)?;
        written(self.database.transact(writes).await)
    }

    /// Changes a member, again on what another call has changed meanwhile; `None` if there is no
    /// such member.
    pub async fn change_member(
        &self,
        prefix: WorkspacePrefix,
        id: MemberId,
        change: impl Fn(&mut Member),
    ) -> Result<Option<Result<Member, MemberConflict>>, ApiError> {
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let Some(item) = self.database.get(Key::member(prefix, id)).await? else {
                return Ok(None);
            };
            let before = items::read::<MemberItem>(item)?;
            let mut after = before.member.clone();
            change(&mut after);
            if after == before.member {
                return Ok(Some(Ok(after)));
            }
            let writes = self.member_writes(prefix, Some(&before), &after)?;
            let written = self.database.transact(writes).await;
            let Err(error) = written else {
                return Ok(Some(Ok(after)));
            };
            if matches!(error, DatabaseError::Conflict)
                && self
                    .has_taken_account(prefix, &before.member, &after)
                    .await?
            {
                return Ok(Some(Err(MemberConflict)));
            }
            self.database.retry_after_pause(&mut rounds, error).await?;
        }
    }

    /// Whether a new account of a member belongs to another one.
    async fn has_taken_account(
        &self,
        prefix: WorkspacePrefix,
        before: &Member,
        after: &Member,
    ) -> Result<bool, DatabaseError> {
        let own = accounts(prefix, before);
        for key in accounts(prefix, after) {
            if !own.contains(&key) && self.database.get(key).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn member_writes(
        &self,
        prefix: WorkspacePrefix,
        before: Option<&MemberItem>,
        after: &Member,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let key = Key::member(prefix, after.id);
        let table = self.database.table_of(&key).to_owned();
        let version = before.map(|item| item.version);
        let item = MemberItem {
            version: versions::next_version(version),
            member: after.clone(),
        };
        let put = Put::builder().set_item(Some(items::write(key, StoredKind::Member, item)?));
        let mut writes = vec![versions::put_if_version(&table, put, version)?];
        let old = before.map_or_else(Vec::new, |item| accounts(prefix, &item.member));
        let new = accounts(prefix, after);
        for key in new.iter().filter(|key| !old.contains(key)) {
            let item = AccountItem { member: after.id };
            let item = items::write(key.clone(), StoredKind::MemberAccount, item)?;
            writes.push(versions::put_new(&table, item)?);
        }
        for key in old.into_iter().filter(|key| !new.contains(key)) {
            writes.push(self.removal(key)?);
        }
        Ok(writes)
    }

    /// Invites a member to sign in; the token is shown once.
    pub async fn invite(
        &self,
        prefix: WorkspacePrefix,
        member: MemberId,
        now: UnixSeconds,
    ) -> Result<InvitationToken, ApiError> {
        let token = InvitationToken::random(prefix);
        let item = InvitationItem {
            member,
            ttl: now.plus(INVITATION_VALID).0,
        };
        let key = Key::invitation(prefix, &token.hash());
        let item = items::write(key, StoredKind::Invitation, item)?;
        self.database.create(item).await?;
        Ok(token)
    }

    /// Changes the rules that give permissions, again on what another call has changed meanwhile.
    pub async fn change_rules(
        &self,
        prefix: WorkspacePrefix,
        change: impl Fn(&mut Vec<PermissionRule>),
    ) -> Result<Vec<PermissionRule>, ApiError> {
        let key = Key::permission_rules(prefix);
        let table = self.database.table_of(&key).to_owned();
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let found = self.database.get(key.clone()).await?;
            let before = found.map(items::read::<RulesItem>).transpose()?;
            let version = before.as_ref().map(|item| item.version);
            let mut rules = before.map_or_else(Vec::new, |item| item.rules);
            change(&mut rules);
            let item = RulesItem {
                version: versions::next_version(version),
                rules: rules.clone(),
            };
            let item = items::write(key.clone(), StoredKind::Rules, item)?;
            let put = Put::builder().set_item(Some(item));
            let writes = vec![
                versions::put_if_version(&table, put, version)?,
                self.discord_rules_write(prefix, &rules)?,
            ];
            let written = self.database.transact(writes).await;
            let Err(error) = written else {
                return Ok(rules);
            };
            self.database.retry_after_pause(&mut rounds, error).await?;
        }
    }

    /// Adds a rule, unless one with the same permission and basis is there.
    pub async fn add_rule(
        &self,
        prefix: WorkspacePrefix,
        rule: &PermissionRule,
    ) -> Result<Result<(), TooManyRules>, ApiError> {
        let is_there = |rules: &[PermissionRule]| {
            let mut known = rules.iter();
            known.any(|known| known.permission == rule.permission && known.basis == rule.basis)
        };
        let add = |rules: &mut Vec<PermissionRule>| {
            if !is_there(rules) && rules.len() < PermissionRule::MOST {
                rules.push(rule.clone());
            }
        };
        let rules = self.change_rules(prefix, add).await?;
        Ok(is_there(&rules).then_some(()).ok_or(TooManyRules))
    }

    /// The reasons that a workspace offers, without the cache.
    pub async fn stored_reason_presets(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<ReasonPresets, ApiError> {
        let found = self.database.get(Key::reason_presets(prefix)).await?;
        let presets = found.map(items::read::<ReasonPresets>).transpose()?;
        Ok(presets.unwrap_or_default())
    }

    /// Changes the reasons that a workspace offers, again on what another call has changed
    /// meanwhile.
    pub async fn change_reason_presets(
        &self,
        prefix: WorkspacePrefix,
        change: impl Fn(&mut ReasonPresets),
    ) -> Result<ReasonPresets, ApiError> {
        let key = Key::reason_presets(prefix);
        let mut rounds = Rounds::at_most(ROUNDS);
        loop {
            let found = self.database.get(key.clone()).await?;
            let before = found.map(items::read::<ReasonPresets>).transpose()?;
            let mut after = before.clone().unwrap_or_default();
            change(&mut after);
            let item = items::write(key.clone(), StoredKind::Presets, &after)?;
            let put = self.database.putting(item)?;
            let put = match &before {
                None => put.condition_expression("attribute_not_exists(pk)"),
                Some(before) => put
                    .condition_expression("presets = :presets AND compulsory = :compulsory")
                    .expression_attribute_values(":presets", items::attribute(&before.presets)?)
                    .expression_attribute_values(
                        ":compulsory",
                        items::attribute(before.compulsory)?,
                    ),
            };
            if self.database.put_if(put).await? {
                self.caches.presets.remove(&prefix);
                return Ok(after);
            }
            let conflict = DatabaseError::Conflict;
            self.database
                .retry_after_pause(&mut rounds, conflict)
                .await?;
        }
    }

    /// Notes whether a Discord account alone may give permissions in the workspace.
    fn discord_rules_write(
        &self,
        prefix: WorkspacePrefix,
        rules: &[PermissionRule],
    ) -> Result<TransactWriteItem, DatabaseError> {
        let key = Key::discord_rules(prefix);
        if !rules.iter().any(|rule| rule.basis.is_on_discord()) {
            return self.removal(key);
        }
        let item = DiscordRulesItem {};
        let put = Put::builder()
            .table_name(self.database.table_of(&key))
            .set_item(Some(items::write(
                key.clone(),
                StoredKind::DiscordRules,
                item,
            )?))
            .build()
            .map_err(refused)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Removes all members of a workspace with their sessions; returns how many items there were.
    pub(in crate::store) async fn remove_members(
        &self,
        prefix: WorkspacePrefix,
    ) -> Result<u64, ApiError> {
        let mut keys = Vec::new();
        let rules = self.permission_rules(prefix).await?;
        if rules.iter().any(|rule| rule.basis.is_on_discord()) {
            keys.push(Key::discord_rules(prefix));
        }
        if self.database.get(Key::role_rules(prefix)).await?.is_some() {
            keys.extend([Key::role_rules(prefix), Key::role_sync(prefix)]);
        }
        let guilds = self.guilds(prefix).await?;
        keys.extend(guilds.iter().copied().map(Key::guild));
        let watches = guilds.iter().map(|guild| Key::guild_watch(prefix, *guild));
        keys.extend(watches);
        for member in self.members(prefix).await? {
            keys.extend(accounts(prefix, &member));
        }
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :members")
            .projection_expression("pk, sk")
            .expression_attribute_values(":members", text(schema::members_partition(prefix)));
        let found = self.database.query_all_stored(query).await?;
        keys.extend(found.iter().filter_map(Key::of));
        let removed = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        for key in keys {
            self.database.delete(key).await?;
        }
        Ok(removed)
    }
}

fn written(written: Result<(), DatabaseError>) -> Result<Result<(), MemberConflict>, ApiError> {
    match written {
        Ok(()) => Ok(Ok(())),
        Err(DatabaseError::Conflict) => Ok(Err(MemberConflict)),
        Err(error) => Err(error.into()),
    }
}
