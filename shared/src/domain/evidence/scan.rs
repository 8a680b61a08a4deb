//! What a malware scan reports about an uploaded file.

use serde::{Deserialize, Serialize};

/// The result of a scan, by GuardDuty's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScanResult {
    NoThreatsFound,
    ThreatsFound,
    /// Such as a file with a password.
    Unsupported,
    AccessDenied,
    Failed,
    /// A result that GuardDuty has introduced since.
    #[serde(other)]
    Unknown,
}

impl ScanResult {
    /// Whether the file must not be read any more.
    #[must_use]
    pub const fn quarantines(self) -> bool {
        matches!(self, Self::ThreatsFound)
    }

    /// Whether nothing is known about the file, which therefore stays unreadable.
    #[must_use]
    pub const fn is_inconclusive(self) -> bool {
        match self {
            Self::NoThreatsFound | Self::ThreatsFound => false,
            Self::Unsupported | Self::AccessDenied | Self::Failed | Self::Unknown => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_threat_quarantines_and_only_a_clean_file_is_fine() {
        for (name, quarantines, is_inconclusive) in [
            ("NO_THREATS_FOUND", false, false),
            ("THREATS_FOUND", true, false),
            ("UNSUPPORTED", false, true),
            ("ACCESS_DENIED", false, true),
            ("FAILED", false, true),
            ("threats_found", false, true),
            ("", false, true),
        ] {
            let result: ScanResult = serde_json::from_value(name.into()).unwrap();
            assert_eq!(result.quarantines(), quarantines, "{name}");
            assert_eq!(result.is_inconclusive(), is_inconclusive, "{name}");
        }
    }
}
