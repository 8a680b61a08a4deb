//! Stored items, and their conversion from and to the types of the rules.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::database::{DatabaseError, text};
use super::schema::{self, Item, Key, StoredKind, attributes};
use crate::domain::actor::DecidedBy;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId, WorkspacePrefix};
use crate::domain::rules::{
    Ban, CallMark, Ending, EndingKind, Expiry, FailedAttempts, Here, PendingChange, PendingUnban,
    RevisionRef, Scope, Standing, Terms,
};

/// A stored ban.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct StoredBan {
    guid: u64,
    uid: Uid,
    user: UserId,
    global: bool,
    made_in: ExperienceId,
    moderator: ModeratorId,
    private_reason: String,
    public_reason: String,
    /// Unix seconds, 0 = never.
    expires: u64,
    universal: bool,
    revision: u32,
    decisions: u32,
    created: UnixSeconds,
    updated: UnixSeconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<UnixSeconds>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    appealed: bool,
}

impl From<&Ban> for StoredBan {
    fn from(ban: &Ban) -> Self {
        Self {
            guid: ban.guid.get(),
            uid: ban.uid,
            user: ban.user,
            global: ban.scope == Scope::Global,
            made_in: ban.made_in,
            moderator: ban.terms.moderator,
            private_reason: ban.terms.private_reason.clone(),
            public_reason: ban.terms.public_reason.clone(),
            expires: ban.terms.expires.seconds(),
            universal: ban.terms.universal,
            revision: ban.revision,
            decisions: ban.decisions,
            created: ban.created,
            updated: ban.updated,
            ended: ban.ending.map(|ending| ending.at),
            appealed: ban.is_appealed(),
        }
    }
}

impl From<StoredBan> for Ban {
    fn from(stored: StoredBan) -> Self {
        let kind = if stored.appealed {
            EndingKind::Appealed
        } else {
            EndingKind::Lifted
        };
        Self {
            guid: Guid::from(stored.guid),
            uid: stored.uid,
            user: stored.user,
            scope: if stored.global {
                Scope::Global
            } else {
                Scope::Experience
            },
            made_in: stored.made_in,
            terms: Terms {
                moderator: stored.moderator,
                private_reason: stored.private_reason,
                public_reason: stored.public_reason,
                expires: Expiry::from_seconds(stored.expires),
                universal: stored.universal,
            },
            revision: stored.revision,
            decisions: stored.decisions,
            created: stored.created,
            updated: stored.updated,
            ending: stored.ended.map(|at| Ending { at, kind }),
        }
    }
}

/// A user in one experience.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct ExperienceItem {
    /// Grows with each write; a write names the version it was decided on.
    pub version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ban: Option<StoredBan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<StoredRevision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failures: Option<StoredFailures>,
    /// Identifies a repeat of the last call that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<CallMark>,
    /// Hash key of the pending indexes.
    experience: String,
    /// The guid in `report`, copied into the index of pending unbans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report_guid: Option<String>,
    /// Range key of the pending bans; absent if none is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban_owed: Option<String>,
    /// The ban is no longer pending from this Unix second on; absent = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban_owed_until: Option<u64>,
    /// Range key of the pending unbans; absent if none will be pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unban_owed: Option<String>,
}

/// A stored revision of a ban.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::store) struct StoredRevision {
    guid: u64,
    revision: u32,
    made_in: ExperienceId,
}

impl From<RevisionRef> for StoredRevision {
    fn from(revision: RevisionRef) -> Self {
        Self {
            guid: revision.guid.get(),
            revision: revision.revision,
            made_in: revision.made_in,
        }
    }
}

impl From<StoredRevision> for RevisionRef {
    fn from(stored: StoredRevision) -> Self {
        Self {
            guid: Guid::from(stored.guid),
            revision: stored.revision,
            made_in: stored.made_in,
        }
    }
}

/// The failed attempts at what is pending.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredFailures {
    /// The pending ban, or the reported one that is to be lifted.
    revision: StoredRevision,
    /// Since when the unban is due; absent for a ban.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<UnixSeconds>,
    count: u32,
    not_before: UnixSeconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<&FailedAttempts> for StoredFailures {
    fn from(failures: &FailedAttempts) -> Self {
        let (revision, due) = match failures.of {
            PendingChange::Ban(revision) => (revision, None),
            PendingChange::Unban(unban) => (unban.reported, Some(unban.due)),
        };
        Self {
            revision: revision.into(),
            due,
            count: failures.count,
            not_before: failures.not_before,
            error: failures.error.clone(),
        }
    }
}

impl From<StoredFailures> for FailedAttempts {
    fn from(stored: StoredFailures) -> Self {
        let revision = RevisionRef::from(stored.revision);
        Self {
            of: match stored.due {
                None => PendingChange::Ban(revision),
                Some(due) => PendingChange::Unban(PendingUnban {
                    due,
                    reported: revision,
                }),
            },
            count: stored.count,
            not_before: stored.not_before,
            error: stored.error,
        }
    }
}

impl ExperienceItem {
    /// The item with `standing` for one experience. An expired ban is not pending, and would only
    /// burden the index; an unban is written before it is due.
    pub fn new(
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        standing: &Standing,
        version: u64,
        now: UnixSeconds,
    ) -> Self {
        let pending = standing.pending();
        let (ban, unban) = (pending.ban_at(now), pending.unban);
        let report = standing.here.report;
        let failures = standing.here.failures.as_ref();
        let failures = failures.filter(|failures| pending.contains(&failures.of));
        Self {
            version,
            ban: standing.here.ban.as_ref().map(StoredBan::from),
            report: report.map(StoredRevision::from),
            failures: failures.map(StoredFailures::from),
            mark: standing.here.mark.clone(),
            experience: schema::pending_partition(prefix, experience),
            report_guid: report.map(|revision| revision.guid.to_string()),
            ban_owed: ban.map(|pending| schema::padded_guid(pending.revision.guid)),
            ban_owed_until: ban
                .map(|pending| pending.until.seconds())
                .filter(|until| *until != 0),
            unban_owed: unban.map(|pending| schema::unban_owed(pending.due, pending.reported.guid)),
        }
    }

    /// The same for an experience that is not linked: nothing is pending for it.
    pub fn without_pending(self) -> Self {
        Self {
            ban_owed: None,
            ban_owed_until: None,
            unban_owed: None,
            ..self
        }
    }

    /// Whether both have the same entries in the pending indexes.
    pub fn owes_the_same(&self, other: &Self) -> bool {
        self.ban_owed == other.ban_owed
            && self.ban_owed_until == other.ban_owed_until
            && self.unban_owed == other.unban_owed
    }

    /// Whether attempts at what is pending have failed.
    pub const fn has_failures(&self) -> bool {
        self.failures.is_some()
    }

    /// Whether the item is in no pending index.
    pub const fn owes_nothing(&self) -> bool {
        self.ban_owed.is_none() && self.unban_owed.is_none()
    }

    /// The part of a standing that the item contains.
    pub fn here(&self) -> Here {
        Here {
            ban: self.ban.clone().map(Ban::from),
            report: self.report.map(RevisionRef::from),
            failures: self.failures.clone().map(FailedAttempts::from),
            mark: self.mark.clone(),
        }
    }
}

/// A user's latest Global ban.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct GlobalItem {
    /// Grows with each decision.
    pub version: u64,
    pub ban: StoredBan,
    /// Identifies a repeat of the last call that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<CallMark>,
}

/// The record of a ban.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct BanItem {
    pub ban: StoredBan,
    /// The revision that the experience it was made from last reported.
    #[serde(default)]
    pub applied: Option<u32>,
    /// Who made it; older records do not say.
    #[serde(default)]
    pub made_by: Option<DecidedBy>,
    /// Who made the last decision about it, unless that made it.
    #[serde(default)]
    pub last_by: Option<DecidedBy>,
    /// The reason of the last decision, if it gave one.
    #[serde(default)]
    pub last_reason: Option<String>,
}

/// The attributes of a [`BanItem`], to be read from an index.
pub(in crate::store) const BAN_ITEM: &str = "ban, applied, made_by, last_by, last_reason";

pub(in crate::store) fn read<'de, T: Deserialize<'de>>(item: Item) -> Result<T, DatabaseError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| DatabaseError::Refused(format!("unreadable item: {error}")))
}

/// An item: its key, its kind and its attributes.
pub(in crate::store) fn write(
    key: Key,
    kind: StoredKind,
    attributes: impl Serialize,
) -> Result<Item, DatabaseError> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(attributes)
        .map_err(|error| DatabaseError::Refused(format!("could not serialize an item: {error}")))?;
    item.insert(attributes::KIND.to_owned(), text(kind));
    item.extend(key.item());
    Ok(item)
}

pub(in crate::store) fn attribute(value: impl Serialize) -> Result<AttributeValue, DatabaseError> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value).map_err(|error| {
        DatabaseError::Refused(format!("could not serialize an attribute: {error}"))
    })
}
