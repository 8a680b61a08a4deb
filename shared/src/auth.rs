//! Authentication and permissions.
//!
//! A handler receives its permission as a value: [`Caller<P>`] exists only for a valid key that has
//! `P`, and a handler gets the workspace's tag from it, so a route that forgets to ask for it does
//! not compile. The one route without a key receives a [`RobloxNotification`], which exists only
//! for a verified signature.

mod caller;
mod key;
mod notification;
mod record;
mod secret;
mod signature;
mod workspace_secret;

pub use caller::{Caller, CheckBans, Claim, Permission, ReadBans, WriteBans};
pub use key::{KeyHash, KeyKind, PlainKey};
pub use notification::RobloxNotification;
pub use record::{FlagPin, KeyRecord, PUBLIC_CHECKS_PER_MINUTE, Replaced, Scope, UnknownWord};
pub use secret::{InvalidSecret, SigningSecret};
pub use signature::Signature;
pub use workspace_secret::{InvalidWorkspaceSecret, Purpose, WorkspaceSecret};

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(
        String::with_capacity(bytes.len().saturating_mul(2)),
        |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}
