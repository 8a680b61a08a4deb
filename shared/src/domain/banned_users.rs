//! The banned users of a workspace as a snapshot encodes them: ascending, each as its difference to
//! the one before, in unsigned LEB128.

use std::collections::BTreeMap;

use crate::domain::ids::UserId;

/// The bits of a number that one byte of LEB128 holds.
const BITS: u32 = 7;

/// The bit that says that more bytes follow.
const MORE: u8 = 0x80;

/// Users in ascending order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BannedUsers(Vec<UserId>);

impl BannedUsers {
    #[must_use]
    pub fn new(mut users: Vec<UserId>) -> Self {
        users.sort_unstable();
        users.dedup();
        Self(users)
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    #[must_use]
    pub fn contains(&self, user: UserId) -> bool {
        self.0.binary_search(&user).is_ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = UserId> + '_ {
        self.0.iter().copied()
    }

    /// The same with these users added (`true`) or removed (`false`).
    #[must_use]
    pub fn with(mut self, changed: &BTreeMap<UserId, bool>) -> Self {
        self.0.retain(|user| !changed.contains_key(user));
        let added = changed.iter().filter(|(_, is_banned)| **is_banned);
        self.0.extend(added.map(|(user, _)| *user));
        Self::new(self.0)
    }

    /// The differences in unsigned LEB128; the first is the id itself.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Two bytes each, for a million users with ids up to eight billion.
        let mut bytes = Vec::with_capacity(self.0.len().saturating_mul(2));
        let mut previous = 0;
        for user in &self.0 {
            let mut rest = user.get().saturating_sub(previous);
            previous = user.get();
            loop {
                let low = u8::try_from(rest & u64::from(!MORE)).unwrap_or_default();
                rest >>= BITS;
                if rest == 0 {
                    bytes.push(low);
                    break;
                }
                bytes.push(low | MORE);
            }
        }
        bytes
    }

    /// Reads what [`Self::encode`] wrote; `None` for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut users = Vec::with_capacity(bytes.len() / 2);
        let (mut id, mut difference, mut shift) = (0_u64, 0_u64, 0_u32);
        for byte in bytes {
            let low = u64::from(byte & !MORE);
            difference |= low.checked_shl(shift).filter(|it| it >> shift == low)?;
            shift = shift.saturating_add(BITS);
            if byte & MORE != 0 {
                continue;
            }
            // Neither the same user again nor a needless byte.
            if difference == 0 || (low == 0 && shift > BITS) {
                return None;
            }
            id = id.checked_add(difference)?;
            users.push(UserId::new(id)?);
            (difference, shift) = (0, 0);
        }
        (shift == 0).then_some(Self(users))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::MAX_ROBLOX_ID;

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    fn users(ids: &[u64]) -> BannedUsers {
        BannedUsers::new(ids.iter().copied().map(user).collect())
    }

    #[test]
    fn documented_examples_are_encoded_as_documented() {
        for (ids, text) in [
            (&[][..], ""),
            (&[1], "AQ=="),
            (&[127], "fw=="),
            (&[128], "gAE="),
            (&[457, 156, 157, 156], "nAEBrAI="),
            (&[MAX_ROBLOX_ID], "/////////w8="),
        ] {
            let users = users(ids);
            assert_eq!(STANDARD.encode(users.encode()), text, "{ids:?}");
            assert_eq!(BannedUsers::decode(&users.encode()), Some(users), "{ids:?}");
        }
    }

    #[test]
    fn bytes_of_another_form_are_not_decoded() {
        let unfinished: &[u8] = &[0x9c];
        let twice: &[u8] = &[5, 0];
        let needless_byte: &[u8] = &[0x81, 0x00];
        let too_large: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let overflow: &[u8] = &[0xff; 12];
        for bytes in [unfinished, twice, needless_byte, too_large, overflow, &[0]] {
            assert_eq!(BannedUsers::decode(bytes), None, "{bytes:?}");
        }
    }

    /// The ids of a million random accounts of the eight billion that exist.
    #[test]
    fn a_million_users_take_less_than_3_mb_of_base64() {
        let id = |number: u64| 1 + number.wrapping_mul(6_364_136_223_846_793_005) % 8_000_000_000;
        let users = BannedUsers::new((0..1_050_000).map(id).map(user).collect());
        assert!(users.count() > 1_000_000, "{}", users.count());
        let base64 = users.encode().len().div_ceil(3) * 4;
        assert!(base64 < 3_000_000, "{base64}");
    }

    proptest! {
        #[test]
        fn encoding_round_trips(ids in prop::collection::btree_set(1..=MAX_ROBLOX_ID, 0..200)) {
            let users = BannedUsers::new(ids.iter().copied().map(user).collect());
            let decoded = BannedUsers::decode(&users.encode()).unwrap();
            let back: BTreeSet<u64> = decoded.iter().map(UserId::get).collect();
            prop_assert_eq!(back, ids);
        }

        #[test]
        fn decoding_never_panics_and_accepts_one_spelling(bytes: Vec<u8>) {
            if let Some(users) = BannedUsers::decode(&bytes) {
                prop_assert_eq!(users.encode(), bytes);
            }
        }

        #[test]
        fn changes_apply_as_to_a_set(
            before in prop::collection::btree_set(1..50_u64, 0..30),
            changes in prop::collection::btree_map(1..50_u64, any::<bool>(), 0..30),
        ) {
            let mut expected = before.clone();
            for (id, is_banned) in &changes {
                if *is_banned { expected.insert(*id); } else { expected.remove(id); }
            }
            let changes = changes.into_iter().map(|(id, banned)| (user(id), banned)).collect();
            let users = BannedUsers::new(before.into_iter().map(user).collect()).with(&changes);
            prop_assert_eq!(users.iter().map(UserId::get).collect::<BTreeSet<_>>(), expected);
        }
    }
}
