//! Reads bans from files, and imports them. Each format is an iterator of entries.
//!
//! A file is read several times: to detect its format, to check and count, and to import. Memory does not
//! grow with the file, except for 8 bytes per user and 16 bytes per guid during the check.

mod defaults;
mod detection;
mod documents;
mod duplicates;
mod entries;
mod errors_file;
mod fields;
mod formats;
mod input;
mod report;
mod run;
#[cfg(test)]
mod samples;
mod survey;
mod tables;
mod throttle;

pub use defaults::ImportDefaults;
pub use detection::{DetectedFormat, ImportFormat, ReadOptions};
pub use entries::{Entries, EntryContent, FileEntry, FileError, Location, Original, RowError};
pub use errors_file::ErrorsFormat;
pub(crate) use errors_file::{ErrorsFile, word_of};
pub use fields::columns::ColumnOptions;
pub use formats::roblox::of_restriction;
pub(crate) use input::InputFile;
pub(crate) use report::{ImportReport, ImportSummary};
pub(crate) use run::{ImportEnd, import_rows, judge_rows};
pub(crate) use survey::{refused, survey};

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, Uid, UserId, WorkspaceId};
use shared::domain::rules::{EndingKind, Expiry, Scope, Terms};
use shared::store::admin::{Incoming, Origin};

/// A valid ban from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedBan {
    pub user: UserId,
    pub guid: Option<Guid>,
    /// Its number in the workspace that it comes from.
    pub uid: Option<Uid>,
    /// The workspace it comes from.
    pub workspace: Option<WorkspaceId>,
    pub scope: Scope,
    /// The experience it was made from.
    pub experience: ExperienceId,
    pub terms: Terms,
    pub created: Option<UnixSeconds>,
    /// When it last changed.
    pub updated: Option<UnixSeconds>,
    /// Whether the file marks it as active.
    pub active: bool,
    /// Whether an accepted appeal ended it.
    pub appealed: bool,
    /// Whether the experience has applied it.
    pub applied: bool,
}

impl ImportedBan {
    /// Whether it was lifted: it is inactive, but neither appealed nor expired.
    #[must_use]
    pub fn lifted(&self, now: UnixSeconds) -> bool {
        !self.active && !self.appealed && self.terms.expires.is_after(now)
    }

    /// Whether it is in force.
    #[must_use]
    pub fn holds(&self, now: UnixSeconds) -> bool {
        self.active && !self.appealed && self.terms.expires.is_after(now)
    }

    /// Converts it to the store's representation.
    #[must_use]
    pub fn incoming(self, now: UnixSeconds) -> Incoming {
        let ending = if self.appealed {
            Some(EndingKind::Appealed)
        } else {
            self.lifted(now).then_some(EndingKind::Lifted)
        };
        let origin = match self.guid {
            Some(guid) => Origin::Known {
                guid,
                uid: self.uid,
                workspace: self.workspace,
            },
            None => Origin::New,
        };
        Incoming {
            user: self.user,
            scope: self.scope,
            made_in: self.experience,
            created: self.created,
            updated: self.updated,
            ending,
            origin,
            applied: self.applied,
            replaced_by: None,
            terms: self.terms,
        }
    }
}

/// The expiry for Unix seconds in a file; 0 is permanent.
fn expiry(seconds: u64) -> Expiry {
    Expiry::from_seconds(seconds)
}
