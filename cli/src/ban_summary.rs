//! Bans as commands print them.

use serde::Serialize;
use shared::domain::ban_info::{BanInfo, BanPresenter, FlagFormat};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ModeratorId, WorkspaceId};
use shared::domain::rules::{Ban, Expiry, Scope};

use crate::api::ReceivedBan;
use crate::names::NamedUser;
use crate::output::Printable;
use crate::times::{Time, in_utc, in_words};

/// A ban in the shape of the API, with RFC 3339 times in addition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BanSummary {
    #[serde(flatten)]
    info: BanFields,
    created_at: Time,
    updated_at: Time,
    expires_at: Option<Time>,
    /// The user's name; the id is in `info`.
    #[serde(rename = "name", serialize_with = "NamedUser::serialize_name")]
    pub user: NamedUser,
    #[serde(skip)]
    cells: BanCells,
}

/// From the tables or from the API.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum BanFields {
    Stored(Box<BanInfo>),
    Received(Box<ReceivedBan>),
}

/// What a table shows.
#[derive(Debug)]
struct BanCells {
    guid: String,
    place: String,
    state: &'static str,
    moderator: Option<ModeratorId>,
    private_reason: Option<String>,
    public_reason: String,
}

impl BanSummary {
    /// `applied` means that the experience in question has applied the ban.
    pub fn new(workspace: WorkspaceId, ban: &Ban, applied: bool, now: UnixSeconds) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the operator sees everything")]
        let view = BanPresenter::of_workspace(workspace, FlagFormat::Boolean, now);
        Self {
            info: BanFields::Stored(Box::new(view.show(ban, applied))),
            created_at: Time(ban.created),
            updated_at: Time(ban.updated),
            expires_at: Time::of(ban.terms.expires),
            user: ban.user.into(),
            cells: BanCells {
                guid: ban.guid.to_string(),
                place: place(ban),
                state: state(ban, now),
                moderator: Some(ban.terms.moderator),
                private_reason: Some(ban.terms.private_reason.clone()),
                public_reason: ban.terms.public_reason.clone(),
            },
        }
    }

    /// A ban that the API has answered.
    pub fn received(ban: ReceivedBan, now: UnixSeconds) -> Self {
        let time = |seconds| Time(UnixSeconds(seconds));
        let place = if ban.is_global {
            EVERYWHERE.to_owned()
        } else {
            format!("experience {}", ban.experience_id)
        };
        Self {
            created_at: time(ban.created),
            updated_at: time(ban.updated),
            expires_at: (ban.expires > 0).then(|| time(ban.expires)),
            user: ban.roblox_id.into(),
            cells: BanCells {
                guid: ban.guid.clone(),
                place,
                state: received_state(&ban, now),
                moderator: ban.moderator_id,
                private_reason: ban.private_reason.clone(),
                public_reason: ban.public_reason.clone(),
            },
            info: BanFields::Received(Box::new(ban)),
        }
    }

    /// The same with the user's name.
    pub fn of(self, user: &NamedUser) -> Self {
        let user = user.clone();
        Self { user, ..self }
    }

    pub fn guid(&self) -> &str {
        &self.cells.guid
    }

    pub const fn moderator(&self) -> Option<ModeratorId> {
        self.cells.moderator
    }

    pub const fn state(&self) -> &'static str {
        self.cells.state
    }

    /// Where it applies, for a table.
    pub fn place(&self) -> &str {
        &self.cells.place
    }

    /// The expiry, for a table.
    pub fn until(&self) -> String {
        self.expires_at
            .map_or_else(|| PERMANENT.to_owned(), Time::shown)
    }

    pub const fn expires(&self) -> Option<Time> {
        self.expires_at
    }

    pub const fn created(&self) -> Time {
        self.created_at
    }

    /// The reason for moderators, or the public one if the key may not see that.
    pub fn reason(&self) -> &str {
        let private = self.cells.private_reason.as_deref();
        private.unwrap_or(&self.cells.public_reason)
    }
}

const EVERYWHERE: &str = "everywhere";
const PERMANENT: &str = "permanent";

/// Like [`state`]. The API does not say whether a ban was lifted before it would have expired.
fn received_state(ban: &ReceivedBan, now: UnixSeconds) -> &'static str {
    match ban {
        ban if ban.is_active => "in force",
        ban if ban.is_appealed => "appealed",
        ban if ban.expires > 0 && ban.expires <= now.0 => "ended",
        _ => "lifted",
    }
}

/// `in force`, or how the ban ended.
fn state(ban: &Ban, now: UnixSeconds) -> &'static str {
    match ban.ending {
        Some(_) if ban.is_appealed() => "appealed",
        Some(_) => "lifted",
        None if ban.holds(now) => "in force",
        None => "expired",
    }
}

/// The scope of a ban, for a table.
pub fn place(ban: &Ban) -> String {
    match ban.scope {
        Scope::Global => EVERYWHERE.to_owned(),
        Scope::Experience => format!("experience {}", ban.made_in),
    }
}

/// The scope of a ban, for a sentence.
pub fn in_place(ban: &Ban) -> String {
    match ban.scope {
        Scope::Global => "in every experience".to_owned(),
        Scope::Experience => format!("in experience {}", ban.made_in),
    }
}

/// The length of a ban from `from` on, for a sentence: `permanently`, or `for 7 days (until
/// 2026-12-05 10:00 UTC)`.
pub fn lasting(expires: Expiry, from: UnixSeconds) -> String {
    match expires {
        Expiry::Never => "permanently".to_owned(),
        Expiry::At(at) => {
            let length = in_words(at.0.saturating_sub(from.0));
            format!("for {length} (until {})", in_utc(at))
        }
    }
}

impl Printable for BanSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let dash = || "-".to_owned();
        let cells = &self.cells;
        let moderator = cells.moderator.map(|moderator| moderator.to_string());
        vec![
            ("guid", cells.guid.clone()),
            ("user", self.user.cell()),
            ("scope", cells.place.clone()),
            ("state", cells.state.to_owned()),
            ("until", self.until()),
            ("moderator", moderator.unwrap_or_else(dash)),
            (
                "private reason",
                cells.private_reason.clone().unwrap_or_else(dash),
            ),
            ("public reason", cells.public_reason.clone()),
            ("created", self.created_at.shown()),
            ("updated", self.updated_at.shown()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_received_bans_claim_no_more_than_the_api_says() {
        let ban = |active: u8, appealed: u8, expires: u64| -> ReceivedBan {
            serde_json::from_value(serde_json::json!({
                "isBanned": active == 1, "guid": "1", "isGlobal": 0, "isActive": active,
                "workspaceGuid": "00000000-0000-4000-8000-000000000001", "publicReason": "x",
                "robloxId": 1, "created": 1, "updated": 1, "experienceId": 7, "expires": expires,
                "isAppealed": appealed == 1, "experienceUniversal": 1, "uid": 1,
                "experienceBanCompleted": false,
            }))
            .unwrap()
        };
        for (ban, expected) in [
            (ban(1, 0, 0), "in force"),
            (ban(0, 1, 0), "appealed"),
            (ban(0, 0, 0), "lifted"),
            (ban(0, 0, 500), "lifted"),
            (ban(0, 0, 50), "ended"),
        ] {
            assert_eq!(
                BanSummary::received(ban, UnixSeconds(100)).state(),
                expected
            );
        }
    }
}
