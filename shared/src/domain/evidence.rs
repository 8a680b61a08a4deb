//! Evidence for a ban: a text of the moderator, or a file. What may be stored, and what each state allows.

mod chat_links;
mod content_type;
mod file;
mod file_key;
mod file_name;
mod info;
mod metadata;
mod piece;
mod scan;
mod state;
mod text;

pub use chat_links::ExpiringLink;
pub use content_type::ContentType;
pub use file::{FileSize, Sha256Digest};
pub use file_key::FileKey;
pub use file_name::{FileName, FileNameFault};
pub use info::{AttachedEvidence, EvidenceInfo};
pub use metadata::{EvidenceMetadata, MetadataFault};
pub use piece::{DeclaredFile, Evidence, EvidenceBody, NewEvidence, NewEvidenceBody};
pub use scan::ScanResult;
pub use state::{Completion, EvidenceState, FileCheck};
pub use text::{EvidenceText, EvidenceTextFault};
