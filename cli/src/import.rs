//! Bans of other systems, read from files: each format is an iterator of entries.
//!
//! Reading is pure and goes through a file several times: to find out its format, to check and
//! count, and to import. However long a file is, one entry of it is in memory at a time, besides
//! eight bytes for each user and each guid while it is checked.

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
use shared::store::{Incoming, Origin};

/// A ban as a file has it, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedBan {
    /// Who is banned.
    pub user: UserId,
    /// Its public id, if it has one.
    pub guid: Option<Guid>,
    /// Its number where it comes from.
    pub uid: Option<Uid>,
    /// The workspace it comes from.
    pub workspace: Option<WorkspaceId>,
    /// Where it holds.
    pub scope: Scope,
    /// The experience it was made from.
    pub experience: ExperienceId,
    /// Moderator, reasons, expiry, reach.
    pub terms: Terms,
    /// When it was made.
    pub created: Option<UnixSeconds>,
    /// When the last decision on it was made.
    pub updated: Option<UnixSeconds>,
    /// Whether the file says that it keeps the user out.
    pub active: bool,
    /// Whether it was ended by an accepted appeal.
    pub appealed: bool,
    /// Whether the experience has applied it.
    pub completed: bool,
}

impl ImportedBan {
    /// Was it lifted? One that is not active, and was neither appealed nor has run out, was.
    #[must_use]
    pub fn lifted(&self, now: UnixSeconds) -> bool {
        !self.active && !self.appealed && self.terms.expires.is_after(now)
    }

    /// Whether it keeps the user out now.
    #[must_use]
    pub fn holds(&self, now: UnixSeconds) -> bool {
        self.active && !self.appealed && self.terms.expires.is_after(now)
    }

    /// The ban to import.
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
            applied: self.completed,
            replaced_by: None,
            terms: self.terms,
        }
    }
}

/// When a ban ends, from its Unix seconds in a file.
fn expiry(seconds: u64) -> Expiry {
    Expiry::from_seconds(seconds)
}
