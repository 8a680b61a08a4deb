//! Decisions: reading what a rule needs, and writing what it decides in one transaction.

pub(super) mod actor;
pub(super) mod answers;
pub(super) mod backfill;
pub(super) mod carry_over;
pub(super) mod changed;
pub(super) mod commit;
pub(super) mod commit_with_retry;
pub(super) mod expiry;
pub(super) mod propagate;
pub(super) mod requests;
pub(super) mod snapshot;
pub(super) mod write_policy;
