//! Signing in with an invitation, and sessions.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::people::{MemberItem, RulesItem};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::members::{
    InvitationToken, Member, MemberId, MemberPermissions, PermissionRule, SESSION_IDLE,
    SESSION_LONGEST, SessionToken,
};
use crate::store::dynamo::database::{DatabaseError, number, refused, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Key, StoredKind};
use crate::store::dynamo::versions;
use crate::store::{Store, Workspace};

/// How many seconds pass before another request extends a session.
const EXTENDED_AFTER: u64 = 60;

/// How many sessions are ended in one transaction.
const AT_ONCE: usize = 100;

/// A session: it ends by its `ttl`, which each request may extend.
#[derive(Serialize, Deserialize)]
struct SessionItem {
    created: UnixSeconds,
    seen: UnixSeconds,
    ttl: u64,
}

/// An invitation: it ends by its `ttl`, or when it is used.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct InvitationItem {
    pub member: MemberId,
    pub ttl: u64,
}

/// A member with a valid session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub token: SessionToken,
    pub workspace: Arc<Workspace>,
    pub member: Member,
    /// The rules of the workspace.
    pub rules: Vec<PermissionRule>,
    pub permissions: MemberPermissions,
    /// The Roblox user of the member's account link, where a decision may name them.
    pub linked: Option<UserId>,
}

/// When a session ends without another request.
fn ends(created: UnixSeconds, seen: UnixSeconds) -> u64 {
    let (idle, longest) = (seen.plus(SESSION_IDLE), created.plus(SESSION_LONGEST));
    idle.min(longest).0
}

impl Store {
    /// The member whom an invitation is for, unless it was used or has ended.
    pub async fn invited(&self, token: &InvitationToken) -> Result<Option<Member>, ApiError> {
        let prefix = token.prefix();
        let key = Key::invitation(prefix, &token.hash());
        let Some(item) = self.database.get(key).await? else {
            return Ok(None);
        };
        let InvitationItem { member, .. } = items::read(item)?;
        let member = self.member(prefix, member).await?;
        Ok(member.filter(|member| member.removed.is_none()))
    }

    /// Uses an invitation up and begins a session; `None` if it was used or has ended.
    pub async fn sign_in(
        &self,
        token: &InvitationToken,
        now: UnixSeconds,
    ) -> Result<Option<SessionToken>, ApiError> {
        let Some(member) = self.invited(token).await? else {
            return Ok(None);
        };
        let prefix = token.prefix();
        let session = SessionToken::random(prefix, member.id);
        let invitation = Key::invitation(prefix, &token.hash());
        let delete = Delete::builder()
            .table_name(self.database.table_of(&invitation))
            .set_key(Some(invitation.item()))
            .condition_expression("attribute_exists(pk) AND #ttl > :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", number(now.0))
            .build()
            .map_err(refused)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        let writes = vec![delete, self.session_write(&session, now)?];
        match self.database.transact(writes).await {
            Ok(()) => Ok(Some(session)),
            Err(DatabaseError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins a session of a member who proved who they are.
    pub async fn begin_session(
        &self,
        prefix: WorkspacePrefix,
        member: MemberId,
        now: UnixSeconds,
    ) -> Result<SessionToken, ApiError> {
        let session = SessionToken::random(prefix, member);
        let writes = vec![self.session_write(&session, now)?];
        self.database.transact(writes).await?;
        Ok(session)
    }

    fn session_write(
        &self,
        session: &SessionToken,
        now: UnixSeconds,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let key = Key::session(session.prefix(), session.member(), &session.hash());
        let table = self.database.table_of(&key).to_owned();
        let item = SessionItem {
            created: now,
            seen: now,
            ttl: ends(now, now),
        };
        versions::put_new(&table, items::write(key, StoredKind::Session, item)?)
    }

    /// The member with this session, read in one round trip with what gives them permissions: a
    /// change of these, and the end of the session, take effect with the next request.
    pub async fn session(
        &self,
        token: &SessionToken,
        now: UnixSeconds,
    ) -> Result<Option<SignedIn>, ApiError> {
        let (prefix, member) = (token.prefix(), token.member());
        let session_key = Key::session(prefix, member, &token.hash());
        let (member_key, rules_key) = (Key::member(prefix, member), Key::permission_rules(prefix));
        let keys = [session_key.clone(), member_key.clone(), rules_key];
        let (mut session, mut person, mut rules) = (None, None, RulesItem::default());
        for item in self.database.batch_get(keys, true).await? {
            match Key::of(&item) {
                Some(key) if key == session_key => session = Some(items::read(item)?),
                Some(key) if key == member_key => person = Some(items::read::<MemberItem>(item)?),
                _ => rules = items::read(item)?,
            }
        }
        let person = person.filter(|person| person.member.removed.is_none());
        let (Some(session), Some(MemberItem { member, .. })) = (session, person) else {
            return Ok(None);
        };
        let Some(workspace) = self.known_workspace(prefix).await? else {
            return Ok(None);
        };
        self.extend_session(session_key, &session, now);
        Ok(Some(SignedIn {
            token: token.clone(),
            workspace,
            permissions: member.permissions(&rules.rules, now),
            member,
            rules: rules.rules,
            linked: None,
        }))
    }

    /// Beside the request: if it is lost, a later request does it.
    fn extend_session(&self, key: Key, session: &SessionItem, now: UnixSeconds) {
        if now < session.seen.plus(EXTENDED_AFTER) {
            return;
        }
        let update = self
            .database
            .updating(key)
            .update_expression("SET seen = :now, #ttl = :ends")
            // An ended session must not begin again.
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":ends", number(ends(session.created, now)));
        self.database.beside(update);
    }

    pub async fn end_session(&self, token: &SessionToken) -> Result<(), ApiError> {
        let key = Key::session(token.prefix(), token.member(), &token.hash());
        Ok(self.database.transact(vec![self.removal(key)?]).await?)
    }

    /// Ends all sessions of a member, and returns how many there were.
    pub async fn end_all_sessions(
        &self,
        prefix: WorkspacePrefix,
        member: MemberId,
    ) -> Result<u64, ApiError> {
        let query = self
            .database
            .querying_workspaces()
            .consistent_read(true)
            .key_condition_expression("pk = :members AND begins_with(sk, :sessions)")
            .projection_expression("pk, sk")
            .expression_attribute_values(":members", text(schema::members_partition(prefix)))
            .expression_attribute_values(":sessions", text(schema::sessions_of(member)));
        let found = self.database.query_all(query).await?;
        let keys: Vec<_> = found.iter().filter_map(Key::of).collect();
        let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        for keys in keys.chunks(AT_ONCE) {
            let removals = keys.iter().cloned().map(|key| self.removal(key));
            let removals = removals.collect::<Result<_, _>>()?;
            self.database.transact(removals).await?;
        }
        Ok(count)
    }

    pub(in crate::store) fn removal(&self, key: Key) -> Result<TransactWriteItem, DatabaseError> {
        let delete = Delete::builder()
            .table_name(self.database.table_of(&key))
            .set_key(Some(key.item()))
            .build()
            .map_err(refused)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ends_when_idle_and_after_its_longest_time() {
        let at = UnixSeconds;
        assert_eq!(ends(at(0), at(0)), 7_200);
        assert_eq!(ends(at(0), at(36_000)), 43_200);
        assert_eq!(ends(at(0), at(43_000)), 43_200);
    }
}
