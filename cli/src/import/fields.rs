//! What the fields of a row say, however a list spells and writes them.

pub mod columns;
pub mod ids;
pub mod times;
pub mod titles;
