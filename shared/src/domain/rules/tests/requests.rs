//! Calls that the tests make.

use super::{ALICE, MALLORY};
use crate::domain::ids::ExperienceId;
use crate::domain::rules::model::BanState;
use crate::domain::rules::{BanRequest, Expiry, Length, Scope, UnbanRequest};

/// A permanent Experience ban of Mallory.
pub(super) fn ban_in(experience: ExperienceId) -> BanRequest {
    BanRequest {
        user: MALLORY,
        place: experience.into(),
        scope: Scope::Experience,
        overwrite: false,
        applied: false,
        moderator: ALICE,
        private_reason: "aimbot, see clip 7".to_owned(),
        public_reason: "Cheating".to_owned(),
        length: Length::Permanent,
        universal: None,
    }
}

/// A permanent Global ban of Mallory.
pub(super) fn ban_all_from(experience: ExperienceId) -> BanRequest {
    BanRequest {
        scope: Scope::Global,
        ..ban_in(experience)
    }
}

/// The same ban, with this length.
pub(super) fn lasting(length: u64, request: BanRequest) -> BanRequest {
    BanRequest {
        length: Length::For(length),
        ..request
    }
}

/// The same ban, whether or not one is in force.
pub(super) fn overwriting(request: BanRequest) -> BanRequest {
    BanRequest {
        overwrite: true,
        ..request
    }
}

/// What an experience sends when it has applied a ban from its list.
pub(super) fn report(ban: &BanState, experience: ExperienceId) -> BanRequest {
    BanRequest {
        user: ban.user,
        place: experience.into(),
        scope: ban.scope,
        overwrite: true,
        applied: true,
        moderator: ban.terms.moderator,
        private_reason: ban.terms.private_reason.clone(),
        public_reason: ban.terms.public_reason.clone(),
        length: match ban.terms.expires {
            Expiry::At(at) => Length::Until(at),
            Expiry::Never => Length::Permanent,
        },
        universal: Some(ban.terms.universal),
    }
}

/// A moderator's decision to unban Mallory.
pub(super) fn unban_in(experience: ExperienceId) -> UnbanRequest {
    UnbanRequest {
        user: MALLORY,
        place: experience.into(),
        reason: None,
        moderator: Some(ALICE),
        applied: false,
        report_only: false,
        from_game: false,
    }
}

/// What an experience sends when it has applied an unban of Mallory.
pub(super) fn unbanned_in(experience: ExperienceId) -> UnbanRequest {
    UnbanRequest {
        report_only: true,
        ..unban_in(experience)
    }
}
