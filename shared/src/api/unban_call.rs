//! The fields of an unban: the body of `/unban-async`, or of one user in `/unbans/bulk`.

use super::{ApiRequest, Fields};
use crate::domain::error::ApiError;
use crate::domain::rules::UnbanRequest;

/// The longest reason, in bytes.
const REASON: usize = 1000;

/// What an unban call says besides its body.
#[derive(Clone, Copy, Debug)]
pub struct UnbanQuery {
    applied: bool,
    report_only: bool,
    from_game: bool,
}

impl UnbanQuery {
    /// Reads the query; errors stay in it. `from_game`: a Roblox game server calls.
    pub fn read(query: &mut Fields, from_game: bool) -> Self {
        let applied = query.optional_flag("experienceUnbanCompleted");
        let report_only = query.optional_flag("confirmOnly");
        Self {
            applied: applied.unwrap_or(false),
            report_only: report_only.unwrap_or(false),
            from_game,
        }
    }
}

/// Parses query and body; an error names every invalid field.
pub fn parse_unban(request: &ApiRequest, from_game: bool) -> Result<UnbanRequest, ApiError> {
    let mut query = request.query();
    let flags = UnbanQuery::read(&mut query, from_game);
    let mut body = request.body()?;
    body.take_errors_of(query);
    read_unban(body, flags)
}

/// Parses the fields of one unban; an error names every invalid field.
pub fn read_unban(mut body: Fields, query: UnbanQuery) -> Result<UnbanRequest, ApiError> {
    let user = body.id("userId");
    let place = body.id("experienceId");
    let reason = body
        .optional_text("reason", REASON)
        .filter(|reason| !reason.is_empty());
    let moderator = body.optional_id("moderatorId");
    body.build(|| {
        Some(UnbanRequest {
            user: user?,
            place: place?,
            reason,
            moderator,
            applied: query.applied,
            report_only: query.report_only,
            from_game: query.from_game,
        })
    })
}
