//! Interprets the titles and values of fields from other systems.

pub mod columns;
pub mod ids;
pub mod times;
pub mod titles;
