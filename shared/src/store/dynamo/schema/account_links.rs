//! The keys of account links. They have partitions of their own, so that the functions that write links may
//! write nothing else of a user.

use super::Key;
use crate::domain::account_links::LinkSide;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::DiscordId;

/// The number of partitions of the links of each side: enough for many imports and checks at once, and
/// few enough to list all links without a scan.
pub const ACCOUNT_LINK_SHARDS: u64 = 16;

/// The low bits of a Discord id are a counter, mostly 0; the time in milliseconds is above them.
const DISCORD_TIME_SHIFT: u32 = 22;

impl Key {
    /// The link of an account.
    pub fn account_link(prefix: WorkspacePrefix, account: LinkSide) -> Self {
        let (partition, sk): (fn(_, _) -> _, _) = match account {
            LinkSide::Roblox(user) => (roblox_links, user.to_string()),
            LinkSide::Discord(user) => (discord_links, user.to_string()),
        };
        let spread = match account {
            LinkSide::Roblox(user) => user.get(),
            LinkSide::Discord(user) => user.get() >> DISCORD_TIME_SHIFT,
        };
        let shard = spread.checked_rem(ACCOUNT_LINK_SHARDS);
        Self {
            pk: partition(prefix, shard.unwrap_or_default()),
            sk,
        }
    }

    /// That a Discord user has agreed to be linked: in the partition of their link.
    pub fn link_consent(prefix: WorkspacePrefix, user: DiscordId) -> Self {
        Self {
            sk: format!("C#{user}"),
            ..Self::account_link(prefix, LinkSide::Discord(user))
        }
    }

    /// A code that links accounts, by its hash.
    pub fn link_code(prefix: WorkspacePrefix, hash: &str) -> Self {
        Self {
            pk: format!("{prefix}#Z#C#{hash}"),
            sk: "C".to_owned(),
        }
    }

    /// The open code and the wrong codes of an account.
    pub fn link_code_use(prefix: WorkspacePrefix, account: LinkSide) -> Self {
        let (side, id) = match account {
            LinkSide::Roblox(user) => ("R", user.to_string()),
            LinkSide::Discord(user) => ("D", user.to_string()),
        };
        Self {
            pk: format!("{prefix}#Z#T#{side}{id}"),
            sk: "T".to_owned(),
        }
    }

    /// How many wrong codes the callers with a key have typed in an hour.
    pub fn wrong_codes(prefix: WorkspacePrefix, key_id: &str, hour: u64) -> Self {
        Self {
            pk: format!("{prefix}#Z#K#{key_id}#{hour}"),
            sk: "K".to_owned(),
        }
    }
}

/// One shard of the links, by their Roblox users.
pub(in crate::store) fn roblox_links(prefix: WorkspacePrefix, shard: u64) -> String {
    format!("{prefix}#Z#U#{shard}")
}

/// One shard of the links, by their Discord users.
fn discord_links(prefix: WorkspacePrefix, shard: u64) -> String {
    format!("{prefix}#Z#D#{shard}")
}

/// The partitions of all links.
#[cfg(feature = "admin")]
pub fn account_link_partitions(prefix: WorkspacePrefix) -> Vec<String> {
    let shards = 0..ACCOUNT_LINK_SHARDS;
    let both = |shard| [roblox_links(prefix, shard), discord_links(prefix, shard)];
    shards.flat_map(both).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    #[test]
    fn links_are_spread_over_partitions_of_their_own() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let roblox = LinkSide::Roblox(UserId::new(157).unwrap());
        // Two users who joined Discord one after the other.
        let discord = |id: &str| LinkSide::Discord(id.parse().unwrap());
        let (first, second) = (discord("175928847299117063"), discord("175928847303311367"));
        let key = Key::account_link(prefix, roblox);
        assert_eq!(
            (key.pk.as_str(), key.sk.as_str()),
            ("26092f67#Z#U#13", "157")
        );
        let keys = [first, second].map(|side| Key::account_link(prefix, side));
        assert_ne!(keys[0].pk, keys[1].pk);
        assert!(keys.iter().all(|key| key.pk.starts_with("26092f67#Z#D#")));
        assert!(keys.iter().all(|key| key.user().is_none()));
    }

    #[test]
    fn consent_lies_beside_the_link() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let user: DiscordId = "175928847299117063".parse().unwrap();
        let link = Key::account_link(prefix, LinkSide::Discord(user));
        let consent = Key::link_consent(prefix, user);
        assert_eq!(consent.pk, link.pk);
        assert_eq!(consent.sk, "C#175928847299117063");
    }
}
