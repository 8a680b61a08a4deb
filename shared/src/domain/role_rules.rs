//! Rules that give roles in Discord guilds to the people behind account links.

mod deciding;
mod rule;

pub use deciding::{LinkedFacts, RoleChange, RoleFacts, RoleVerb, decide_roles, permission_roles};
pub use rule::{RoleBasis, RoleRule};
