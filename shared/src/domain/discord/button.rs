//! What a button does, as its `custom_id` says it: at most 100 characters. The person who presses it needs
//! the permission again.

use std::fmt;
use std::str::FromStr;

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{Guid, PlaceId, UserId};
use crate::domain::members::DiscordId;
use crate::domain::rules::Length;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonAction {
    /// Bans a user in all experiences. The reasons are in the message.
    BanEverywhere {
        /// The command that asked for it: however often the button is pressed, it is one ban.
        asked: DiscordId,
        user: UserId,
        length: Length,
    },
    /// Lifts one of several bans, in the state that the message shows. The reason is in the message.
    Lift {
        asked: DiscordId,
        user: UserId,
        guid: Guid,
        decisions: u32,
    },
    /// Reverses a decision.
    Undo {
        user: UserId,
        guid: Guid,
        decisions: u32,
    },
    Unlink {
        place: PlaceId,
    },
    /// Agrees that the presser's accounts are linked, and asks for a code.
    AgreeToLink,
    /// Links the accounts of the presser by a code of the game, which is in the message. They agree to that.
    RedeemLinkCode,
    /// Deletes the presser's account link and their consent.
    Unverify {
        /// The Roblox user in the message; none if they are not linked.
        linked: Option<UserId>,
    },
    /// Does nothing, and takes the other buttons away.
    Dismiss,
}

/// The button is of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the button is of another version")]
pub struct UnknownButton;

impl fmt::Display for ButtonAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BanEverywhere {
                asked,
                user,
                length,
            } => write!(f, "ban:{asked}:{user}:{}", Short(*length)),
            Self::Lift {
                asked,
                user,
                guid,
                decisions,
            } => write!(f, "lift:{asked}:{user}:{guid}:{decisions}"),
            Self::Undo {
                user,
                guid,
                decisions,
            } => write!(f, "undo:{user}:{guid}:{decisions}"),
            Self::Unlink { place } => write!(f, "unlink:{place}"),
            Self::AgreeToLink => f.write_str("agree"),
            Self::RedeemLinkCode => f.write_str("redeem"),
            Self::Unverify { linked: None } => f.write_str("unverify"),
            Self::Unverify { linked: Some(user) } => write!(f, "unverify:{user}"),
            Self::Dismiss => f.write_str("dismiss"),
        }
    }
}

impl FromStr for ButtonAction {
    type Err = UnknownButton;

    fn from_str(text: &str) -> Result<Self, UnknownButton> {
        let parts: Vec<_> = text.split(':').collect();
        let read = || {
            Some(match parts.as_slice() {
                ["ban", asked, user, length] => Self::BanEverywhere {
                    asked: asked.parse().ok()?,
                    user: user.parse().ok()?,
                    length: long(length)?,
                },
                ["lift", asked, user, guid, decisions] => Self::Lift {
                    asked: asked.parse().ok()?,
                    user: user.parse().ok()?,
                    guid: guid.parse().ok()?,
                    decisions: decisions.parse().ok()?,
                },
                ["undo", user, guid, decisions] => Self::Undo {
                    user: user.parse().ok()?,
                    guid: guid.parse().ok()?,
                    decisions: decisions.parse().ok()?,
                },
                ["unlink", place] => Self::Unlink {
                    place: place.parse().ok()?,
                },
                ["agree"] => Self::AgreeToLink,
                ["redeem"] => Self::RedeemLinkCode,
                ["unverify"] => Self::Unverify { linked: None },
                ["unverify", user] => Self::Unverify {
                    linked: Some(user.parse().ok()?),
                },
                ["dismiss"] => Self::Dismiss,
                _ => return None,
            })
        };
        read().ok_or(UnknownButton)
    }
}

/// A length in few characters.
struct Short(Length);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Length::Permanent => f.write_str("p"),
            Length::Until(at) => write!(f, "u{at}"),
            Length::For(seconds) => write!(f, "f{seconds}"),
        }
    }
}

fn long(text: &str) -> Option<Length> {
    let number = |text: &str| text.parse().ok();
    match text.split_at_checked(1)? {
        ("p", "") => Some(Length::Permanent),
        ("u", at) => number(at).map(|at| Length::Until(UnixSeconds(at))),
        ("f", seconds) => number(seconds).map(Length::For),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_actions_fit_and_are_read_again() {
        let asked = DiscordId::new(i64::MAX.unsigned_abs()).unwrap();
        let user = UserId::new((1 << 53) - 1).unwrap();
        let (guid, decisions) = (Guid::from(u64::MAX), u32::MAX);
        let lengths = [
            Length::Permanent,
            Length::Until(UnixSeconds(4_884_562_934)),
            Length::For(3_155_760_000),
        ];
        let bans = lengths.map(|length| ButtonAction::BanEverywhere {
            asked,
            user,
            length,
        });
        let others = [
            ButtonAction::Lift {
                asked,
                user,
                guid,
                decisions,
            },
            ButtonAction::Undo {
                user,
                guid,
                decisions,
            },
            ButtonAction::Unlink {
                place: PlaceId::new(75_521_396_999_004).unwrap(),
            },
            ButtonAction::AgreeToLink,
            ButtonAction::RedeemLinkCode,
            ButtonAction::Unverify { linked: None },
            ButtonAction::Unverify { linked: Some(user) },
            ButtonAction::Dismiss,
        ];
        for action in bans.into_iter().chain(others) {
            let text = action.to_string();
            assert!((1..=100).contains(&text.len()), "{text}");
            assert_eq!(text.parse(), Ok(action), "{text}");
        }
    }

    #[test]
    fn other_texts_are_of_another_version() {
        for text in ["", "ban", "undo:1:2", "undo:0:2:3", "unlink:x", "ban:1:2:q"] {
            assert_eq!(text.parse::<ButtonAction>(), Err(UnknownButton), "{text}");
        }
    }
}
