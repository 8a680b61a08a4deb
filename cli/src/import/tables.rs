//! Tables: files of rows and columns with titles, with any separator.

pub mod export;
pub mod header;
pub mod records;
pub mod users;
