//! Reads evidence: one piece, its text, and a page of a ban's list.

use super::create::TextItem;
use super::item::{EvidenceItem, StoredEvidence};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::evidence::{Evidence, EvidenceText};
use crate::domain::ids::{Guid, UserId, WorkspacePrefix};
use crate::store::Store;
use crate::store::dynamo::database::{DatabaseError, text};
use crate::store::dynamo::items;
use crate::store::dynamo::schema::{self, Item, Key};

pub(super) const NO_EVIDENCE: ApiError =
    ApiError::NotFound("the workspace has no evidence with this guid");

/// A page of a ban's evidence, newest first.
#[derive(Clone, Debug, Default)]
pub struct EvidencePage {
    pub pieces: Vec<Evidence>,
    /// The last piece of the page, if there may be more.
    pub next: Option<Guid>,
}

/// The evidence about a user.
#[derive(Clone, Debug, Default)]
pub struct EvidenceOfUser {
    pub pieces: Vec<ListedEvidence>,
    pub has_more: bool,
}

/// A piece, as the people who can undo its removal see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedEvidence {
    pub evidence: Evidence,
    /// Until when the removal can be undone, if it is removed.
    pub removed_until: Option<UnixSeconds>,
}

impl Store {
    /// A piece of evidence; strongly consistent.
    pub async fn evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<Evidence, ApiError> {
        Ok(self.present_evidence(prefix, guid).await?.evidence()?)
    }

    /// The content of a piece that is a text.
    pub async fn evidence_text(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<EvidenceText, ApiError> {
        let found = self
            .database
            .get(Key::evidence_text(prefix, guid))
            .await?
            .ok_or(NO_EVIDENCE)?;
        Ok(items::read::<TextItem>(found)?.text)
    }

    /// A page of at most `limit` pieces about a ban, older than `before`; strongly consistent.
    pub async fn evidence_of_ban(
        &self,
        prefix: WorkspacePrefix,
        (user, case): (UserId, Guid),
        before: Option<Guid>,
        limit: usize,
    ) -> Result<EvidencePage, ApiError> {
        let start = before.map(|guid| Key::evidence_entry(prefix, user, case, guid).item());
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :user AND begins_with(sk, :case)")
            .projection_expression("pk, sk")
            .expression_attribute_values(":user", text(schema::evidence_of_user(prefix, user)))
            .expression_attribute_values(":case", text(schema::evidence_of_ban(case)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start);
        let (entries, next) = self.database.query(query).await?;
        let guids: Vec<_> = entries.iter().filter_map(entry_guid).collect();
        Ok(EvidencePage {
            next: next.as_ref().and_then(entry_guid),
            pieces: self.pieces(prefix, &guids).await?,
        })
    }

    /// The newest pieces about a user, of at most this number, those of newer bans first; also those
    /// that are set aside. Strongly consistent.
    pub async fn evidence_of_user(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        limit: usize,
    ) -> Result<EvidenceOfUser, ApiError> {
        let query = self
            .database
            .querying()
            .consistent_read(true)
            .scan_index_forward(false)
            .key_condition_expression("pk = :user")
            .projection_expression("pk, sk")
            .expression_attribute_values(":user", text(schema::evidence_of_user(prefix, user)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let (entries, next) = self.database.query(query).await?;
        let guids: Vec<_> = entries.iter().filter_map(entry_guid).collect();
        let found = self.present_items(prefix, &guids).await?;
        let mut pieces = found
            .iter()
            .map(|(_, item)| {
                Ok(ListedEvidence {
                    evidence: item.evidence()?,
                    removed_until: item.set_aside.as_ref().and(item.due.at),
                })
            })
            .collect::<Result<Vec<_>, DatabaseError>>()?;
        pieces.sort_by_key(|piece| std::cmp::Reverse((piece.evidence.case, piece.evidence.guid)));
        Ok(EvidenceOfUser {
            pieces,
            has_more: next.is_some(),
        })
    }

    /// These pieces in this order, without those that have been removed since.
    async fn pieces(
        &self,
        prefix: WorkspacePrefix,
        guids: &[Guid],
    ) -> Result<Vec<Evidence>, DatabaseError> {
        let mut found = self.present_items(prefix, guids).await?;
        found.retain(|(_, item)| item.set_aside.is_none());
        found.sort_by_key(|(guid, _)| std::cmp::Reverse(*guid));
        found.iter().map(|(_, item)| item.evidence()).collect()
    }

    /// The ones among these pieces that are stored, in any order, with those that are set aside.
    pub(super) async fn present_items(
        &self,
        prefix: WorkspacePrefix,
        guids: &[Guid],
    ) -> Result<Vec<(Guid, EvidenceItem)>, DatabaseError> {
        let keys = guids.iter().map(|guid| Key::evidence(prefix, *guid));
        let mut present = Vec::new();
        for item in self.database.batch_get(keys, true).await? {
            let guid = Key::of(&item).and_then(|key| key.evidence_guid());
            if let (Some((_, guid)), StoredEvidence::Present(item)) =
                (guid, StoredEvidence::read(item)?)
            {
                present.push((guid, item));
            }
        }
        Ok(present)
    }

    /// Whether the piece of this entry or text was removed within the last day.
    #[cfg(feature = "admin")]
    pub(in crate::store) async fn has_removed(
        &self,
        prefix: WorkspacePrefix,
        part: &Item,
    ) -> Result<bool, DatabaseError> {
        let key = Key::of(part);
        let of_text = key.as_ref().and_then(|key| Some(key.evidence_guid()?.1));
        let guid = of_text.or_else(|| key.as_ref().and_then(Key::entry_guid));
        let Some(guid) = guid else { return Ok(false) };
        let stored = self.stored_evidence(prefix, guid).await?;
        Ok(matches!(stored, Some(StoredEvidence::Removed(_))))
    }

    pub(super) async fn stored_evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<Option<StoredEvidence>, DatabaseError> {
        let found = self.database.get(Key::evidence(prefix, guid)).await?;
        found.map(StoredEvidence::read).transpose()
    }

    pub(super) async fn present_evidence(
        &self,
        prefix: WorkspacePrefix,
        guid: Guid,
    ) -> Result<EvidenceItem, ApiError> {
        match self.stored_evidence(prefix, guid).await? {
            Some(StoredEvidence::Present(item)) if item.set_aside.is_none() => Ok(item),
            _ => Err(NO_EVIDENCE),
        }
    }
}

fn entry_guid(item: &Item) -> Option<Guid> {
    Key::of(item)?.entry_guid()
}
