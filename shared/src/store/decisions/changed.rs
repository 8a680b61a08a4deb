//! Classifies an item in a stream record by its key.

use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::store::dynamo::schema::{Key, Partition};

/// A changed item that a worker may have to process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A decision, an expiry or an activity: an entry of the workspace's event log.
    Entry(WorkspacePrefix),
    /// A user's standing in an experience.
    Standing(WorkspacePrefix, UserId, ExperienceId),
    Delivery(WorkspacePrefix, String),
    /// The tick of a minute.
    Tick,
}

impl Changed {
    /// The kind of the item with this key, if a worker may have to process it.
    #[must_use]
    pub fn of(key: &Key) -> Option<Self> {
        if *key == Key::tick() {
            return Some(Self::Tick);
        }
        let Partition { prefix, kind, name } = key.partition()?;
        match (kind, key.sk.split_once('#')) {
            _ if key.is_activity() => Some(Self::Entry(prefix)),
            ("U", Some(("H" | "T", _))) => Some(Self::Entry(prefix)),
            ("U", Some(("E", experience))) => Some(Self::Standing(
                prefix,
                key.user()?,
                ExperienceId::in_key(experience)?,
            )),
            ("D", _) => Some(Self::Delivery(prefix, name?.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(pk: &str, sk: &str) -> Option<Changed> {
        let (pk, sk) = (pk.to_owned(), sk.to_owned());
        Changed::of(&Key { pk, sk })
    }

    #[test]
    fn item_is_identified_by_its_key() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let user = "26092f67#U#156";
        assert_eq!(changed(user, "H#001#7#1"), Some(Changed::Entry(prefix)));
        assert_eq!(changed(user, "T#007#1"), Some(Changed::Entry(prefix)));
        for pk in [user, "26092f67#A"] {
            assert_eq!(changed(pk, "A#001#a"), Some(Changed::Entry(prefix)));
        }
        let place = ExperienceId::new(1818).unwrap();
        let id = UserId::new(156).unwrap();
        let standing = Changed::Standing(prefix, id, place);
        assert_eq!(changed(user, "E#1818"), Some(standing));
        let delivery = Changed::Delivery(prefix, "we_1".to_owned());
        assert_eq!(changed("26092f67#D#we_1", "01"), Some(delivery));
        assert_eq!(changed("T", "T"), Some(Changed::Tick));
        for (pk, sk) in [
            (user, "B#7"),
            ("26092f67#G#3", "156"),
            ("W#26092f67", "W"),
            ("T", "L"),
        ] {
            assert_eq!(changed(pk, sk), None, "{pk} {sk}");
        }
    }
}
