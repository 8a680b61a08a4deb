//! One module per thing that is commanded.

pub mod key;
pub mod workspace;
