//! The reason that a guild's audit log shows for what the application does there. That of a command ends with a
//! mark, by which a reader of the log recognises what the service has done and recorded itself.

use std::fmt::Write as _;

use super::limits::{cut, units};
use crate::domain::ids::Guid;
use crate::domain::members::DiscordId;

/// The longest that Discord accepts, in characters.
const LONGEST: usize = 512;

/// How the mark begins; it ends with `]`.
const MARK: &str = "[portcullis ";

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReason(String);

impl AuditReason {
    /// The reason of a command that a person used in the interaction with this id.
    #[must_use]
    pub fn of_command(reason: &str, by: &str, interaction: DiscordId) -> Self {
        Self::marked(&format!("{reason} (by {by})"), &interaction.to_string())
    }

    /// The reason of a rule that acts because of the ban in game with this guid.
    #[must_use]
    pub fn of_rule(reason: &str, ban: Guid) -> Self {
        Self::marked(reason, &format!("ban {ban}"))
    }

    /// Whether this is the reason in Discord's words.
    #[must_use]
    pub fn is(&self, shown: &str) -> bool {
        self.0 == shown
    }

    /// A reason without a mark, for what is not recorded.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self(cut(text, LONGEST))
    }

    fn marked(reason: &str, id: &str) -> Self {
        let mark = format!(" {MARK}{id}]");
        let reason = cut(reason, LONGEST.saturating_sub(units(&mark)));
        Self(format!("{reason}{mark}"))
    }

    /// Whether a reason in the audit log has a mark. Anyone who bans can write one, so who acted counts too.
    #[must_use]
    pub fn is_marked(reason: &str) -> bool {
        let mark = reason.rsplit_once(MARK).map(|(_, mark)| mark);
        mark.and_then(|mark| mark.strip_suffix(']')).is_some()
    }

    /// The value of the header `X-Audit-Log-Reason`: in UTF-8, each byte that is not plain as `%` and two
    /// hex digits.
    #[must_use]
    pub fn encoded(&self) -> String {
        self.0.bytes().fold(String::new(), |mut encoded, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    encoded.push(char::from(byte));
                }
                _ => {
                    let _ = write!(encoded, "%{byte:02X}");
                }
            }
            encoded
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> AuditReason {
        AuditReason::of_command(text, "Ada", "613425648685547541".parse().unwrap())
    }

    #[test]
    fn reason_names_the_moderator_and_ends_with_the_mark() {
        let reason = reason("Spam");
        assert_eq!(reason.0, "Spam (by Ada) [portcullis 613425648685547541]");
        assert!(AuditReason::is_marked(&reason.0));
        assert_eq!(
            reason.encoded(),
            "Spam%20%28by%20Ada%29%20%5Bportcullis%20613425648685547541%5D"
        );
    }

    #[test]
    fn reason_of_a_rule_names_the_ban() {
        let reason = |guid: u64| AuditReason::of_rule("Banned in game.", Guid::from(guid));
        let shown = format!("Banned in game. [portcullis ban {}]", Guid::from(7));
        assert!(reason(7).is(&shown) && !reason(8).is(&shown));
        assert!(AuditReason::is_marked(&shown));
    }

    #[test]
    fn long_reasons_are_cut_before_the_mark() {
        for text in ["x".repeat(2_000), "ä".repeat(2_000), "😀".repeat(2_000)] {
            let reason = reason(&text);
            assert!(units(&reason.0) <= LONGEST, "{}", reason.0);
            assert!(AuditReason::is_marked(&reason.0));
            assert!(reason.encoded().is_ascii());
        }
    }

    #[test]
    fn other_reasons_have_no_mark() {
        for text in [
            "",
            "Spam",
            "[portcullis 1",
            "[portcullis 1] no",
            "portcullis 1]",
        ] {
            assert!(!AuditReason::is_marked(text), "{text}");
        }
    }
}
