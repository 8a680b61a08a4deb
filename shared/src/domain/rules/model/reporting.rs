//! Which ban of the history a call reports.

use super::history::{History, Report, Revision};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::ExperienceId;
use crate::domain::rules::{BanRequest, Expiry, Length, Scope};

/// How many seconds a call with a relative length may repeat an earlier one.
const A_MINUTE: u64 = 60;

/// Of the revisions in force at `since` or later with the call's terms, the last one in force.
pub(super) fn reported(
    history: &History,
    request: &BanRequest,
    (acting, experiences): (ExperienceId, &[ExperienceId]),
    since: UnixSeconds,
    now: UnixSeconds,
) -> Option<Report> {
    let mut equal = Vec::new();
    for ban in history.reaching_any(request.user, experiences) {
        let (mut revisions, last) = history.revisions(ban);
        revisions.push(last);
        revisions.retain(|revision| revision.until >= Expiry::At(since));
        revisions.retain(|revision| says(request, revision, now));
        if ban.scope == request.scope {
            let is_here = ban.scope == Scope::Global || ban.experience == acting;
            let found = revisions.into_iter();
            equal.extend(found.map(|it| (ban.guid(), is_here && it.holds(now), it)));
        }
    }
    // Of two in force, that of the acting experience; of two that ended in the same second, the later
    // one in the history.
    equal.sort_by_key(|(_, is_here, revision)| (revision.until, *is_here));
    equal
        .pop()
        .map(|(guid, _, revision)| Report::Banned(guid, revision.number))
}

/// The expiry of a ban that is decided now.
pub(super) fn expires(length: Length, now: UnixSeconds) -> Expiry {
    match length {
        Length::Permanent => Expiry::Never,
        Length::Until(at) => Expiry::At(at),
        Length::For(seconds) => Expiry::At(now.plus(seconds)),
    }
}

/// Whether a call has the terms of a revision. Omitted fields are unchanged. A relative length
/// counts from the call or, because the call may be a repeat, from a decision shortly before it.
pub(super) fn says(request: &BanRequest, revision: &Revision, now: UnixSeconds) -> bool {
    let Revision { terms, from, .. } = *revision;
    let may_repeat = now <= from.plus(A_MINUTE);
    let same_expiry = expires(request.length, now) == terms.expires
        || (may_repeat && expires(request.length, from) == terms.expires);
    same_expiry
        && request.moderator == terms.moderator
        && request.private_reason == terms.private_reason
        && request.public_reason == terms.public_reason
        && request.universal.unwrap_or(terms.universal) == terms.universal
}
