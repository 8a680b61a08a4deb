//! The message that makes the running servers of a game drop a player.

use serde::Serialize;

use crate::domain::ids::UserId;

/// The maximum length of a message in bytes.
const LONGEST: usize = 1024;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DropPlayer<'a> {
    command: &'static str,
    user_id: u64,
    reason: &'a str,
}

/// The message that drops a player, with as much of the reason as fits.
#[must_use]
pub fn drop_player(user: UserId, reason: &str) -> String {
    let message = |reason| {
        let message = DropPlayer {
            command: "DropPlayer",
            user_id: user.get(),
            reason,
        };
        serde_json::to_string(&message).unwrap_or_default()
    };
    // A character takes at least as many bytes in JSON as in UTF-8.
    let mut end = reason.floor_char_boundary(LONGEST);
    loop {
        let text = message(reason.get(..end).unwrap_or_default());
        let over = text.len().saturating_sub(LONGEST);
        if over == 0 || end == 0 {
            return text;
        }
        // One character becomes at most six bytes, so this never cuts too much.
        let cut = over.div_ceil(6).max(1);
        end = reason.floor_char_boundary(end.saturating_sub(cut));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn message_has_the_published_format() {
        let message = drop_player(UserId::new(156).unwrap(), "a \"b\"");
        let expected = r#"{"Command":"DropPlayer","UserId":156,"Reason":"a \"b\""}"#;
        assert_eq!(message, expected);
    }

    proptest! {
        #[test]
        fn long_reason_is_cut_to_fit(reason in "(\\PC|[\\x00-\\x1f\"\\\\ä😀]){0,1500}") {
            let user = UserId::new(9_007_199_254_740_991).unwrap();
            let message = drop_player(user, &reason);
            prop_assert!(message.len() <= LONGEST);
            let json: Value = serde_json::from_str(&message).unwrap();
            let sent = json["Reason"].as_str().unwrap();
            prop_assert!(reason.starts_with(sent));
            prop_assert!(sent == reason || message.len() > LONGEST - 16, "{}", message.len());
        }
    }
}
