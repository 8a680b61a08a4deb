//! What the mirror needs: its settings, the queue of users and the state of their restrictions.

pub(super) mod queue;
pub(super) mod restriction_syncs;
pub(super) mod settings;
