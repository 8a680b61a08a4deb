//! The keys of items for integrations: the event log, due work, deliveries to webhooks, the mirror,
//! and users' names.

use super::{DECISION_PREFIX, Key, padded_guid, user_partition};
use crate::domain::clock::UnixMillis;
use crate::domain::ids::{ExperienceId, GroupId, Guid, UniverseId, UserId, WorkspacePrefix};
use crate::domain::webhooks::{DeliveryKey, EndpointId};

/// The number of partitions of a workspace's log. One index partition accepts 1,000 writes per
/// second, and a burst of bans must not wait for its log.
pub const LOG_SHARDS: u64 = 4;

/// The number of partitions of expiring bans, for all workspaces together: a thousand that end in
/// the same minute are about sixty per partition.
pub const EXPIRY_SHARDS: u64 = 16;

/// The webhook endpoints, in the workspaces table.
pub const ENDPOINTS: &str = "V";

/// The groups in which roles may be changed, in the workspaces table.
pub const GROUPS: &str = "G";

/// The ticks, which belong to no workspace.
const TICKS: &str = "T";

/// The partition of the mirrors, in the workspaces table.
pub const MIRRORS: &str = "M";

/// The partition of the ended mirrors, in the workspaces table.
pub const ENDED_MIRRORS: &str = "ME";

impl Key {
    /// The cached name of a user.
    pub fn name(prefix: WorkspacePrefix, user: UserId) -> Self {
        Self {
            pk: user_partition(prefix, user),
            sk: "N".to_owned(),
        }
    }

    /// A group in which roles may be changed.
    pub fn group(prefix: WorkspacePrefix, group: GroupId) -> Self {
        Self {
            pk: GROUPS.to_owned(),
            sk: format!("{prefix}#{:016}", group.get()),
        }
    }

    /// The head of a workspace's log.
    pub fn log_head(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: log_head_partition(prefix),
            sk: "L".to_owned(),
        }
    }

    /// The item that is written each minute, to follow it through the stream.
    pub fn tick() -> Self {
        Self {
            pk: TICKS.to_owned(),
            sk: "T".to_owned(),
        }
    }

    /// The last tick that has come through the stream.
    pub fn logged_tick() -> Self {
        Self {
            pk: TICKS.to_owned(),
            sk: "L".to_owned(),
        }
    }

    /// When the entry of the log with this key was decided; an expiry's key has no time.
    #[must_use]
    pub fn moment(&self) -> Option<UnixMillis> {
        let (kind, rest) = self.sk.split_once('#')?;
        let millis = rest.split('#').next()?.parse().ok();
        let millis = millis.filter(|_| matches!(kind, "H" | "A"));
        millis.map(UnixMillis::from_millis)
    }

    /// The expiry of a ban after this many decisions.
    pub fn expiry(prefix: WorkspacePrefix, user: UserId, guid: Guid, decisions: u32) -> Self {
        Self {
            pk: user_partition(prefix, user),
            sk: format!("{EXPIRY_PREFIX}{}#{decisions}", padded_guid(guid)),
        }
    }

    /// A webhook endpoint.
    pub fn endpoint(prefix: WorkspacePrefix, endpoint: EndpointId) -> Self {
        Self {
            pk: ENDPOINTS.to_owned(),
            sk: format!("{prefix}#{endpoint}"),
        }
    }

    /// A delivery to an endpoint.
    pub fn delivery(prefix: WorkspacePrefix, endpoint: EndpointId, delivery: DeliveryKey) -> Self {
        Self {
            pk: delivery_partition(prefix, endpoint),
            sk: delivery.sort_key(),
        }
    }

    /// An ended mirror.
    pub fn ended_mirror(
        prefix: WorkspacePrefix,
        experience: ExperienceId,
        universe: UniverseId,
    ) -> Self {
        Self {
            pk: ENDED_MIRRORS.to_owned(),
            sk: format!("{prefix}#{:016}#{universe}", experience.get()),
        }
    }

    /// The mirror of an experience.
    pub fn mirror(prefix: WorkspacePrefix, experience: ExperienceId) -> Self {
        Self {
            pk: MIRRORS.to_owned(),
            sk: format!("{prefix}#{:016}", experience.get()),
        }
    }

    /// What the mirror knows of a user's restrictions in a universe.
    pub fn restriction_sync(prefix: WorkspacePrefix, user: UserId, universe: u64) -> Self {
        Self {
            pk: user_partition(prefix, user),
            sk: format!("M#{universe}"),
        }
    }

    /// The state of a workspace's snapshot.
    pub fn snapshot(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: format!("{prefix}#J"),
            sk: "J".to_owned(),
        }
    }

    /// A lease.
    pub fn lease(prefix: WorkspacePrefix, name: &str) -> Self {
        Self {
            pk: format!("{prefix}#W#{name}"),
            sk: "W".to_owned(),
        }
    }
}

/// The partition of snapshots that are due, in the index of due work, for all workspaces.
pub const DUE_SNAPSHOTS: &str = "J";

/// The name of the lease on building a workspace's snapshot.
pub const SNAPSHOT_LEASE: &str = "J";

/// The sort key prefix of the expiries of a user's bans.
const EXPIRY_PREFIX: &str = "T#";

/// Sorts after all of a user's expiries, which sort after the user's decisions.
pub const EXPIRIES_END: &str = "T#~";

/// Whether an item of a user's partition is a decision or an expiry.
pub fn is_past(key: &Key) -> bool {
    let prefixes = [DECISION_PREFIX, EXPIRY_PREFIX];
    prefixes.iter().any(|prefix| key.sk.starts_with(prefix))
}

/// The activities that are about no user.
pub fn activity_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#A")
}

/// The head of a workspace's log.
pub fn log_head_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#L")
}

/// One shard of the log of a workspace, in the index of events.
pub fn log_shard(prefix: WorkspacePrefix, shard: u64) -> String {
    format!("{prefix}#{shard}")
}

/// The shard of an event in the log.
pub fn log_shard_of(prefix: WorkspacePrefix, position: u64) -> String {
    log_shard(prefix, position.checked_rem(LOG_SHARDS).unwrap_or_default())
}

/// One shard of the expiring bans, in the index of due work.
pub fn expiries(shard: u64) -> String {
    format!("T#{shard}")
}

/// The shard of an expiring ban.
pub fn expiries_of(guid: Guid) -> String {
    expiries(guid.get().checked_rem(EXPIRY_SHARDS).unwrap_or_default())
}

/// The name of the mirror's lease on a universe.
pub fn mirror_lease(universe: UniverseId) -> String {
    format!("M{universe}")
}

/// The partition of a universe's syncs in the index of what is due.
pub fn due_syncs(prefix: WorkspacePrefix, universe: UniverseId) -> String {
    format!("{prefix}#A#{universe}")
}

/// The deliveries to one endpoint; also those in the index of due work.
pub fn delivery_partition(prefix: WorkspacePrefix, endpoint: EndpointId) -> String {
    format!("{prefix}#D#{endpoint}")
}
