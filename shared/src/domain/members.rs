//! Members of a workspace: the people who moderate it, and what each may do.

mod administrators;
mod basis;
mod basis_kind;
mod guild;
mod ids;
mod member;
mod permission;
mod presets;
mod rules;
mod token;

pub use administrators::has_administrator;
pub use basis::{
    BASIS_FRESH, BASIS_GRACE, BasisCheck, BasisSource, GuildNeed, groups_to_ask, guilds_to_ask,
};
pub use basis_kind::{BasisKind, GUILD_PERMISSIONS};
pub use guild::{Guild, GuildMember, GuildRole, GuildView};
pub use ids::{DiscordId, InvalidMemberId, MemberId};
pub use member::{InvalidMemberName, Member, MemberName};
pub use permission::{MemberPermission, MemberPermissions};
pub use presets::{InvalidPreset, ReasonPreset, ReasonPresets};
pub use rules::{PermissionBasis, PermissionRule, RuleId};
pub use token::{
    INVITATION_VALID, InvitationToken, MalformedToken, SESSION_IDLE, SESSION_LONGEST, SessionToken,
};
