//! Names of Roblox users: shown beside ids, and accepted in place of ids.

use std::collections::HashMap;

use shared::domain::ids::UserId;
use shared::domain::user_name::RobloxName;
use shared::domain::user_reference::UserReference;
use shared::moderation::names::DISPLAY_TIME;

use crate::pages::message::sentence;
use crate::visit::Visit;

/// The names of these users, as far as they are known in a short time.
pub async fn shown(
    visit: &Visit,
    users: impl IntoIterator<Item = UserId>,
) -> HashMap<UserId, RobloxName> {
    let (store, prefix) = (&visit.store, visit.prefix());
    visit.names.shown(store, prefix, users, DISPLAY_TIME).await
}

/// The user whom a person means, looked up now, or why nobody fits.
pub async fn resolve(visit: &Visit, typed: &str) -> Result<UserId, String> {
    let mut found = resolve_all(visit, &[typed]).await;
    found.pop().unwrap_or_else(|| Err(UNREADABLE.to_owned()))
}

/// The same for several, in their order, in one look-up.
pub async fn resolve_all(visit: &Visit, typed: &[&str]) -> Vec<Result<UserId, String>> {
    let references = typed
        .iter()
        .map(|text| visible(text).parse::<UserReference>());
    let references: Vec<_> = references.map(Result::ok).collect();
    let known: Vec<_> = references.iter().flatten().cloned().collect();
    let mut found = visit.names.resolve_each(&known).await.into_iter();
    let each = references.iter().map(|reference| {
        let found = reference.as_ref().and_then(|_| found.next());
        let found = found.ok_or_else(|| UNREADABLE.to_owned())?;
        found
            .map(|(user, _)| user)
            .map_err(|error| sentence(&error.to_string()))
    });
    each.collect()
}

/// The text without the white space and the characters without a shape that chats and tables put around what
/// is copied.
pub fn visible(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || is_shapeless(letter))
}

/// Zero-width spaces and joiners, marks of direction, and the byte order mark.
pub const fn is_shapeless(letter: char) -> bool {
    matches!(
        letter,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

const UNREADABLE: &str = "Type a name such as @builderman, a user id such as 156, or paste a link to the \
    player's Roblox profile.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_without_a_shape_are_left_out_at_the_ends() {
        for copied in ["156", " \u{200b}156\u{feff} ", "\u{2066}156\u{2069}"] {
            assert_eq!(visible(copied), "156", "{copied:?}");
        }
        assert_eq!(visible("\u{200b}"), "");
    }
}
