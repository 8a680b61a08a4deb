//! What the fields of a row say, however a list spells and writes them.

pub mod columns;
pub mod ends;
pub mod ids;
pub mod titles;
