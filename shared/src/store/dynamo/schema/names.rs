//! The names of the indexes.

/// Index: pending bans.
pub const PENDING_BANS: &str = "pending-bans";
/// Index: unbans pending now or later.
pub const PENDING_UNBANS: &str = "pending-unbans";
/// Index: all bans, newest last.
pub const BY_WORKSPACE: &str = "by-workspace";
/// Index: the bans recorded in an experience, newest last.
pub const BY_EXPERIENCE: &str = "by-experience";
/// Index: the decisions that a key made, by time.
pub const DECISIONS_BY_KEY: &str = "decisions-by-key";
/// Index: the event log, in the order of logging.
pub const EVENTS: &str = "events";
/// Index: work with a due time: bans that expire (Unix seconds), deliveries (milliseconds).
pub const DUE: &str = "due";
/// Index: the keys of a workspace.
pub const KEYS_BY_WORKSPACE: &str = "keys-by-workspace";
