//! What only the operator's command does.

pub(super) mod counts;
pub(super) mod import;
pub(super) mod linking;
pub(super) mod removal;
pub(super) mod restore;
pub(super) mod undo;
