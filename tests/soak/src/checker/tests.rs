//! Tests of the checker: it accepts correct histories, and finds each kind of violation.

mod accepted;
mod integrations;
mod log;
mod rejected;
mod scenario;
