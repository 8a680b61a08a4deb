//! The result for each player, in the text that a run's form carries from page to page.

use shared::domain::ids::UserId;

/// The result for one player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunResult {
    pub user: UserId,
    /// As in the results of a bulk call, or the code of an error.
    pub code: String,
    /// The decision that was made, as `guid-number`.
    pub decision: Option<String>,
}

impl RunResult {
    pub const UNPROCESSED: &str = "unprocessed";

    pub fn new(user: UserId, code: &str, decision: Option<String>) -> Self {
        Self {
            user,
            code: code.to_owned(),
            decision,
        }
    }

    /// Whether the player is to be offered again.
    pub fn is_unprocessed(&self) -> bool {
        self.code == Self::UNPROCESSED
    }

    /// Whether another attempt can have another result.
    pub fn may_be_repeated(&self) -> bool {
        self.is_unprocessed() || self.code == "rate_limited"
    }

    /// The result in words.
    pub fn word(&self) -> String {
        let word = match self.code.as_str() {
            "banned" => "Banned",
            "changed" => "Edited",
            "unbanned" | "lifted" => "Lifted",
            "restored" => "Banned again",
            "edited" => "Old terms again",
            "appealed" => "Appeal accepted again",
            "nothing" => "Nothing to undo",
            "superseded" => "Not undone: changed since",
            "already_banned" | "unchanged" => "Already banned",
            "protected_user" => "Protected",
            "rate_limited" => "Limit of bans per hour reached",
            "not_found" => "Not banned",
            "forbidden" => "Not permitted",
            "invalid_request" => "The end has passed",
            Self::UNPROCESSED => "Not done yet",
            other => return format!("Refused: {other}"),
        };
        word.to_owned()
    }

    /// The class that colours it.
    pub fn class(&self) -> &'static str {
        match self.code.as_str() {
            "banned" | "restored" => "s-permanent",
            "unbanned" | "lifted" | "appealed" => "s-lifted",
            "changed" | "edited" => "s-timed",
            _ => "s-expired",
        }
    }
}

/// `user.code.decision`, separated by spaces.
pub fn encode(results: &[RunResult]) -> String {
    let texts = results.iter().map(|result| {
        let decision = result.decision.as_deref().unwrap_or_default();
        format!("{}.{}.{decision}", result.user, result.code)
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// Reads what [`encode`] wrote; anything else is left out.
pub fn decode(text: &str) -> Vec<RunResult> {
    let is_plain = |part: &str| {
        let mut bytes = part.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    let read = |entry: &str| {
        let mut parts = entry.split('.');
        let (user, code, decision) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !is_plain(code) || !is_plain(decision) {
            return None;
        }
        let decision = Some(decision.to_owned()).filter(|it| !it.is_empty());
        Some(RunResult::new(user.parse().ok()?, code, decision))
    };
    text.split(' ').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_survive_their_text() {
        let user = UserId::new(156).unwrap();
        let results = [
            RunResult::new(user, "banned", Some("633197862920433664-1".to_owned())),
            RunResult::new(user, "already_banned", None),
        ];
        assert_eq!(decode(&encode(&results)), results);
    }

    #[test]
    fn anything_else_is_left_out() {
        for text in [
            "",
            "x",
            "0.banned.",
            "1.<b>.",
            "1.banned",
            "1.banned.1-1.x",
            "1.banned.<",
        ] {
            assert_eq!(decode(text), [], "{text}");
        }
    }

    #[test]
    fn codes_are_words() {
        let word = |code| RunResult::new(UserId::new(1).unwrap(), code, None).word();
        assert_eq!(word("protected_user"), "Protected");
        assert_eq!(word("new_code"), "Refused: new_code");
    }
}
