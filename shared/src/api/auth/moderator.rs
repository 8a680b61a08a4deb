//! Turns a signed-in member into a moderator with a permission.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::domain::actor::Channel;
use crate::domain::ban_info::{BanPresenter, FlagFormat};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{ModeratorId, UserId, WorkspaceId, WorkspacePrefix};
use crate::domain::members::{Member, MemberPermission, MemberPermissions};
use crate::moderation::Authority;
use crate::store::{Actor, CallerLimits, SignedIn, Workspace};

/// A member who has permission `P`.
#[derive(Clone, Debug)]
pub struct Moderator<P> {
    member: Member,
    permissions: MemberPermissions,
    workspace: Arc<Workspace>,
    channel: Channel,
    /// The Roblox user of the member's account link, for a member without one of their own.
    linked: Option<UserId>,
    permission: PhantomData<P>,
}

/// What a page or a command requires of a member.
pub trait RequiredPermission {
    const REQUIRED: MemberPermission;
    /// The message for a member without it.
    const LACKING: &'static str;
}

/// May see bans, players and what was decided.
#[derive(Clone, Copy, Debug)]
pub struct ViewBans;

/// May make, change and lift bans.
#[derive(Clone, Copy, Debug)]
pub struct ModerateBans;

/// May ban and unban in Discord guilds, and change what others have there.
#[derive(Clone, Copy, Debug)]
pub struct ModerateDiscord;

/// May manage members, keys, webhooks and settings.
#[derive(Clone, Copy, Debug)]
pub struct Administer;

impl RequiredPermission for ViewBans {
    const REQUIRED: MemberPermission = MemberPermission::View;
    const LACKING: &'static str = "you lack the permission view: ask an administrator for it";
}

impl RequiredPermission for ModerateBans {
    const REQUIRED: MemberPermission = MemberPermission::ManageBans;
    const LACKING: &'static str =
        "you lack the permission manage_bans: ask an administrator for it";
}

impl RequiredPermission for ModerateDiscord {
    const REQUIRED: MemberPermission = MemberPermission::ModerateDiscord;
    const LACKING: &'static str =
        "you lack the permission moderate_discord: ask an administrator for it";
}

impl RequiredPermission for Administer {
    const REQUIRED: MemberPermission = MemberPermission::Administrator;
    const LACKING: &'static str =
        "you lack the permission administrator: ask an administrator for it";
}

impl<P: RequiredPermission> Moderator<P> {
    /// The member of a session, if they have the permission.
    pub fn of(signed_in: &SignedIn, channel: Channel) -> Result<Self, ApiError> {
        let SignedIn {
            member,
            permissions,
            workspace,
            linked,
            ..
        } = signed_in;
        let moderator = Self::of_member(member, permissions, workspace, channel)?;
        Ok(moderator.with_link(*linked))
    }

    /// A member with these permissions, if the required one is among them.
    pub fn of_member(
        member: &Member,
        permissions: &MemberPermissions,
        workspace: &Arc<Workspace>,
        channel: Channel,
    ) -> Result<Self, ApiError> {
        if !permissions.allows(P::REQUIRED) {
            return Err(ApiError::Forbidden(P::LACKING));
        }
        Ok(Self {
            member: member.clone(),
            permissions: permissions.clone(),
            workspace: Arc::clone(workspace),
            channel,
            linked: None,
            permission: PhantomData,
        })
    }

    /// The same with the Roblox user of the member's account link.
    #[must_use]
    pub fn with_link(self, linked: Option<UserId>) -> Self {
        Self { linked, ..self }
    }
}

impl<P> Moderator<P> {
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    #[must_use]
    pub fn workspace_id(&self) -> WorkspaceId {
        self.workspace.guid
    }

    #[must_use]
    pub fn prefix(&self) -> WorkspacePrefix {
        self.workspace.guid.prefix()
    }

    #[must_use]
    pub const fn member(&self) -> &Member {
        &self.member
    }

    /// The `banModerator` of their decisions.
    #[must_use]
    pub fn moderator(&self) -> ModeratorId {
        self.member.moderator_or(self.linked)
    }

    #[must_use]
    pub const fn permissions(&self) -> &MemberPermissions {
        &self.permissions
    }

    #[must_use]
    pub fn may(&self, permission: MemberPermission) -> bool {
        self.permissions.allows(permission)
    }

    /// How bans are shown to the member: private reasons and moderators from `manage_bans` up.
    #[must_use]
    pub fn presenter(&self, now: UnixSeconds) -> BanPresenter {
        let moderates = self.may(MemberPermission::ManageBans);
        BanPresenter::of_member(self.workspace.guid, moderates, FlagFormat::Boolean, now)
    }
}

impl Moderator<ModerateBans> {
    /// What the member may decide, and how many bans.
    #[must_use]
    pub fn authority(&self, now: UnixSeconds) -> Authority {
        Authority {
            may_decide_globally: self.may(MemberPermission::ManageGlobalBans),
            limits: CallerLimits::Api {
                bans_per_hour: None,
            },
            presenter: self.presenter(now),
            needs_vary_header: false,
        }
    }

    /// The member as the actor of a decision.
    #[must_use]
    pub fn actor(&self, request_id: &str) -> Actor {
        Actor {
            key_id: self.member.id.to_string(),
            channel: self.channel,
            moderator: Some(self.moderator()),
            principal: None,
            request_id: request_id.to_owned(),
        }
    }
}
