//! `BanInfo`, the only form in which a ban leaves the API.

use serde::{Serialize, Serializer};

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::WorkspaceId;
use crate::domain::keys::KeyRecord;
use crate::domain::rules::{Ban, Scope};

/// A ban as callers see it: the documented fields in the documented order.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BanInfo {
    is_banned: bool,
    guid: String,
    workspace_guid: String,
    is_global: Flag,
    is_active: Flag,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_reason: Option<String>,
    public_reason: String,
    roblox_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    moderator_id: Option<u64>,
    created: u64,
    updated: u64,
    experience_id: u64,
    expires: u64,
    is_appealed: Flag,
    experience_universal: Flag,
    uid: u64,
    experience_ban_completed: Flag,
}

impl BanInfo {
    /// The field names in order: the header row of the CSV export.
    pub const FIELDS: [&'static str; 17] = [
        "isBanned",
        "guid",
        "workspaceGuid",
        "isGlobal",
        "isActive",
        "privateReason",
        "publicReason",
        "robloxId",
        "moderatorId",
        "created",
        "updated",
        "experienceId",
        "expires",
        "isAppealed",
        "experienceUniversal",
        "uid",
        "experienceBanCompleted",
    ];

    #[must_use]
    pub fn guid(&self) -> &str {
        &self.guid
    }
}

/// The answer for a user who was never banned: the documented fields in the documented order.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NeverBanned {
    is_banned: bool,
    is_appealed: bool,
    is_active: bool,
    expires: u64,
}

/// A flag in the reader's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    set: bool,
    style: FlagFormat,
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.style {
            FlagFormat::Boolean => serializer.serialize_bool(self.set),
            FlagFormat::Integer => serializer.serialize_u8(self.set.into()),
        }
    }
}

/// The format of flags. In Luau `0` is true, so a game server must get booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagFormat {
    /// `0` and `1`, as in the original's lists.
    Integer,
    /// `false` and `true`.
    Boolean,
}

/// Who sees a ban. It is the only way to a [`BanInfo`], and its fields are private: a route gets
/// one from its caller's key, so it cannot show more than the key may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanPresenter {
    workspace: WorkspaceId,
    flags: FlagFormat,
    moderation: bool,
    now: UnixSeconds,
}

impl BanPresenter {
    /// The view of an API key: private reason and moderator only with `bans:read`.
    pub(crate) fn of_key(key: &KeyRecord, flags: FlagFormat, now: UnixSeconds) -> Self {
        Self {
            workspace: key.workspace,
            flags,
            moderation: key.sees_moderation(),
            now,
        }
    }

    /// The view of a member: private reason and moderator only if they manage bans.
    pub(crate) const fn of_member(
        workspace: WorkspaceId,
        manages_bans: bool,
        flags: FlagFormat,
        now: UnixSeconds,
    ) -> Self {
        Self {
            workspace,
            flags,
            moderation: manages_bans,
            now,
        }
    }

    /// The unrestricted view, for the workspace's own staff and systems. No route may use it;
    /// `clippy.toml` enforces this.
    #[must_use]
    pub const fn of_workspace(workspace: WorkspaceId, flags: FlagFormat, now: UnixSeconds) -> Self {
        Self {
            workspace,
            flags,
            moderation: true,
            now,
        }
    }

    #[must_use]
    pub const fn at(self, now: UnixSeconds) -> Self {
        Self { now, ..self }
    }

    /// The workspace of the bans shown.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Returns the value only if the reader may see moderators' data.
    #[must_use]
    pub fn moderation<T>(&self, value: T) -> Option<T> {
        self.moderation.then_some(value)
    }

    /// A flag in this reader's format.
    #[must_use]
    pub const fn flag(&self, set: bool) -> Flag {
        Flag {
            set,
            style: self.flags,
        }
    }

    /// The ban as this reader sees it. `applied`: whether the experience in question has applied
    /// it.
    #[must_use]
    pub fn show(&self, ban: &Ban, applied: bool) -> BanInfo {
        let holds = ban.holds(self.now);
        let flag = |set| self.flag(set);
        BanInfo {
            is_banned: holds,
            guid: ban.guid.to_string(),
            workspace_guid: self.workspace.to_string(),
            is_global: flag(ban.scope == Scope::Global),
            is_active: flag(holds),
            private_reason: self.moderation(ban.terms.private_reason.clone()),
            public_reason: ban.terms.public_reason.clone(),
            roblox_id: ban.user.get(),
            moderator_id: self.moderation(ban.terms.moderator.get()),
            created: ban.created.0,
            updated: ban.updated.0,
            experience_id: ban.made_in.get(),
            expires: ban.terms.expires.seconds(),
            is_appealed: flag(ban.is_appealed()),
            experience_universal: flag(ban.terms.universal),
            uid: ban.uid.0,
            experience_ban_completed: flag(applied),
        }
    }
}
