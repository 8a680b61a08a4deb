//! What an installation costs a month, at AWS's list prices and from the measured use of each call.

pub mod estimate;
pub mod games;
pub mod measured;
mod module;
pub mod prices;
pub mod stack;
