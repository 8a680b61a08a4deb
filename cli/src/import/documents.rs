//! Documents: JSON of any size, JSON a line, tables of Lua, and plain lists of ids.

pub mod entries;
pub mod layout;
pub mod lua;
pub mod plain;
pub mod scanner;
pub mod unique_keys;
