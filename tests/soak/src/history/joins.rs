//! Joins of places, as the operator saw them in the table during the run.

use shared::domain::ids::ExperienceId;

use super::Millis;

/// Between which moments something happened.
pub type Between = (Millis, Millis);

/// A join of a place to a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRecord {
    pub workspace: usize,
    pub part: ExperienceId,
    pub root: ExperienceId,
    /// The time in its link, which names it.
    pub announced: Millis,
    /// When that was written.
    pub written: Between,
    pub completed: Option<Between>,
    /// When the place left.
    pub left: Option<Between>,
}

impl JoinRecord {
    /// The name of its decisions.
    pub fn name(&self) -> String {
        format!("join-{}-{}", self.part, self.announced)
    }
}
