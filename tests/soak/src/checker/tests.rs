//! Tests of the checker: it accepts correct histories, and finds each kind of violation.

mod accepted;
mod integrations;
mod log;
mod pieces;
mod ranks;
mod rejected;
mod scenario;
