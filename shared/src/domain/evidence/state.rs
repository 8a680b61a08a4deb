//! The life of a piece of evidence, and what a call may do in each state.

use serde::{Deserialize, Serialize};

/// A text is available at once; a file once its upload is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceState {
    /// The upload is not complete.
    Pending,
    Available,
    /// The uploaded file is not of the declared type.
    Rejected,
    /// A malware scan found something.
    Quarantined,
}

/// What a check of an uploaded object finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileCheck {
    /// Nothing has been uploaded.
    Missing,
    /// Size, type, hash and first bytes are as declared.
    Matches,
    Differs,
}

/// What a call that completes an upload does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Nothing is stored; the caller uploads first.
    UploadFirst,
    /// The new state is stored.
    Becomes(EvidenceState),
    /// Another call has completed the upload: the answer follows from the state.
    Already(EvidenceState),
}

impl EvidenceState {
    /// Whether bytes may be uploaded and have to be checked.
    #[must_use]
    pub const fn awaits_upload(self) -> bool {
        matches!(self, Self::Pending)
    }

    /// Whether the content may be read.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        matches!(self, Self::Available)
    }

    /// Completes an upload. Only a pending one changes, so all repeats get the same answer.
    #[must_use]
    pub const fn complete(self, check: FileCheck) -> Completion {
        match (self, check) {
            (Self::Pending, FileCheck::Missing) => Completion::UploadFirst,
            (Self::Pending, FileCheck::Matches) => Completion::Becomes(Self::Available),
            (Self::Pending, FileCheck::Differs) => Completion::Becomes(Self::Rejected),
            (state, _) => Completion::Already(state),
        }
    }

    /// The state after a scan found malware. A rejected file stays rejected, and is unreadable too.
    #[must_use]
    pub const fn quarantine(self) -> Self {
        match self {
            Self::Rejected => Self::Rejected,
            Self::Pending | Self::Available | Self::Quarantined => Self::Quarantined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [EvidenceState; 4] = [
        EvidenceState::Pending,
        EvidenceState::Available,
        EvidenceState::Rejected,
        EvidenceState::Quarantined,
    ];
    const CHECKS: [FileCheck; 3] = [FileCheck::Missing, FileCheck::Matches, FileCheck::Differs];

    #[test]
    fn check_decides_a_pending_upload() {
        let pending = EvidenceState::Pending;
        assert_eq!(
            pending.complete(FileCheck::Missing),
            Completion::UploadFirst
        );
        assert_eq!(
            pending.complete(FileCheck::Matches),
            Completion::Becomes(EvidenceState::Available)
        );
        assert_eq!(
            pending.complete(FileCheck::Differs),
            Completion::Becomes(EvidenceState::Rejected)
        );
    }

    #[test]
    fn completed_upload_never_changes_again() {
        for state in STATES.into_iter().filter(|state| !state.awaits_upload()) {
            for check in CHECKS {
                assert_eq!(state.complete(check), Completion::Already(state));
            }
        }
    }

    #[test]
    fn quarantined_file_is_never_readable() {
        for state in STATES {
            let after = state.quarantine();
            assert!(!after.is_readable());
            for check in CHECKS {
                assert_eq!(after.complete(check), Completion::Already(after));
            }
        }
    }
}
