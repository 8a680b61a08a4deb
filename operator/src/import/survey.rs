//! The first way through a file: is it sound, how much is it, and which numbers does it bring.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use shared::ids::{ExperienceId, WorkspaceId};
use shared::store::Numbering;

use super::{RowError, Rows};

/// What is known of a file.
#[derive(Debug, Default)]
pub struct Survey {
    /// How many rows it has, wrong ones included.
    pub rows: u64,
    /// The largest number among the workspace's own bans.
    pub largest_own: u64,
    /// The other workspace whose numbers may be kept, with the largest of them.
    pub foreign: Option<(WorkspaceId, u64)>,
    /// The experiences that have applied some of the bans.
    pub reporting: BTreeSet<ExperienceId>,
}

/// Reads all rows. A file that is broken is refused before anything is written.
pub fn survey(rows: Rows, workspace: WorkspaceId, numbering: Numbering) -> Result<Survey> {
    let mut survey = Survey {
        foreign: numbering.adopted.map(|adopted| (adopted.workspace, 0)),
        ..Survey::default()
    };
    for row in rows {
        survey.rows = survey.rows.saturating_add(1);
        let row = match row {
            Ok(row) => row,
            Err(error) if error.fatal => return refused(&error),
            Err(_) => continue,
        };
        if row.completed {
            survey.reporting.insert(row.experience);
        }
        let (Some(uid), Some(from)) = (row.uid, row.workspace) else {
            continue;
        };
        if from == workspace {
            survey.largest_own = survey.largest_own.max(uid.0);
            continue;
        }
        let (adopted, largest) = survey.foreign.get_or_insert((from, 0));
        if *adopted == from {
            *largest = uid.0.max(*largest);
        }
    }
    Ok(survey)
}

/// Nothing more can be read, so nothing is to be written.
pub fn refused<T>(error: &RowError) -> Result<T> {
    let RowError { line, message, .. } = error;
    bail!("nothing was imported: line {line}: {message}")
}
