//! Bans of other systems, read from files: one module per format, each an iterator of rows.
//!
//! Reading is pure and goes through a file twice: once to check and count, once to bring it in.
//! However long a file is, one row of it is in memory at a time.

mod adonis;
mod ban_info;
mod defaults;
mod elements;
mod export_csv;
mod format;
mod hd_admin;
mod kohls_admin;
mod mover;
mod pace;
mod report;
mod scanner;
mod source;
mod survey;
mod times;
mod users_csv;

pub use defaults::Defaults;
pub use format::{Columns, Format, Reading};
pub(crate) use mover::{Ended, look_over, move_in};
pub(crate) use report::{Report, Summary};
pub(crate) use source::Source;
pub(crate) use survey::{refused, survey};

use shared::clock::Timestamp;
use shared::ids::{ExperienceId, Guid, Uid, UserId, WorkspaceId};
use shared::rules::{EndingKind, Expiry, Scope, Terms};
use shared::store::{Incoming, Origin};

/// A ban as it stands in a file, everything about it checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
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
    pub created: Option<Timestamp>,
    /// When the last decision on it was made.
    pub updated: Option<Timestamp>,
    /// Whether the file says that it keeps the user out.
    pub active: bool,
    /// Whether it was ended by an accepted appeal.
    pub appealed: bool,
    /// Whether the experience has applied it.
    pub completed: bool,
}

/// What is wrong with a row, or with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Whether nothing after it can be read.
    pub fatal: bool,
}

impl RowError {
    pub(super) fn new(line: u64, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
            fatal: false,
        }
    }

    pub(super) fn fatal(line: u64, message: impl Into<String>) -> Self {
        Self {
            fatal: true,
            ..Self::new(line, message)
        }
    }
}

/// The rows of a file.
pub type Rows = Box<dyn Iterator<Item = Result<Row, RowError>>>;

impl Row {
    /// Was it lifted? One that is not active, and was neither appealed nor has run out, was.
    #[must_use]
    pub fn lifted(&self, now: Timestamp) -> bool {
        !self.active && !self.appealed && self.terms.expires.is_after(now)
    }

    /// The ban to be brought in.
    #[must_use]
    pub fn incoming(self, now: Timestamp) -> Incoming {
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
            terms: self.terms,
        }
    }
}

/// Until when a ban holds that a file says to end then.
fn expiry(seconds: u64) -> Expiry {
    Expiry::from_seconds(seconds)
}
