//! The first pass through a file: checks that it can be read to its end, counts rows, and finds duplicates.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, Guid, Uid, WorkspaceId};
use shared::store::admin::Numbering;

use super::duplicates::{Duplicates, ReplacementRound, SeenRows};
use super::{Entries, EntryContent, FileEntry, FileError, ImportedBan, Original, RowError};

/// The smallest guid that a spreadsheet rounds: it keeps 15 digits.
const LONG: u64 = 1_000_000_000_000_000;

/// Rounded guids are multiples of this.
const ROUNDED_TO: u64 = 1000;

/// The result of the first pass.
#[derive(Debug, Default)]
pub struct Survey {
    /// The number of bans, including invalid ones.
    pub rows: u64,
    /// The largest uid among the workspace's own bans.
    pub largest_own: u64,
    /// The other workspace that bans may keep their uids from, with its largest uid.
    pub foreign: Option<(WorkspaceId, u64)>,
    /// The experiences that have applied some of the bans.
    pub reporting: BTreeSet<ExperienceId>,
    /// Fields that are not read.
    pub unread: BTreeSet<String>,
    pub repeats: Duplicates,
}

/// Reads all entries. `open` returns them from the start. A file that cannot be read to its end is refused
/// before anything is written.
pub fn survey(
    mut open: impl FnMut() -> Result<Entries>,
    workspace: WorkspaceId,
    numbering: Numbering,
    is_table: bool,
) -> Result<Survey> {
    let mut survey = Survey {
        foreign: numbering.adopted.map(|adopted| (adopted.workspace, 0)),
        ..Survey::default()
    };
    let (mut seen, mut rounding) = (SeenRows::default(), Rounding::default());
    for (entry, ordinal) in open()?.zip(0..) {
        let entry = entry.or_else(|broken| refused(&broken))?;
        survey.unread.extend(entry.unread);
        if let Original::Value(Some(key), _) = &entry.original {
            seen.add_key(key);
        }
        if let Some(user) = entry.takes_back {
            seen.take_back(user, ordinal);
        }
        let row = match entry.outcome {
            EntryContent::NotABan(_) => continue,
            EntryContent::Invalid(_) => {
                survey.rows = survey.rows.saturating_add(1);
                continue;
            }
            EntryContent::Ban(row) => row,
        };
        survey.rows = survey.rows.saturating_add(1);
        seen.add(&row);
        rounding.add(&row);
        survey.take(&row, workspace);
    }
    if survey.rows == 0 {
        bail!("nothing was imported: the file contains no bans");
    }
    if is_table && rounding.is_likely() {
        bail!(
            "nothing was imported: every guid ends in 000, so a spreadsheet such as Excel has probably \
             rounded them to 15 digits, and they would name other bans. Export again (`portcullis \
             export --excel` keeps long numbers), or import the file that the spreadsheet opened"
        );
    }
    survey.repeats = seen.repeats();
    if survey.repeats.has_removals() {
        let is_left = |entry: FileEntry, ordinal| match entry.outcome {
            EntryContent::Ban(row) => !matches!(
                survey.repeats.objection(ordinal, &row),
                Some(RowError::NotABan(_))
            ),
            EntryContent::Invalid(_) => true,
            EntryContent::NotABan(_) => false,
        };
        let mut entries = open()?.zip(0..);
        if !entries.any(|(entry, ordinal)| entry.is_ok_and(|entry| is_left(entry, ordinal))) {
            bail!("nothing was imported: later entries of the file remove all of its bans");
        }
    }
    if !survey.repeats.users.is_empty() {
        let (mut contest, now) = (ReplacementRound::default(), UnixMillis::now().seconds());
        for (entry, ordinal) in open()?.zip(0..) {
            if let Ok(EntryContent::Ban(row)) = entry.map(|entry| entry.outcome) {
                contest.add(ordinal, *row, &survey.repeats, now);
            }
        }
        contest.decide(&mut survey.repeats);
    }
    Ok(survey)
}

impl Survey {
    fn take(&mut self, row: &ImportedBan, workspace: WorkspaceId) {
        if row.applied {
            self.reporting.insert(row.experience);
        }
        let (Some(uid), Some(from)) = (row.uid, row.workspace) else {
            return;
        };
        if from == workspace {
            self.largest_own = self.largest_own.max(uid.0);
            return;
        }
        let (adopted, largest) = self.foreign.get_or_insert((from, 0));
        if *adopted == from {
            *largest = uid.0.max(*largest);
        }
    }
}

/// Detects guids that a spreadsheet has rounded.
#[derive(Debug, Default)]
struct Rounding {
    long: u64,
    rounded: u64,
}

impl Rounding {
    fn add(&mut self, row: &ImportedBan) {
        let Some(guid) = row.guid.filter(|guid| guid.get() >= LONG) else {
            return;
        };
        self.long = self.long.saturating_add(1);
        // The last bits of our own guids contain the uid, which proves that they are not rounded.
        let is_whole = row.uid.is_some_and(|uid| is_of(guid, uid));
        if guid.get().is_multiple_of(ROUNDED_TO) && !is_whole {
            self.rounded = self.rounded.saturating_add(1);
        }
    }

    const fn is_likely(&self) -> bool {
        self.long > 0 && self.rounded == self.long
    }
}

fn is_of(guid: Guid, uid: Uid) -> bool {
    const LOW: u64 = (1 << 22) - 1;
    guid.get() & LOW == uid.0 & LOW
}

/// Fails because the file cannot be read, before anything is written.
pub fn refused<T>(broken: &FileError) -> Result<T> {
    let FileError { line, message } = broken;
    bail!("nothing was imported: line {line}: {message}")
}
