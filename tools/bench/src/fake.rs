//! A fake DynamoDB for measurements, and the smallest client for it. Both block their threads, so that no
//! figure includes the wait for a task's turn.

pub mod certificates;
pub mod client;
pub mod database;
