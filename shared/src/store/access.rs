//! Who may call, and for what: workspaces, keys, linked experiences.

pub(super) mod groups;
pub(super) mod keys;
pub(super) mod links;
pub(super) mod places;
pub(super) mod self_linking;
pub(super) mod workspaces;
