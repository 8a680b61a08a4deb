//! The keys of items. Only this module knows the layout; `docs/architecture.md` describes it.

mod account_links;
pub mod attributes;
mod evidence;
mod kinds;
mod members;
pub mod names;
mod outward;
mod partition;
mod workspaces;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use self::attributes::{PK, SK};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{ExperienceId, Guid, ModeratorId, PlaceId, UserId, WorkspacePrefix};
use crate::store::erasure::requests::NotificationId;

pub use account_links::*;
pub use evidence::*;
pub use kinds::StoredKind;
pub use members::*;
pub use outward::*;
pub use partition::Partition;
#[cfg(feature = "admin")]
pub use partition::workspace_partitions;

/// An item in the SDK's form.
pub type Item = HashMap<String, AttributeValue>;

/// The number of partitions of a workspace's Global bans. One partition serves 3,000 reads per
/// second, and each ban check reads one; a back-fill reads all of them.
pub const GLOBAL_SHARDS: u64 = 16;

/// The number of partitions of each list of bans. One index partition accepts 1,000 writes and
/// returns about 24 MB per second; exporting a million bans must take less than 30 s.
pub const LEDGER_SHARDS: u64 = 4;

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use = "a key alone does nothing"]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// A user's standing in one experience.
    pub fn experience(prefix: WorkspacePrefix, user: UserId, experience: ExperienceId) -> Self {
        Self {
            pk: user_partition(prefix, user),
            sk: format!("E#{experience}"),
        }
    }

    /// A user's latest Global ban.
    pub fn global(prefix: WorkspacePrefix, user: UserId) -> Self {
        Self {
            pk: global_partition(
                prefix,
                user.get().checked_rem(GLOBAL_SHARDS).unwrap_or_default(),
            ),
            sk: user.to_string(),
        }
    }

    /// The record of one ban.
    pub fn ban(prefix: WorkspacePrefix, user: UserId, guid: Guid) -> Self {
        Self {
            pk: user_partition(prefix, user),
            sk: format!("{BAN_PREFIX}{}", padded_guid(guid)),
        }
    }

    /// One decision in a user's history.
    pub fn decision(
        prefix: WorkspacePrefix,
        user: UserId,
        at: UnixMillis,
        guid: Guid,
        number: u32,
    ) -> Self {
        let since = decisions_since(at);
        Self {
            pk: user_partition(prefix, user),
            sk: format!("{since}#{guid}#{number}"),
        }
    }

    /// An activity, in the partition of its user if it has one.
    pub fn activity(
        prefix: WorkspacePrefix,
        user: Option<UserId>,
        at: UnixMillis,
        id: &str,
    ) -> Self {
        let of_user = |user| user_partition(prefix, user);
        Self {
            pk: user.map_or_else(|| activity_partition(prefix), of_user),
            sk: format!("{ACTIVITY_PREFIX}{:014}#{id}", at.millis()),
        }
    }

    /// Whether this is the key of an activity.
    #[must_use]
    pub fn is_activity(&self) -> bool {
        let of_an_owner = self.partition().map(|partition| partition.kind);
        matches!(of_an_owner, Some("A" | "U")) && self.sk.starts_with(ACTIVITY_PREFIX)
    }

    /// A request with an idempotency key, by its hash.
    pub fn request(prefix: WorkspacePrefix, hash: &str) -> Self {
        Self {
            pk: format!("{prefix}#I#{hash}"),
            sk: "I".to_owned(),
        }
    }

    /// The marker of a revision that was erased with its user, by its keyed hash.
    pub fn erased(prefix: WorkspacePrefix, hash: &str) -> Self {
        Self {
            pk: format!("{prefix}#O#{hash}"),
            sk: "O".to_owned(),
        }
    }

    /// A protected user.
    pub fn protected(prefix: WorkspacePrefix, user: UserId) -> Self {
        Self {
            pk: protected_partition(prefix),
            sk: user.to_string(),
        }
    }

    /// The recent bans of a key.
    pub fn key_pace(prefix: WorkspacePrefix, key_id: &str) -> Self {
        Self {
            pk: format!("{prefix}#C#K#{key_id}"),
            sk: "C".to_owned(),
        }
    }

    /// The recent bans of a moderator.
    pub fn moderator_pace(prefix: WorkspacePrefix, moderator: ModeratorId) -> Self {
        Self {
            pk: format!("{prefix}#C#M#{moderator}"),
            sk: "C".to_owned(),
        }
    }

    /// The checks of a key in a minute.
    pub fn checks(prefix: WorkspacePrefix, key_id: &str, minute: u64) -> Self {
        Self {
            pk: format!("{prefix}#K#{key_id}#{minute}"),
            sk: "K".to_owned(),
        }
    }

    /// The receipt of an erasure.
    pub fn receipt(prefix: WorkspacePrefix, at: UnixMillis, name: &str) -> Self {
        Self {
            pk: receipt_partition(prefix),
            sk: format!("{:014}#{name}", at.millis()),
        }
    }

    /// The mark of a processed notification.
    pub fn notification(prefix: WorkspacePrefix, id: &NotificationId) -> Self {
        Self {
            pk: format!("{prefix}#R#{}", id.as_str()),
            sk: "R".to_owned(),
        }
    }

    /// An erasure request that waits for the operator.
    pub fn queued_erasure(prefix: WorkspacePrefix, id: &NotificationId) -> Self {
        Self {
            pk: erasure_queue(prefix),
            sk: id.as_str().to_owned(),
        }
    }

    /// The erasure intake of a workspace.
    pub fn erasure_intake(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: ERASURE_INTAKES.to_owned(),
            sk: prefix.to_string(),
        }
    }

    /// A linked place.
    pub fn link(prefix: WorkspacePrefix, place: impl Into<PlaceId>) -> Self {
        Self {
            pk: link_partition(prefix),
            sk: format!("{:016}", place.into().get()),
        }
    }

    /// When an experience last polled.
    pub fn sighting(prefix: WorkspacePrefix, experience: ExperienceId) -> Self {
        Self {
            pk: sighting_partition(prefix),
            sk: format!("{:016}", experience.get()),
        }
    }

    /// The counter of bans.
    pub fn uid_counter(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: counter_partition(prefix),
            sk: "uid".to_owned(),
        }
    }

    /// The counter of experiences that linked themselves.
    pub fn link_slots(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: link_slots_partition(prefix),
            sk: "links".to_owned(),
        }
    }

    /// The attributes `pk` and `sk`.
    #[must_use]
    pub fn item(self) -> Item {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }

    /// The primary key of an item, if it has one.
    #[must_use]
    pub fn of(item: &Item) -> Option<Self> {
        let text = |name: &str| item.get(name)?.as_s().ok().cloned();
        Some(Self {
            pk: text(PK)?,
            sk: text(SK)?,
        })
    }
}

/// The sort key prefix of the records of a user's bans.
pub const BAN_PREFIX: &str = "B#";

/// The sort key prefix of activities.
pub const ACTIVITY_PREFIX: &str = "A#";

/// The sort key prefix of a user's decisions.
pub const DECISION_PREFIX: &str = "H#";

/// Sorts after all of a user's decisions.
pub const DECISIONS_END: &str = "H#~";

/// The workspaces that accept erasure requests, in the workspaces table.
pub const ERASURE_INTAKES: &str = "R";

/// The restore in progress, in the workspaces table.
pub const RESTORE_RUN: &str = "O";

/// Everything about one user except the Global ban in force.
pub fn user_partition(prefix: WorkspacePrefix, user: UserId) -> String {
    format!("{prefix}#U#{user}")
}

/// One shard of the users' Global bans.
pub fn global_partition(prefix: WorkspacePrefix, shard: u64) -> String {
    format!("{prefix}#G#{shard}")
}

/// The linked experiences of a workspace.
pub fn link_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#X")
}

/// When the experiences of a workspace last polled.
pub fn sighting_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#S")
}

/// The counter of a workspace's bans.
fn counter_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#N")
}

/// The counter of experiences that linked themselves: separate from the links, which are listed,
/// and from the other counter, which a poll may not write.
fn link_slots_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#Y")
}

/// The protected users of a workspace.
pub fn protected_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#P")
}

/// The receipts of a workspace's erasures.
pub fn receipt_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#F")
}

/// The erasure requests that wait for the operator.
pub fn erasure_queue(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#Q")
}

/// The decisions of one key, in their index.
pub fn decided_by(prefix: WorkspacePrefix, key_id: &str) -> String {
    format!("{prefix}#{key_id}")
}

/// The hash key of both pending indexes.
pub fn pending_partition(prefix: WorkspacePrefix, experience: ExperienceId) -> String {
    format!("{prefix}#{experience}")
}

/// One shard of the list of a workspace's bans.
pub fn ledger_partition(prefix: WorkspacePrefix, shard: u64) -> String {
    format!("{prefix}#{shard}")
}

/// One shard of the list of the bans recorded in an experience.
pub fn experience_ledger_partition(
    prefix: WorkspacePrefix,
    experience: ExperienceId,
    shard: u64,
) -> String {
    format!("{prefix}#{experience}#{shard}")
}

/// The shard of a ban in the lists.
pub fn ledger_shard(guid: Guid) -> u64 {
    guid.get().checked_rem(LEDGER_SHARDS).unwrap_or_default()
}

/// A guid in a form whose text order is its numeric order.
pub fn padded_guid(guid: Guid) -> String {
    format!("{:020}", guid.get())
}

/// The sort key of the first decision at or after `at`.
pub fn decisions_since(at: UnixMillis) -> String {
    format!("H#{:014}", at.millis())
}

/// The sort key of a pending unban: by the second it is due, then by ban.
pub fn unban_owed(due: UnixSeconds, guid: Guid) -> String {
    format!("{}#{}", unban_due(due), padded_guid(guid))
}

/// The prefix of the sort keys of unbans due in a second.
pub fn unban_due(due: UnixSeconds) -> String {
    format!("{:012}", due.0)
}
