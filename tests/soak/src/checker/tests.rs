//! Tests of the checker: it accepts correct histories, and finds each kind of violation.

mod accepted;
mod integrations;
mod log;
mod pieces;
mod places;
mod ranks;
mod rejected;
mod scenario;
mod snapshots;
