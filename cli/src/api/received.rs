//! A ban as the API answers it.

use serde::{Deserialize, Deserializer, Serialize};
use shared::domain::ids::{ModeratorId, PlaceId, UserId};

use crate::actors::ShownActor;

/// The fields of `BanInfo`. Without `bans:read`, a key sees neither private reason nor moderator.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as the API answers it")]
pub struct ReceivedBan {
    pub is_banned: bool,
    pub guid: String,
    workspace_guid: String,
    #[serde(deserialize_with = "flag")]
    pub is_global: bool,
    #[serde(deserialize_with = "flag")]
    pub is_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_reason: Option<String>,
    pub public_reason: String,
    pub roblox_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderator_id: Option<ModeratorId>,
    pub created: u64,
    pub updated: u64,
    pub experience_id: PlaceId,
    /// 0 means never.
    pub expires: u64,
    #[serde(deserialize_with = "flag")]
    pub is_appealed: bool,
    #[serde(deserialize_with = "flag")]
    experience_universal: bool,
    uid: u64,
    #[serde(deserialize_with = "flag")]
    pub experience_ban_completed: bool,
    /// Who made the last decision, in a list of bans.
    #[serde(skip_serializing)]
    pub actor: Option<ShownActor>,
}

impl ReceivedBan {
    /// The same ban, lifted.
    #[must_use]
    pub fn lifted(self) -> Self {
        Self {
            is_banned: false,
            is_active: false,
            ..self
        }
    }
}

/// A flag in either format.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Boolean(bool),
        Integer(u8),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Boolean(set) => set,
        Flag::Integer(set) => set != 0,
    })
}
