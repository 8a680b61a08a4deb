//! Documents: JSON of any size, JSON lines, Lua tables and plain lists of ids.

pub mod entries;
pub mod layout;
pub mod lua;
pub mod plain;
pub mod scanner;
pub mod unique_keys;
