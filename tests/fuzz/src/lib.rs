//! What reads bytes that somebody else wrote, and what has to hold whatever the bytes are.
//!
//! Each target takes any bytes, hands them to the code that reads them, and panics where a property
//! of that code does not hold. `cargo fuzz` looks for such bytes (`fuzz/`, `make fuzz`); the tests
//! here feed each target its seeds and simple variations of them, on any toolchain.

// Here a panic is the result.
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
mod request;
mod signature;

pub use ban::ban;
pub use body::body;
pub use cursor::cursor;
pub use import::import;
pub use key::key;
pub use length::length;
pub use notification::notification;
pub use signature::signature;

/// Something that reads bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of the folder of its seeds.
pub const TARGETS: [(&str, Target); 8] = [
    ("ban", ban),
    ("body", body),
    ("cursor", cursor),
    ("import", import),
    ("key", key),
    ("length", length),
    ("notification", notification),
    ("signature", signature),
];
