//! The domain: ids, times, bans, the rules, evidence, webhooks and keys. Nothing here knows a network or a database.

pub mod activity;
pub mod backoff;
pub mod ban_info;
pub mod banned_users;
pub mod bulk;
pub mod clock;
pub(crate) mod digest;
pub mod error;
pub mod event;
pub mod evidence;
pub mod history;
pub mod idempotency;
pub mod ids;
pub mod keys;
pub mod length;
pub mod lock;
pub mod number;
pub mod places;
pub mod random;
pub mod rules;
pub mod sync;
pub mod text;
pub mod user_name;
pub mod user_reference;
pub mod webhooks;
