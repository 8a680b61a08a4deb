//! The items of evidence.

use aws_sdk_dynamodb::types::builders::DeleteBuilder;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::domain::clock::UnixSeconds;
use crate::domain::evidence::{
    DeclaredFile, Evidence, EvidenceBody, EvidenceMetadata, EvidenceState, NewEvidence,
};
use crate::domain::ids::{Guid, ModeratorId, UserId, WorkspacePrefix};
use crate::store::dynamo::database::{DatabaseError, number, refused};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key, StoredKind, attributes};
use crate::store::dynamo::versions;

/// How many seconds an unfinished upload is kept. Nothing can arrive under its URL later: that is
/// valid for minutes, and S3 ends a slow upload long before.
pub(super) const UNFINISHED: u64 = 86_400;

/// How many seconds what is left of a removed piece is kept at most: 30 days.
const KEPT: u64 = 30 * 86_400;

const PRESENT: StoredKind = StoredKind::Evidence;
const REMOVED: StoredKind = StoredKind::RemovedEvidence;

/// A piece of evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EvidenceItem {
    pub version: u64,
    guid: u64,
    case: u64,
    pub user: UserId,
    pub state: EvidenceState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<DeclaredFile>,
    #[serde(default)]
    text_bytes: u64,
    /// JSON.
    metadata: String,
    pub at: UnixSeconds,
    pub updated: UnixSeconds,
    key_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moderator: Option<ModeratorId>,
    /// Whether the object of a rejected file has been removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub object_removed: bool,
    /// Whether a scan quarantined the file before its upload was complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unannounced: bool,
    /// Set while the piece is removed and can still be restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<SetAside>,
    #[serde(flatten)]
    pub due: Due,
}

/// A removal that can be undone until the piece is due.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SetAside {
    pub at: UnixSeconds,
    /// When the piece is due again after it is restored, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<UnixSeconds>,
}

/// What is left of a removed piece for a day: what removes an object that arrives late, and what makes
/// a repeated removal succeed. It names no user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RemovedItem {
    pub version: u64,
    pub is_file: bool,
    pub at: UnixSeconds,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub object_removed: bool,
    #[serde(flatten)]
    pub due: Due,
    /// Long after it is due, in case nothing has removed it by then.
    pub ttl: u64,
}

/// The entry in the index of due work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Due {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default, rename = "due_at", skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixSeconds>,
}

impl Due {
    pub fn at(guid: Guid, at: UnixSeconds) -> Self {
        Self {
            due: Some(schema::due_evidence_of(guid)),
            at: Some(at),
        }
    }

    pub fn has_come(&self, now: UnixSeconds) -> bool {
        self.at.is_some_and(|at| at <= now)
    }
}

/// What is stored under the key of a piece.
#[derive(Clone, Debug)]
pub(super) enum StoredEvidence {
    Present(EvidenceItem),
    Removed(RemovedItem),
}

impl StoredEvidence {
    pub fn read(item: Item) -> Result<Self, DatabaseError> {
        match StoredKind::of(&item) {
            Some(REMOVED) => items::read(item).map(Self::Removed),
            _ => items::read(item).map(Self::Present),
        }
    }
}

impl EvidenceItem {
    pub fn new(guid: Guid, new: &NewEvidence, now: UnixSeconds, due: Due) -> Self {
        let body = new.body.body();
        Self {
            version: versions::next_version(None),
            guid: guid.get(),
            case: new.case.get(),
            user: new.user,
            state: new.body.state(),
            text_bytes: match &body {
                EvidenceBody::Text { bytes } => *bytes,
                EvidenceBody::File(_) => 0,
            },
            file: body.file().cloned(),
            metadata: new.metadata.to_json(),
            at: now,
            updated: now,
            key_id: new.key_id.clone(),
            moderator: new.moderator,
            object_removed: false,
            unannounced: false,
            set_aside: None,
            due,
        }
    }

    pub const fn file(&self) -> Option<&DeclaredFile> {
        self.file.as_ref()
    }

    /// Whether the last event about the piece has said that it was added.
    pub const fn is_announced(&self) -> bool {
        if self.set_aside.is_some() {
            return false;
        }
        match self.state {
            EvidenceState::Available => true,
            EvidenceState::Quarantined => !self.unannounced,
            EvidenceState::Pending | EvidenceState::Rejected => false,
        }
    }

    /// The bytes that count against the workspace's limit.
    pub fn counted_bytes(&self) -> u64 {
        match (&self.file, self.state) {
            (_, EvidenceState::Rejected) => 0,
            (Some(file), _) => file.size.bytes(),
            (None, _) => self.text_bytes,
        }
    }

    pub fn evidence(&self) -> Result<Evidence, DatabaseError> {
        Ok(Evidence {
            guid: Guid::from(self.guid),
            case: Guid::from(self.case),
            user: self.user,
            state: self.state,
            body: match self.file.clone() {
                Some(file) => EvidenceBody::File(file),
                None => EvidenceBody::Text {
                    bytes: self.text_bytes,
                },
            },
            metadata: serde_json::from_str(&self.metadata)
                .map_err(|error| DatabaseError::Refused(format!("unreadable metadata: {error}")))?,
            created: self.at,
            updated: self.updated,
            key_id: self.key_id.clone(),
            moderator: self.moderator,
        })
    }

    /// The same piece in another state, from a time on.
    pub fn in_state(&self, state: EvidenceState, now: UnixSeconds, due: Due) -> Self {
        Self {
            state,
            updated: now,
            due,
            ..self.clone()
        }
    }

    /// The same piece after a scan found malware in its file. It is due when it was before.
    pub fn quarantined(&self, now: UnixSeconds) -> Self {
        Self {
            unannounced: !self.is_announced(),
            ..self.in_state(self.state.quarantine(), now, self.due.clone())
        }
    }

    /// The same piece, removed until it is restored or due.
    pub fn set_aside(&self, now: UnixSeconds, until: UnixSeconds) -> Self {
        let due = self.due.at;
        Self {
            set_aside: Some(SetAside { at: now, due }),
            updated: now,
            due: Due::at(
                Guid::from(self.guid),
                due.map_or(until, |due| due.min(until)),
            ),
            ..self.clone()
        }
    }

    /// The same piece before it was set aside.
    pub fn restored(&self, now: UnixSeconds) -> Self {
        let due = self.set_aside.as_ref().and_then(|aside| aside.due);
        let guid = Guid::from(self.guid);
        Self {
            set_aside: None,
            updated: now,
            due: due.map_or_else(Due::default, |at| Due::at(guid, at)),
            ..self.clone()
        }
    }

    /// The same rejected piece, once its object has been removed.
    pub fn without_object(&self, due: Due) -> Self {
        Self {
            object_removed: true,
            due,
            ..self.clone()
        }
    }

    pub fn set_metadata(&mut self, metadata: &EvidenceMetadata) {
        self.metadata = metadata.to_json();
    }

    /// Replaces the item as it was read by this one.
    pub fn write(
        &self,
        table: &str,
        prefix: WorkspacePrefix,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let key = Key::evidence(prefix, Guid::from(self.guid));
        write(table, key, PRESENT, self, Some(self.version))
    }

    /// Writes the item where there is none.
    pub fn create(
        &self,
        table: &str,
        prefix: WorkspacePrefix,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let key = Key::evidence(prefix, Guid::from(self.guid));
        write(table, key, PRESENT, self, None)
    }

    /// What is left when the piece is removed.
    pub fn removed(&self, now: UnixSeconds) -> RemovedItem {
        let is_file = self.file.is_some();
        let guid = Guid::from(self.guid);
        RemovedItem {
            version: self.version,
            is_file,
            at: now,
            // A text has nothing else to be removed.
            object_removed: !is_file,
            due: Due::at(guid, if is_file { now } else { now.plus(UNFINISHED) }),
            ttl: now.plus(KEPT).0,
        }
    }
}

impl RemovedItem {
    /// Replaces the item as it was read by this one.
    pub fn write(
        &self,
        table: &str,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let key = Key::evidence(prefix, guid);
        write(table, key, REMOVED, self, Some(self.version))
    }

    pub fn delete(
        &self,
        table: &str,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let delete = Delete::builder()
            .condition_expression(versions::IS_VERSION)
            .expression_attribute_values(":version", number(self.version));
        deleting(table, Key::evidence(prefix, guid), delete)
    }
}

/// Writes an item with the version after `version`, on the condition that it has that one.
fn write(
    table: &str,
    key: Key,
    kind: StoredKind,
    content: impl Serialize,
    version: Option<u64>,
) -> Result<TransactWriteItem, DatabaseError> {
    let mut item = items::write(key, kind, content)?;
    if version.is_some() {
        let next = items::attribute(versions::next_version(version))?;
        item.insert(attributes::VERSION.to_owned(), next);
    }
    versions::put_if_version(table, Put::builder().set_item(Some(item)), version)
}

/// Deletes an item.
pub(super) fn deleting(
    table: &str,
    key: Key,
    delete: DeleteBuilder,
) -> Result<TransactWriteItem, DatabaseError> {
    let delete = delete.table_name(table).set_key(Some(key.item()));
    Ok(TransactWriteItem::builder()
        .delete(delete.build().map_err(refused)?)
        .build())
}
