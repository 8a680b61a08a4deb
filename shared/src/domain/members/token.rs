//! The secrets by which a member signs in and stays signed in: never stored, only their hash.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::MemberId;
use crate::domain::digest;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::random;

/// How many seconds an invitation is valid.
pub const INVITATION_VALID: u64 = 900;

/// How many seconds a session lasts without a request.
pub const SESSION_IDLE: u64 = 2 * 3_600;

/// How many seconds a session lasts at most.
pub const SESSION_LONGEST: u64 = 12 * 3_600;

/// The text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid token")]
pub struct MalformedToken;

/// 256 random bits in base64url.
fn random_secret() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<32>())
}

fn is_secret(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// A session, as its cookie has it: `<prefix>.<member>.<secret>`. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken {
    prefix: WorkspacePrefix,
    member: MemberId,
    secret: String,
}

impl SessionToken {
    #[must_use]
    pub fn random(prefix: WorkspacePrefix, member: MemberId) -> Self {
        Self {
            prefix,
            member,
            secret: random_secret(),
        }
    }

    #[must_use]
    pub const fn prefix(&self) -> WorkspacePrefix {
        self.prefix
    }

    #[must_use]
    pub const fn member(&self) -> MemberId {
        self.member
    }

    /// The form that is stored.
    #[must_use]
    pub fn hash(&self) -> String {
        digest::of(&["session", &self.secret])
    }

    /// What each form of the session has to contain.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        digest::of(&["csrf", &self.secret])
    }

    /// The value of the cookie.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}.{}.{}", self.prefix, self.member.digits(), self.secret)
    }
}

impl FromStr for SessionToken {
    type Err = MalformedToken;

    fn from_str(text: &str) -> Result<Self, MalformedToken> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().unwrap_or_default();
        let prefix = part().parse().map_err(|_| MalformedToken)?;
        let member = MemberId::from_digits(part()).ok_or(MalformedToken)?;
        let secret = part();
        if is_secret(secret) {
            let secret = secret.to_owned();
            Ok(Self {
                prefix,
                member,
                secret,
            })
        } else {
            Err(MalformedToken)
        }
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}

/// An invitation to sign in, as its link has it: `<prefix>.<secret>`. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken {
    prefix: WorkspacePrefix,
    secret: String,
}

impl InvitationToken {
    #[must_use]
    pub fn random(prefix: WorkspacePrefix) -> Self {
        let secret = random_secret();
        Self { prefix, secret }
    }

    #[must_use]
    pub const fn prefix(&self) -> WorkspacePrefix {
        self.prefix
    }

    /// The form that is stored.
    #[must_use]
    pub fn hash(&self) -> String {
        digest::of(&["invitation", &self.secret])
    }

    /// The end of the link.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}.{}", self.prefix, self.secret)
    }
}

impl FromStr for InvitationToken {
    type Err = MalformedToken;

    fn from_str(text: &str) -> Result<Self, MalformedToken> {
        let (prefix, secret) = text.split_once('.').ok_or(MalformedToken)?;
        let prefix = prefix.parse().map_err(|_| MalformedToken)?;
        if is_secret(secret) {
            let secret = secret.to_owned();
            Ok(Self { prefix, secret })
        } else {
            Err(MalformedToken)
        }
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::WorkspaceId;

    #[test]
    fn tokens_are_parsed_as_they_are_printed() {
        let prefix = WorkspaceId::random().prefix();
        let session = SessionToken::random(prefix, MemberId::random());
        assert_eq!(session.reveal().parse(), Ok(session.clone()));
        let invitation = InvitationToken::random(prefix);
        assert_eq!(invitation.reveal().parse(), Ok(invitation.clone()));
        assert_ne!(session.hash(), session.csrf_token());
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let prefix = WorkspaceId::random().prefix();
        let session = SessionToken::random(prefix, MemberId::random()).reveal();
        for text in [
            "",
            "..",
            &session[1..],
            &format!("{session}A"),
            &session.replace('.', "-"),
        ] {
            assert_eq!(text.parse::<SessionToken>(), Err(MalformedToken), "{text}");
            assert_eq!(
                text.parse::<InvitationToken>(),
                Err(MalformedToken),
                "{text}"
            );
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let prefix = WorkspaceId::random().prefix();
        let session = SessionToken::random(prefix, MemberId::random());
        assert_eq!(format!("{session:?}"), "SessionToken");
        assert_eq!(
            format!("{:?}", InvitationToken::random(prefix)),
            "InvitationToken"
        );
    }
}
