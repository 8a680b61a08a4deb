//! One module per thing that is commanded.

pub mod export;
pub mod import;
pub mod key;
pub mod workspace;
