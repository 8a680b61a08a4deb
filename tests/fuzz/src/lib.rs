//! Fuzz targets for code that reads untrusted bytes, with the properties that must hold for any
//! bytes.
//!
//! Each target passes its bytes to a parser and panics where a property does not hold. `cargo fuzz`
//! searches for such bytes (`runner/`, `make fuzz`); the tests here run each target on its seeds
//! and simple mutations of them, on any toolchain.

// A panic is a finding.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc
)]

mod ban;
mod body;
mod cursor;
mod import;
mod key;
mod length;
mod notification;
mod rank;
mod request;
mod signature;

pub use ban::ban;
pub use body::body;
pub use cursor::cursor;
pub use import::import;
pub use key::key;
pub use length::length;
pub use notification::notification;
pub use rank::rank;
pub use signature::signature;

/// A function that reads untrusted bytes.
pub type Target = fn(&[u8]);

/// Every target by name, which is also the name of its seed folder.
pub const TARGETS: [(&str, Target); 9] = [
    ("ban", ban),
    ("body", body),
    ("cursor", cursor),
    ("import", import),
    ("key", key),
    ("length", length),
    ("notification", notification),
    ("rank", rank),
    ("signature", signature),
];
