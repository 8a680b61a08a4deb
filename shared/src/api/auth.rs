//! Authentication and permissions.
//!
//! A handler receives its permission as a value: [`Caller<P>`] exists only for a valid key that has
//! `P`, and a handler gets the workspace's prefix from it, so a route that forgets to ask for it does
//! not compile. A signed-in member becomes a
//! [`Moderator<P>`] in the same way. The one route without a key receives a [`RobloxNotification`], which exists only
//! for a verified signature.

mod account_links;
mod caller;
mod moderator;
mod notification;

pub use account_links::{ImportLinks, ReadLinks, WriteLinks};
pub use caller::{
    BulkBans, Caller, CheckBans, CheckManyUsers, DecideBans, Permission, ReadBans, ReadEvidence,
    UnverifiedKey, WriteBans, WriteEvidence, WriteGroups,
};
pub use moderator::{
    Administer, ModerateBans, ModerateDiscord, Moderator, RequiredPermission, ViewBans,
};
pub use notification::RobloxNotification;
