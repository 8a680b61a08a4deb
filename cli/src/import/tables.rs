//! Tables: files of rows and columns with titles, whatever separates them.

pub mod export;
pub mod header;
pub mod records;
pub mod users;
