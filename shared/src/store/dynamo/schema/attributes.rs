//! The names of attributes.

pub const AT: &str = "at";
pub const BAN: &str = "ban";
pub const BAN_OWED: &str = "ban_owed";
pub const BAN_OWED_UNTIL: &str = "ban_owed_until";
pub const COUNT: &str = "count";
pub const DECIDED_BY: &str = "decided_by";
pub const DUE: &str = "due";
pub const DUE_AT: &str = "due_at";
pub const EXPERIENCE: &str = "experience";
pub const EXPERIENCE_LEDGER: &str = "experience_ledger";
pub const GLOBAL: &str = "global";
pub const GUID_KEY: &str = "guid_key";
pub const KEY_ID: &str = "key_id";
/// The kind of an item.
pub const KIND: &str = "kind";
pub const LAST: &str = "last";
pub const LEDGER: &str = "ledger";
pub const LOG_POSITION: &str = "log_position";
pub const LOG_SHARD: &str = "log_shard";
pub const PAUSED_UNTIL: &str = "paused_until";
/// Partition key of both tables.
pub const PK: &str = "pk";
pub const PREVIOUS: &str = "previous";
pub const REPORT: &str = "report";
pub const SECRET: &str = "secret";
/// Sort key of both tables.
pub const SK: &str = "sk";
pub const STATE: &str = "state";
/// Unix second after which an item is over and DynamoDB deletes it.
pub const TTL: &str = "ttl";
pub const UNBAN_OWED: &str = "unban_owed";
pub const USER: &str = "user";
pub const VALUE: &str = "value";
/// Counts the writes of an item.
pub const VERSION: &str = "version";
pub const WORKSPACE_TAG: &str = "workspace_tag";
