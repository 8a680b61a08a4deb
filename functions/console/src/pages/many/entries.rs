//! The pasted players: ids, names and links to profiles, with anything between them.

use std::collections::HashSet;

use shared::domain::ids::UserId;

use crate::names;
use crate::visit::Visit;

/// The most players of a run.
pub const MOST: usize = 1000;

/// What one pasted text stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastedPlayer {
    Player(UserId),
    /// The same as an earlier one.
    Duplicate(UserId),
    /// Nobody, and why.
    Unknown(String),
}

/// A pasted text with its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastedEntry {
    pub text: String,
    pub entry: PastedPlayer,
}

/// The single texts, or what is wrong with them as a whole.
pub fn split(pasted: &str) -> Result<Vec<&str>, String> {
    let is_between = |letter: char| {
        letter.is_whitespace() || names::is_shapeless(letter) || ",;|".contains(letter)
    };
    let texts = pasted.split(is_between);
    let texts = texts.map(|text| text.trim_matches(|letter| "\"'`<>()[]{}".contains(letter)));
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    match texts.len() {
        0 => Err("Paste at least one player.".to_owned()),
        1..=MOST => Ok(texts),
        many => Err(format!("At most {MOST} players at once; these are {many}.")),
    }
}

/// Looks up who is meant.
pub async fn read(visit: &Visit, texts: &[&str]) -> Vec<PastedEntry> {
    told_apart(texts, names::resolve_all(visit, texts).await)
}

fn told_apart(texts: &[&str], found: Vec<Result<UserId, String>>) -> Vec<PastedEntry> {
    let mut seen = HashSet::new();
    let entries = texts.iter().zip(found).map(|(text, found)| PastedEntry {
        text: (*text).chars().take(80).collect(),
        entry: match found {
            Ok(user) if seen.insert(user) => PastedPlayer::Player(user),
            Ok(user) => PastedPlayer::Duplicate(user),
            Err(why) => PastedPlayer::Unknown(why),
        },
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_separator_is_understood() {
        let pasted = "156,157;158 159\n160\r\n\u{200b}\"161\"\t|<https://www.roblox.com/users/162/profile>,, ";
        let expected = [
            "156",
            "157",
            "158",
            "159",
            "160",
            "161",
            "https://www.roblox.com/users/162/profile",
        ];
        assert_eq!(split(pasted).unwrap(), expected);
    }

    #[test]
    fn too_few_and_too_many_are_refused() {
        assert!(split(" ,; ").unwrap_err().contains("at least one"));
        let many = vec!["1"; MOST + 1].join(",");
        assert!(split(&many).unwrap_err().contains("1001"));
        assert_eq!(split(&vec!["1"; MOST].join(" ")).unwrap().len(), MOST);
    }

    #[test]
    fn each_player_counts_once() {
        let user = UserId::new(156).unwrap();
        let named = vec![Ok(user), Err("no user".to_owned()), Ok(user)];
        let found = told_apart(&["156", "x y", "156"], named);
        assert_eq!(found[0].entry, PastedPlayer::Player(user));
        assert!(matches!(found[1].entry, PastedPlayer::Unknown(_)));
        assert_eq!(found[2].entry, PastedPlayer::Duplicate(user));
    }
}
