//! The fields of a ban: the body of `/ban-async`, or of one user in `/bans/bulk`.

use super::{ApiRequest, Fields};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::length;
use crate::domain::rules::{BanRequest, Length, Scope, Terms};
use crate::moderation::Intent;

/// The query of a ban call.
#[derive(Clone, Copy, Debug)]
pub struct BanQuery {
    applied: bool,
    appeal: bool,
}

impl BanQuery {
    /// Reads the query; errors stay in it.
    pub fn read(query: &mut Fields) -> Self {
        let applied = query.optional_flag("experienceBanCompleted");
        let appeal = query.optional_flag("isAppeal");
        Self {
            applied: applied.unwrap_or(false),
            appeal: appeal.unwrap_or(false),
        }
    }
}

/// Parses query and body; an error names every invalid field.
pub fn parse_ban(request: &ApiRequest, now: UnixSeconds) -> Result<(BanRequest, Intent), ApiError> {
    let mut query = request.query();
    let flags = BanQuery::read(&mut query);
    let mut body = request.body()?;
    body.take_errors_of(query);
    read_ban(body, flags, now)
}

/// Parses the fields of one ban; an error names every invalid field.
pub fn read_ban(
    mut body: Fields,
    BanQuery { applied, appeal }: BanQuery,
    now: UnixSeconds,
) -> Result<(BanRequest, Intent), ApiError> {
    let overwrite = body.flag("overwrite");
    let user = body.id("userId");
    let place = body.id("experienceId");
    let moderator = body.id("banModerator");
    let scope = body.word(
        "banType",
        &[("Experience", Scope::Experience), ("Global", Scope::Global)],
    );
    let length = read_length(&mut body, now, overwrite == Some(true) && applied);
    let private_reason = body.text("banPrivateReason", Terms::LONGEST_PRIVATE_REASON);
    let public_reason = body.text("banPublicReason", Terms::LONGEST_PUBLIC_REASON);
    let universal = body.optional_flag("experienceUniversal");

    let intent = if appeal { Intent::Appeal } else { Intent::Ban };
    body.build(|| {
        let ban = BanRequest {
            user: user?,
            place: place?,
            scope: scope?,
            overwrite: overwrite?,
            applied,
            moderator: moderator?,
            private_reason: private_reason?,
            public_reason: public_reason?,
            length: length?,
            universal,
        };
        Some((ban, intent))
    })
}

/// Only a possible late report may name an end in the past.
fn read_length(body: &mut Fields, now: UnixSeconds, may_be_past: bool) -> Option<Length> {
    let kinds = [("Temporary", false), ("Permanent", true)];
    let Some(is_permanent) = body.word("banLengthType", &kinds) else {
        // Any length may be right, but it must not be missing.
        if body.value("banLength").is_none() {
            body.reject("banLength", length::ACCEPTED);
        }
        return None;
    };
    if is_permanent {
        return Some(Length::Permanent);
    }
    let length = body
        .value("banLength")
        .and_then(|value| length::parse(value, now));
    let usable = length.filter(|length| match length {
        Length::Until(at) => may_be_past || *at > now,
        _ => true,
    });
    if usable.is_none() {
        body.reject("banLength", length::ACCEPTED);
    }
    usable
}
