//! What a function meets on Lambda, reduced to what a stopwatch needs: a Runtime API for one
//! process, and a database that answers at once. Both are threads that block: nothing in them
//! waits for a turn.

pub mod bare;
pub mod certificates;
pub mod connection;
pub mod database;
pub mod lambda;
