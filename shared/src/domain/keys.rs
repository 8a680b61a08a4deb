//! API keys, signing secrets and workspace secrets: what they look like, hold and allow.

mod granting;
mod key;
mod record;
mod secret;
mod signature;
mod workspace_secret;

pub use granting::InvalidScopes;
pub use key::{KeyHash, KeyKind, PlainKey};
pub use record::{
    KeyRecord, KeyScope, KeyStatus, PUBLIC_CHECKS_PER_MINUTE, PinnedFlagFormat, Replaced,
    UnknownWord,
};
pub use secret::{InvalidNotificationSecret, NotificationSecret};
pub use signature::Signature;
pub use workspace_secret::{InvalidWorkspaceSecret, Purpose, WorkspaceSecret};
