//! What becomes of two accounts that are to be linked.

use super::link::{AccountLink, LinkPair, LinkProof};

/// What becomes of a pair that is to be linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkVerdict {
    /// Neither is linked: write the link.
    New,
    /// The pair is linked by an import, and its owner now proves it: replace the link.
    Prove,
    /// The pair is linked already.
    Same,
    /// One of them is linked to another account, which has to be unlinked first.
    Taken,
}

/// Judges a pair by the links of both accounts.
#[must_use]
pub fn judge_link(
    pair: LinkPair,
    proof: LinkProof,
    of_roblox: Option<&AccountLink>,
    of_discord: Option<&AccountLink>,
) -> LinkVerdict {
    let mut found = of_roblox.into_iter().chain(of_discord);
    if found.clone().any(|link| link.pair != pair) {
        return LinkVerdict::Taken;
    }
    match found.next() {
        None => LinkVerdict::New,
        Some(link) if link.proof == LinkProof::Import && proof == LinkProof::Code => {
            LinkVerdict::Prove
        }
        Some(_) => LinkVerdict::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::UnixSeconds;
    use crate::domain::ids::UserId;
    use crate::domain::members::DiscordId;

    fn pair(roblox: u64, discord: u64) -> LinkPair {
        LinkPair {
            roblox: UserId::new(roblox).unwrap(),
            discord: DiscordId::new(80_351_110_224_678_900 + discord).unwrap(),
        }
    }

    fn link(roblox: u64, discord: u64, proof: LinkProof) -> AccountLink {
        AccountLink {
            pair: pair(roblox, discord),
            proof,
            linked: UnixSeconds(1),
            confirmed: None,
        }
    }

    #[test]
    fn pair_is_judged_by_the_links_of_both_accounts() {
        use LinkProof::{Code, Import};
        use LinkVerdict::{New, Prove, Same, Taken};
        let (code, import) = (Some(link(1, 1, Code)), Some(link(1, 1, Import)));
        let other_discord = Some(link(1, 2, Code));
        let other_roblox = Some(link(2, 1, Import));
        for (proof, of_roblox, of_discord, expected) in [
            (Code, None, None, New),
            (Import, None, None, New),
            (Code, code, code, Same),
            (Import, code, code, Same),
            (Import, import, import, Same),
            (Code, import, import, Prove),
            (Code, other_discord, None, Taken),
            (Import, other_discord, None, Taken),
            (Code, None, other_roblox, Taken),
            (Import, None, other_roblox, Taken),
            (Code, other_discord, other_roblox, Taken),
        ] {
            let verdict = judge_link(pair(1, 1), proof, of_roblox.as_ref(), of_discord.as_ref());
            assert_eq!(verdict, expected, "{proof:?} {of_roblox:?} {of_discord:?}");
        }
    }
}
