//! What happens in a workspace besides decisions: an entry of the event log that belongs to no ban's
//! history, and that no rule reads.

use serde::{Deserialize, Serialize};

use crate::domain::account_links::LinkProof;
use crate::domain::actor::Channel;
use crate::domain::clock::UnixMillis;
use crate::domain::digest;
use crate::domain::event::EventName;
use crate::domain::ids::{ModeratorId, UserId};
use crate::domain::members::DiscordId;
use crate::domain::random;

/// The id of an activity's event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivityId(String);

impl ActivityId {
    #[must_use]
    pub fn random() -> Self {
        Self(format!("act_{}", digest::hex(&random::bytes::<12>())))
    }

    /// The same id for the same parts, so that repeating a call records its activity once.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let digits = digest::of(parts);
        Self(format!("act_{}", digits.get(..24).unwrap_or(&digits)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub id: ActivityId,
    pub moment: UnixMillis,
    /// The user it is about, if any; erasing them removes it.
    pub user: Option<UserId>,
    /// The public id of the key or member, or a name such as `operator`.
    pub key_id: String,
    /// How it reached us; activities of earlier versions do not say.
    pub channel: Option<Channel>,
    pub moderator: Option<ModeratorId>,
    /// Who ran the CLI: an AWS principal or a local user.
    pub principal: Option<String>,
    pub reason: Option<String>,
    pub details: ActivityDetails,
}

/// What happened. Serialized as stored and as `portcullis history` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "details")]
pub enum ActivityDetails {
    #[serde(rename = "GROUP_ROLE_CHANGED")]
    GroupRoleChanged(GroupRoleChange),
    #[serde(rename = "EVIDENCE_ADDED")]
    EvidenceAdded(EvidenceSummary),
    #[serde(rename = "EVIDENCE_REMOVED")]
    EvidenceRemoved(EvidenceSummary),
    #[serde(rename = "LINK_ADDED")]
    LinkAdded(LinkSummary),
    #[serde(rename = "LINK_REMOVED")]
    LinkRemoved(LinkSummary),
    #[serde(rename = "KEY_BOUND")]
    KeyBound(KeyBinding),
    #[serde(rename = "DISCORD_BANNED")]
    DiscordBanned(DiscordBanSummary),
    #[serde(rename = "DISCORD_UNBANNED")]
    DiscordUnbanned(DiscordBanSummary),
}

/// A role of a Roblox group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSummary {
    pub id: String,
    pub name: String,
    pub rank: u8,
}

/// How a change treats the other roles of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleChangeMode {
    Replace,
    Add,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupRoleChange {
    pub group_id: u64,
    pub mode: RoleChangeMode,
    /// The requested role.
    pub role: RoleSummary,
    /// The member's roles before the change.
    pub previous: Vec<RoleSummary>,
    /// The member's roles after it, also if only a part of the change was made.
    pub roles: Vec<RoleSummary>,
}

/// A piece of evidence, without its content and without a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceSummary {
    pub evidence_guid: String,
    /// The guid of the ban.
    pub case_id: String,
    pub evidence_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// A link of the activity's user, without any name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkSummary {
    pub discord_id: DiscordId,
    pub method: LinkProof,
}

/// A key of Roblox Open Cloud that was stored, without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyBinding {
    /// The experience and its universe; absent for the key of a whole workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experience_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub universe_id: Option<u64>,
    /// The name of the secret.
    pub secret: String,
}

/// A Discord user who was banned or unbanned in a guild. The activity's user is the one linked to them then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscordBanSummary {
    pub guild_id: DiscordId,
    pub discord_id: DiscordId,
    /// Who did it on Discord, if Discord says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_discord_id: Option<DiscordId>,
    pub source: DiscordBanSource,
}

/// How the service knows of a change of a guild's bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscordBanSource {
    /// A member used a command.
    Command,
    /// The guild's audit log says so.
    AuditLog,
    /// A rule of the guild did it, because of a ban in game.
    Rule,
}

impl ActivityDetails {
    #[must_use]
    pub const fn name(&self) -> EventName {
        match self {
            Self::GroupRoleChanged(_) => EventName::GroupRoleChanged,
            Self::EvidenceAdded(_) => EventName::EvidenceAdded,
            Self::EvidenceRemoved(_) => EventName::EvidenceRemoved,
            Self::LinkAdded(_) => EventName::LinkAdded,
            Self::LinkRemoved(_) => EventName::LinkRemoved,
            Self::KeyBound(_) => EventName::KeyBound,
            Self::DiscordBanned(_) => EventName::DiscordBanned,
            Self::DiscordUnbanned(_) => EventName::DiscordUnbanned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_stored_under_the_name_of_their_event() {
        let evidence = EvidenceSummary {
            evidence_guid: "e".to_owned(),
            case_id: "7".to_owned(),
            evidence_type: "File".to_owned(),
            file_name: None,
        };
        let role = RoleSummary {
            id: "1".to_owned(),
            name: "Member".to_owned(),
            rank: 1,
        };
        let link = LinkSummary {
            discord_id: "80351110224678912".parse().unwrap(),
            method: LinkProof::Code,
        };
        let banned = DiscordBanSummary {
            guild_id: "613425648685547541".parse().unwrap(),
            discord_id: link.discord_id,
            by_discord_id: None,
            source: DiscordBanSource::AuditLog,
        };
        for details in [
            ActivityDetails::DiscordBanned(banned.clone()),
            ActivityDetails::DiscordUnbanned(banned),
            ActivityDetails::LinkAdded(link.clone()),
            ActivityDetails::LinkRemoved(link),
            ActivityDetails::KeyBound(KeyBinding {
                experience_id: Some(7),
                universe_id: None,
                secret: "portcullis/x/bound/y/7".to_owned(),
            }),
            ActivityDetails::EvidenceAdded(evidence.clone()),
            ActivityDetails::EvidenceRemoved(evidence),
            ActivityDetails::GroupRoleChanged(GroupRoleChange {
                group_id: 7,
                mode: RoleChangeMode::Add,
                role,
                previous: Vec::new(),
                roles: Vec::new(),
            }),
        ] {
            let stored = serde_json::to_value(&details).unwrap();
            assert_eq!(stored["event"], details.name().as_str());
            assert_eq!(
                serde_json::from_value::<ActivityDetails>(stored).unwrap(),
                details
            );
        }
    }

    #[test]
    fn id_depends_on_all_parts() {
        assert_eq!(ActivityId::of(&["a", "b"]), ActivityId::of(&["a", "b"]));
        assert_ne!(ActivityId::of(&["a", "b"]), ActivityId::of(&["ab", ""]));
        assert_ne!(ActivityId::random(), ActivityId::random());
    }
}
