//! What the partition key of an item tells.

use super::Key;
#[cfg(feature = "admin")]
use super::{
    account_link_partitions, activity_partition, counter_partition, erasure_queue,
    evidence_quota_partition, link_slots_partition, log_head_partition, protected_partition,
    receipt_partition, sighting_partition,
};
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};

/// A partition of the bans table, such as `26092f67#U#156`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition<'a> {
    /// The workspace.
    pub prefix: WorkspacePrefix,
    /// What kind of items it holds: `U` for those of a user.
    pub kind: &'a str,
    /// Which of that kind, if there are several.
    pub name: Option<&'a str>,
}

impl Key {
    /// The partition of an item of the bans table.
    #[must_use]
    pub fn partition(&self) -> Option<Partition<'_>> {
        let (prefix, rest) = self.pk.split_once('#')?;
        let prefix = prefix.parse().ok()?;
        let (kind, name) = match rest.split_once('#') {
            Some((kind, name)) => (kind, Some(name)),
            None => (rest, None),
        };
        Some(Partition { prefix, kind, name })
    }

    /// The user in whose partition an item lies.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self.partition()? {
            Partition {
                kind: "U",
                name: Some(user),
                ..
            } => user.parse().ok(),
            _ => None,
        }
    }

    /// The experience of a user's standing.
    #[must_use]
    pub fn in_experience(&self) -> Option<ExperienceId> {
        self.user()?;
        self.sk.strip_prefix("E#").and_then(ExperienceId::in_key)
    }
}

/// The partitions of the bans table that a workspace has once, besides its links.
#[cfg(feature = "admin")]
pub fn workspace_partitions(prefix: WorkspacePrefix) -> Vec<String> {
    let mut partitions = account_link_partitions(prefix);
    partitions.extend([
        link_slots_partition(prefix),
        log_head_partition(prefix),
        sighting_partition(prefix),
        counter_partition(prefix),
        protected_partition(prefix),
        erasure_queue(prefix),
        receipt_partition(prefix),
        activity_partition(prefix),
        evidence_quota_partition(prefix),
    ]);
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ExperienceId, Guid};

    fn key(pk: &str) -> Key {
        let sk = "1".to_owned();
        Key {
            pk: pk.to_owned(),
            sk,
        }
    }

    #[test]
    fn a_partition_is_read_as_it_was_written() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let user = UserId::new(156).unwrap();
        let ban = Key::ban(prefix, user, Guid::from(7));
        let kind_and_name = |key: &Key| {
            let partition = key.partition().unwrap();
            assert_eq!(partition.prefix, prefix);
            (partition.kind.to_owned(), partition.name.map(str::to_owned))
        };
        assert_eq!(
            kind_and_name(&ban),
            ("U".to_owned(), Some("156".to_owned()))
        );
        assert_eq!(ban.user(), Some(user));
        let link = Key::link(prefix, ExperienceId::new(1).unwrap());
        assert_eq!(kind_and_name(&link), ("X".to_owned(), None));
        let of_a_key = Key::checks(prefix, "k", 9);
        assert_eq!(
            kind_and_name(&of_a_key),
            ("K".to_owned(), Some("k#9".to_owned()))
        );
    }

    #[test]
    fn only_a_users_partition_names_a_user() {
        for pk in [
            "26092f67#G#3",
            "26092f67#U",
            "26092f67#U#0",
            "26092f67#U#1#2",
            "W#26092f67",
        ] {
            assert_eq!(key(pk).user(), None, "{pk}");
        }
        for pk in ["", "W", "W#26092f67", "26092f67"] {
            assert_eq!(key(pk).partition(), None, "{pk}");
        }
    }
}
