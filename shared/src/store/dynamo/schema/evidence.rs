//! The keys of evidence. It has partitions of its own, so that the functions that write it may write
//! nothing else of a user.

use super::{Key, padded_guid};
use crate::domain::ids::{Guid, UserId, WorkspacePrefix};

/// The number of partitions of evidence that is due for removal, for all workspaces together.
pub const EVIDENCE_SHARDS: u64 = 4;

impl Key {
    /// A piece of evidence, or what is left of a removed one.
    pub fn evidence(prefix: WorkspacePrefix, guid: Guid) -> Self {
        Self {
            pk: format!("{prefix}#V#{guid}"),
            sk: "V".to_owned(),
        }
    }

    /// The content of a piece that is a text.
    pub fn evidence_text(prefix: WorkspacePrefix, guid: Guid) -> Self {
        Self {
            pk: format!("{prefix}#V#{guid}"),
            sk: "C".to_owned(),
        }
    }

    /// The entry of a piece in the list of its ban.
    pub fn evidence_entry(prefix: WorkspacePrefix, user: UserId, case: Guid, guid: Guid) -> Self {
        Self {
            pk: evidence_of_user(prefix, user),
            sk: format!("{}{}", evidence_of_ban(case), padded_guid(guid)),
        }
    }

    /// How many bytes of evidence a workspace stores.
    pub fn evidence_quota(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: evidence_quota_partition(prefix),
            sk: "V".to_owned(),
        }
    }

    /// The workspace and guid of a piece, from its own key.
    #[must_use]
    pub fn evidence_guid(&self) -> Option<(WorkspacePrefix, Guid)> {
        let partition = self.partition().filter(|it| it.kind == "V")?;
        Some((partition.prefix, partition.name?.parse().ok()?))
    }

    /// The guid at the end of an entry's key.
    #[must_use]
    pub fn entry_guid(&self) -> Option<Guid> {
        let (_, guid) = self.sk.split_once('#')?;
        guid.parse().ok()
    }

    /// The ban of a piece, from the key of its entry.
    #[must_use]
    pub fn entry_case(&self) -> Option<Guid> {
        let (case, _) = self.sk.split_once('#')?;
        case.parse().ok()
    }
}

pub fn evidence_quota_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#V")
}

/// The entries of all evidence about a user.
pub fn evidence_of_user(prefix: WorkspacePrefix, user: UserId) -> String {
    format!("{prefix}#V#U#{user}")
}

/// The sort key prefix of the entries of a ban.
pub fn evidence_of_ban(case: Guid) -> String {
    format!("{}#", padded_guid(case))
}

/// One shard of the evidence that is due for removal, in the index of due work.
pub fn due_evidence(shard: u64) -> String {
    format!("V#{shard}")
}

/// The shard of a piece.
pub fn due_evidence_of(guid: Guid) -> String {
    let shard = guid.get().checked_rem(EVIDENCE_SHARDS);
    due_evidence(shard.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back_to_the_guid() {
        let prefix: WorkspacePrefix = "26092f67".parse().unwrap();
        let (case, guid) = (Guid::from(633_197_862_920_433_664), Guid::from(7));
        assert_eq!(
            Key::evidence(prefix, guid).evidence_guid(),
            Some((prefix, guid))
        );
        let user = UserId::new(156).unwrap();
        let entry = Key::evidence_entry(prefix, user, case, guid);
        assert_eq!(entry.entry_guid(), Some(guid));
        assert_eq!(entry.entry_case(), Some(case));
        assert_eq!(entry.evidence_guid(), None);
        assert_eq!(Key::evidence_quota(prefix).evidence_guid(), None);
        assert_eq!(Key::ban(prefix, user, guid).evidence_guid(), None);
    }
}
