//! Whether Roblox accepts a mirror's key, and what follows for the mirror.

use serde::{Deserialize, Serialize};

use super::RobloxLimits;
use crate::domain::clock::{UnixMillis, UnixSeconds};

/// The result of checking a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyCheck {
    /// Roblox accepts the key.
    Accepted,
    /// The key cannot be used.
    Refused {
        /// Roblox's status; 0 if Secrets Manager does not give the key.
        status: u16,
        /// The reason, in the words of the service that refused.
        message: String,
    },
    /// There was no answer.
    Unknown,
}

/// Why a mirror is stopped, until its key is accepted again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorStop {
    /// When it stopped.
    pub at: UnixSeconds,
    /// Roblox's status; 0 if Secrets Manager does not give the key.
    pub status: u16,
    /// The reason, in the words of the service that refused.
    pub message: String,
}

impl KeyCheck {
    /// Why the mirror is stopped after this check, given what stopped it before. No answer changes
    /// nothing.
    #[must_use]
    pub fn stop(&self, before: Option<&MirrorStop>, now: UnixSeconds) -> Option<MirrorStop> {
        match self {
            Self::Accepted => None,
            Self::Unknown => before.cloned(),
            Self::Refused { status, message } => Some(MirrorStop {
                at: before.map_or(now, |before| before.at),
                status: *status,
                message: message.clone(),
            }),
        }
    }
}

/// Whether a stopped mirror's key, last checked at this time, is due for another check.
#[must_use]
pub fn is_check_due(checked: Option<UnixSeconds>, limits: RobloxLimits, now: UnixMillis) -> bool {
    let checked = checked.unwrap_or_default().0.saturating_mul(1000);
    checked.saturating_add(limits.window / 2) <= now.millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: UnixSeconds = UnixSeconds(100);
    const LATER: UnixSeconds = UnixSeconds(200);

    fn refused(status: u16) -> KeyCheck {
        KeyCheck::Refused {
            status,
            message: status.to_string(),
        }
    }

    #[test]
    fn a_refused_key_stops_a_mirror_until_it_is_accepted() {
        let stop = refused(401).stop(None, FIRST);
        let expected = MirrorStop {
            at: FIRST,
            status: 401,
            message: "401".to_owned(),
        };
        assert_eq!(stop, Some(expected));
        assert_eq!(KeyCheck::Unknown.stop(stop.as_ref(), LATER), stop);
        assert_eq!(KeyCheck::Unknown.stop(None, LATER), None);
        assert_eq!(KeyCheck::Accepted.stop(stop.as_ref(), LATER), None);
    }

    #[test]
    fn a_stopped_mirror_keeps_the_time_of_the_first_refusal() {
        let before = refused(401).stop(None, FIRST);
        let after = refused(403).stop(before.as_ref(), LATER).unwrap();
        assert_eq!((after.at, after.status), (FIRST, 403));
    }

    #[test]
    fn a_refused_key_is_checked_twice_a_minute() {
        let limits = RobloxLimits::default();
        let is_due = |millis| is_check_due(Some(FIRST), limits, UnixMillis::from_millis(millis));
        assert!(!is_due(129_999));
        assert!(is_due(130_000));
        assert!(is_check_due(None, limits, UnixMillis::from_millis(30_000)));
    }
}
