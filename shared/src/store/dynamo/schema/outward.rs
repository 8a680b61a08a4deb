//! How items are keyed that lead out of the tables: the log of events, what is due at a time,
//! deliveries to webhooks, and the mirror on Roblox's side.

use super::{DECISION_PREFIX, Key, RESTORE_RUN, padded_guid, user_partition};
use crate::domain::ids::{ExperienceId, Guid, UniverseId, UserId, WorkspacePrefix};
use crate::domain::webhooks::{DeliveryKey, EndpointId};

/// Over how many partitions the log of a workspace is spread. One index partition takes 1,000
/// writes a second, and a wave of bans must not wait for its log.
pub const LOG_SHARDS: u64 = 4;

/// Over how many partitions the bans that expire are spread, those of all workspaces together: a
/// thousand that end in the same minute are sixty to a partition.
pub const EXPIRY_SHARDS: u64 = 16;

/// Where the endpoints of webhooks stand, in the table of workspaces.
pub const ENDPOINTS: &str = "V";

/// The partition of the mirrors, in the workspaces table.
pub const MIRRORS: &str = "M";

/// The partition of the ended mirrors, in the workspaces table.
pub const ENDED_MIRRORS: &str = "ME";

impl Key {
    /// The restore that is under way.
    pub fn restore_run() -> Self {
        Self {
            pk: RESTORE_RUN.to_owned(),
            sk: "restore".to_owned(),
        }
    }

    /// How far a restore has compared the tables.
    pub fn restore_checkpoint() -> Self {
        Self {
            pk: RESTORE_RUN.to_owned(),
            sk: "checkpoint".to_owned(),
        }
    }

    /// How far the log of a workspace has got.
    pub fn log_head(prefix: WorkspacePrefix) -> Self {
        Self {
            pk: log_head_partition(prefix),
            sk: "L".to_owned(),
        }
    }

    /// The expiry of a ban, as it stood after this many decisions.
    pub fn expiry(prefix: WorkspacePrefix, user: UserId, guid: Guid, decisions: u32) -> Self {
        Self {
            pk: user_partition(prefix, user),
            sk: format!("{EXPIRY_PREFIX}{}#{decisions}", padded_guid(guid)),
        }
    }

    /// The endpoint of a webhook.
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

    /// Who works on something that only one may work on at a time.
    pub fn lease(prefix: WorkspacePrefix, name: &str) -> Self {
        Self {
            pk: format!("{prefix}#W#{name}"),
            sk: "W".to_owned(),
        }
    }
}

/// The sort key prefix of the expiries of a user's bans.
const EXPIRY_PREFIX: &str = "T#";

/// After the sort keys of all of a user's expiries, which come after those of his decisions.
pub const EXPIRIES_END: &str = "T#~";

/// Whether an item of a user's partition is a decision or an expiry.
pub fn is_past(key: &Key) -> bool {
    let prefixes = [DECISION_PREFIX, EXPIRY_PREFIX];
    prefixes.iter().any(|prefix| key.sk.starts_with(prefix))
}

/// How far the log of a workspace has got.
pub fn log_head_partition(prefix: WorkspacePrefix) -> String {
    format!("{prefix}#L")
}

/// One shard of the log of a workspace, in the index of events.
pub fn log_shard(prefix: WorkspacePrefix, shard: u64) -> String {
    format!("{prefix}#{shard}")
}

/// The shard of the log that an event stands in.
pub fn log_shard_of(prefix: WorkspacePrefix, position: u64) -> String {
    log_shard(prefix, position.checked_rem(LOG_SHARDS).unwrap_or_default())
}

/// One shard of the bans that expire, in the index of what is due.
pub fn expiries(shard: u64) -> String {
    format!("T#{shard}")
}

/// The shard of the bans that expire that a ban stands in.
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

/// The deliveries to one endpoint; also where those to be tried stand in the index of what is due.
pub fn delivery_partition(prefix: WorkspacePrefix, endpoint: EndpointId) -> String {
    format!("{prefix}#D#{endpoint}")
}
