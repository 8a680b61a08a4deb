//! Members of a workspace: the people who moderate it, and what each may do.

mod administrators;
mod basis;
mod ids;
mod member;
mod permission;
mod presets;
mod rules;
mod token;

pub use administrators::has_administrator;
pub use basis::{BasisKind, GUILD_PERMISSIONS};
pub use ids::{DiscordId, InvalidMemberId, MemberId};
pub use member::{InvalidMemberName, Member, MemberName};
pub use permission::{MemberPermission, MemberPermissions};
pub use presets::{InvalidPreset, ReasonPreset, ReasonPresets};
pub use rules::{BASIS_FRESH, BASIS_GRACE, BasisCheck, PermissionBasis, PermissionRule, RuleId};
pub use token::{
    INVITATION_VALID, InvitationToken, MalformedToken, SESSION_IDLE, SESSION_LONGEST, SessionToken,
};
