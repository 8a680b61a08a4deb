//! Account links: one item for each side with all of the link, written and removed together with the
//! event, so that either account leads to it with one read; and the codes that prove links.

mod codes;
mod consent;
mod erase;
mod import;
mod item;
mod read;
mod redeem;
mod remove;
mod write;

pub use codes::NewLinkCode;
pub use consent::DiscordLinkState;
pub(in crate::store) use erase::led_to;
pub(in crate::store) use item::LinkItem;
pub use redeem::{OpenLinkCode, TypedLinkCode};
pub use write::LinkActor;
#[cfg(feature = "admin")]
pub(in crate::store) use write::writing_link;
