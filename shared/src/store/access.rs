//! Who may call, and for what: workspaces, keys, linked experiences, protected users.

pub(super) mod keys;
pub(super) mod links;
pub(super) mod protected;
pub(super) mod self_linking;
pub(super) mod workspaces;
