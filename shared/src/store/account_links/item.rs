//! The items of links and their codes.

use serde::{Deserialize, Serialize};

use crate::domain::account_links::{
    AccountLink, DiscordName, LinkPair, LinkProof, LinkSide, WrongCodes,
};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::UserId;
use crate::domain::members::DiscordId;
use crate::store::dynamo::versions;

/// A link: the same under the keys of both accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct LinkItem {
    pub version: u64,
    user: UserId,
    discord: DiscordId,
    proof: LinkProof,
    /// When it was written.
    at: UnixSeconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<UnixSeconds>,
    /// The code that proved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<RedeemedCode>,
}

/// A code that is used up, which its two users may still send again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct RedeemedCode {
    pub hash: String,
    pub until: UnixSeconds,
}

impl LinkItem {
    pub fn new(link: &AccountLink, code: Option<RedeemedCode>) -> Self {
        Self {
            version: versions::next_version(None),
            user: link.pair.roblox,
            discord: link.pair.discord,
            proof: link.proof,
            at: link.linked,
            confirmed: link.confirmed,
            code,
        }
    }

    pub fn link(&self) -> AccountLink {
        AccountLink {
            pair: self.pair(),
            proof: self.proof,
            linked: self.at,
            confirmed: self.confirmed,
        }
    }

    pub const fn pair(&self) -> LinkPair {
        LinkPair {
            roblox: self.user,
            discord: self.discord,
        }
    }

    /// The expiry of this code, if the link was proven by it and it has not expired yet.
    pub fn proven_by(&self, hash: &str, now: UnixSeconds) -> Option<UnixSeconds> {
        let code = self.code.as_ref()?;
        (code.hash == hash && code.until > now).then_some(code.until)
    }

    /// The same link, proven by another code.
    pub fn proven_again(&self, code: RedeemedCode) -> Self {
        Self {
            version: versions::next_version(Some(self.version)),
            code: Some(code),
            ..self.clone()
        }
    }

    /// The same link, confirmed by an administrator.
    #[cfg(feature = "admin")]
    pub fn confirmed_at(&self, now: UnixSeconds) -> Self {
        Self {
            version: versions::next_version(Some(self.version)),
            confirmed: Some(now),
            ..self.clone()
        }
    }
}

/// A code that can be redeemed, under its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CodeItem {
    pub version: u64,
    #[serde(flatten)]
    by: MadeBy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discord_name: Option<DiscordName>,
    at: UnixSeconds,
    /// The code has expired from then on.
    pub ttl: UnixSeconds,
}

/// Who made a code.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum MadeBy {
    #[serde(rename = "user")]
    Roblox(UserId),
    #[serde(rename = "discord")]
    Discord(DiscordId),
}

impl CodeItem {
    pub fn new(
        by: LinkSide,
        discord_name: Option<DiscordName>,
        at: UnixSeconds,
        ttl: UnixSeconds,
    ) -> Self {
        Self {
            version: versions::next_version(None),
            by: match by {
                LinkSide::Roblox(user) => MadeBy::Roblox(user),
                LinkSide::Discord(user) => MadeBy::Discord(user),
            },
            discord_name,
            at,
            ttl,
        }
    }

    pub const fn by(&self) -> LinkSide {
        match self.by {
            MadeBy::Roblox(user) => LinkSide::Roblox(user),
            MadeBy::Discord(user) => LinkSide::Discord(user),
        }
    }
}

/// What an account has done with codes within the last hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CodeUseItem {
    pub version: u64,
    /// The hash of the code that it made last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default)]
    pub wrong: WrongCodes,
    at: UnixSeconds,
    ttl: UnixSeconds,
}

impl CodeUseItem {
    /// What follows from an earlier state, if there is one.
    fn after(earlier: Option<&Self>, now: UnixSeconds, ttl: UnixSeconds) -> Self {
        Self {
            version: versions::next_version(earlier.map(|it| it.version)),
            code: earlier.and_then(|it| it.code.clone()),
            wrong: earlier.map(|it| it.wrong.clone()).unwrap_or_default(),
            at: now,
            ttl: earlier.map_or(ttl, |it| it.ttl.max(ttl)),
        }
    }

    /// After the account made a code.
    pub fn with_code(
        earlier: Option<&Self>,
        hash: &str,
        now: UnixSeconds,
        until: UnixSeconds,
    ) -> Self {
        Self {
            code: Some(hash.to_owned()),
            ..Self::after(earlier, now, until)
        }
    }

    /// After the account typed a wrong code.
    pub fn with_wrong_code(earlier: Option<&Self>, now: UnixSeconds) -> Self {
        let before = earlier.map(|it| it.wrong.clone()).unwrap_or_default();
        let wrong = before.with_another(now);
        let over = wrong.over();
        Self {
            wrong,
            ..Self::after(earlier, now, over)
        }
    }
}

/// The wrong codes of one key in an hour.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct WrongCodesItem {
    #[serde(default)]
    pub count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::dynamo::items;
    use crate::store::dynamo::schema::{Key, StoredKind};

    #[test]
    fn code_is_read_as_it_was_written() {
        let prefix = "26092f67".parse().unwrap();
        let discord = LinkSide::Discord("80351110224678912".parse().unwrap());
        for side in [LinkSide::Roblox(UserId::new(156).unwrap()), discord] {
            let name = DiscordName::new("Ada");
            let item = CodeItem::new(side, name.clone(), UnixSeconds(1), UnixSeconds(601));
            let key = Key::link_code(prefix, "hash");
            let stored = items::write(key, StoredKind::LinkCode, &item).unwrap();
            let read: CodeItem = items::read(stored).unwrap();
            assert_eq!((read.by(), read.discord_name), (side, name));
            assert_eq!((read.version, read.ttl), (item.version, item.ttl));
        }
    }

    #[test]
    fn what_an_account_did_with_codes_adds_up() {
        let now = UnixSeconds(1_000);
        let made = CodeUseItem::with_code(None, "hash", now, UnixSeconds(1_600));
        let wrong = CodeUseItem::with_wrong_code(Some(&made), UnixSeconds(1_100));
        assert_eq!(wrong.code.as_deref(), Some("hash"));
        assert_eq!(wrong.ttl, UnixSeconds(4_700));
        assert_eq!(wrong.version, made.version + 1);
        let again = CodeUseItem::with_code(Some(&wrong), "other", now, UnixSeconds(1_800));
        assert_eq!((again.wrong, again.ttl), (wrong.wrong, UnixSeconds(4_700)));
    }

    #[test]
    fn used_code_is_recognised_until_it_expires() {
        let link = AccountLink {
            pair: LinkPair {
                roblox: UserId::new(156).unwrap(),
                discord: "80351110224678912".parse().unwrap(),
            },
            proof: LinkProof::Code,
            linked: UnixSeconds(1),
            confirmed: None,
        };
        let code = RedeemedCode {
            hash: "hash".to_owned(),
            until: UnixSeconds(601),
        };
        let item = LinkItem::new(&link, Some(code));
        let until = |hash, now| item.proven_by(hash, UnixSeconds(now));
        assert_eq!(until("hash", 600), Some(UnixSeconds(601)));
        assert_eq!(until("hash", 601), None);
        assert_eq!(until("other", 600), None);
        assert_eq!(
            LinkItem::new(&link, None).proven_by("hash", UnixSeconds(0)),
            None
        );
    }
}
