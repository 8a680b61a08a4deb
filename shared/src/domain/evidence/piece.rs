//! A piece of evidence.

use serde::{Deserialize, Serialize};

use super::{
    ContentType, EvidenceMetadata, EvidenceState, EvidenceText, FileName, FileSize, Sha256Digest,
};
use crate::domain::actor::Channel;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{Guid, ModeratorId, UserId};

/// A file as its uploader declares it, before the upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredFile {
    pub name: FileName,
    pub content_type: ContentType,
    pub size: FileSize,
    pub sha256: Sha256Digest,
}

/// What a piece consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceBody {
    /// A text of this many bytes, stored separately.
    Text {
        bytes: u64,
    },
    File(DeclaredFile),
}

impl EvidenceBody {
    /// Its size in bytes, which counts against the workspace's limit.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        match self {
            Self::Text { bytes } => *bytes,
            Self::File(file) => file.size.bytes(),
        }
    }

    /// Its name in `evidenceType`.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "Metadata",
            Self::File(_) => "File",
        }
    }

    #[must_use]
    pub const fn file(&self) -> Option<&DeclaredFile> {
        match self {
            Self::Text { .. } => None,
            Self::File(file) => Some(file),
        }
    }
}

/// A piece of evidence for a ban, without the content.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub guid: Guid,
    /// The ban.
    pub case: Guid,
    /// The banned user.
    pub user: UserId,
    pub state: EvidenceState,
    pub body: EvidenceBody,
    pub metadata: EvidenceMetadata,
    pub created: UnixSeconds,
    pub updated: UnixSeconds,
    /// The public id of the key that created it.
    pub key_id: String,
    pub moderator: Option<ModeratorId>,
}

/// The content of a new piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewEvidenceBody {
    Text(EvidenceText),
    File(DeclaredFile),
}

impl NewEvidenceBody {
    #[must_use]
    pub fn body(&self) -> EvidenceBody {
        match self {
            Self::Text(text) => EvidenceBody::Text {
                bytes: u64::try_from(text.as_str().len()).unwrap_or(u64::MAX),
            },
            Self::File(file) => EvidenceBody::File(file.clone()),
        }
    }

    /// A text is complete; a file awaits its upload.
    #[must_use]
    pub const fn state(&self) -> EvidenceState {
        match self {
            Self::Text(_) => EvidenceState::Available,
            Self::File(_) => EvidenceState::Pending,
        }
    }
}

/// A piece to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvidence {
    pub case: Guid,
    pub user: UserId,
    pub body: NewEvidenceBody,
    pub metadata: EvidenceMetadata,
    /// The public id of the key or member that creates it, or a name such as `operator`.
    pub key_id: String,
    pub channel: Option<Channel>,
    pub moderator: Option<ModeratorId>,
}
