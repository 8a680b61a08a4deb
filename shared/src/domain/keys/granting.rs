//! What a new key may do.

use super::{KeyKind, KeyScope};

/// Why a key cannot have these scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScopes {
    #[error("a public key has no scopes")]
    PublicKey,
    #[error("{} requires bans:write", .0.name())]
    RequiresWrite(KeyScope),
}

impl KeyScope {
    /// The scopes of a new key, without duplicates and in canonical order; the default ones if none
    /// are asked for.
    pub fn granted(kind: KeyKind, asked: &[Self]) -> Result<Vec<Self>, InvalidScopes> {
        let has = |scope| asked.contains(&scope);
        let mut dependent = [Self::WriteGlobalBans, Self::BulkBans].into_iter();
        match kind {
            KeyKind::Public if asked.is_empty() => Ok(Vec::new()),
            KeyKind::Public => Err(InvalidScopes::PublicKey),
            KeyKind::Secret if asked.is_empty() => Ok(Self::DEFAULT.to_vec()),
            KeyKind::Secret => match dependent.find(|scope| has(*scope)) {
                Some(scope) if !has(Self::WriteBans) => Err(InvalidScopes::RequiresWrite(scope)),
                _ => Ok(Self::ALL.into_iter().filter(|scope| has(*scope)).collect()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use KeyScope::{BulkBans, ReadBans, WriteBans, WriteGlobalBans};

    use super::*;

    #[test]
    fn scopes_are_granted_once_and_in_order() {
        let granted = |asked| KeyScope::granted(KeyKind::Secret, asked);
        assert_eq!(granted(&[]), Ok(vec![ReadBans, WriteBans]));
        assert_eq!(
            granted(&[WriteGlobalBans, WriteBans, WriteBans]),
            Ok(vec![WriteBans, WriteGlobalBans])
        );
        assert_eq!(
            granted(&[ReadBans, BulkBans]),
            Err(InvalidScopes::RequiresWrite(BulkBans))
        );
    }

    #[test]
    fn public_key_has_no_scopes() {
        assert_eq!(KeyScope::granted(KeyKind::Public, &[]), Ok(Vec::new()));
        assert_eq!(
            KeyScope::granted(KeyKind::Public, &[ReadBans]),
            Err(InvalidScopes::PublicKey)
        );
    }
}
