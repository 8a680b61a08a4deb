//! Late reports of bans that were erased with their user.
//!
//! A game server reports a ban that it fetched a while ago. If the user was erased meanwhile, there
//! is no ban to compare the call with, and the call would ban the user again. So an erasure keeps,
//! of each revision that could still be reported, the [`Wording`] of its report. Storage keeps only
//! a keyed hash of it.

use super::ban::{Ban, Expiry, Scope, Terms};
use super::banning::{BanRequest, LATE_WINDOW, Length, REPEAT_WINDOW};
use super::standing::{Outcome, Standing, unchanged};
use super::unbanning::report_unbanned;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, UserId};

/// User, scope and terms of a revision, in the form of a call that reports it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wording([String; 7]);

impl Wording {
    /// Its parts, in a fixed order. Together they identify it.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn new(
        user: UserId,
        (scope, experience): (Scope, ExperienceId),
        terms: &Terms,
        ends: String,
    ) -> Self {
        let scope = match scope {
            Scope::Experience => experience.to_string(),
            Scope::Global => "global".to_owned(),
        };
        Self([
            user.to_string(),
            scope,
            terms.moderator.to_string(),
            terms.private_reason.clone(),
            terms.public_reason.clone(),
            ends,
            terms.universal.to_string(),
        ])
    }
}

/// The end of a ban as a call writes it: absolute, or as a length.
fn ends_at(expires: Expiry) -> String {
    expires.seconds().to_string()
}

fn ends_after(seconds: u64) -> String {
    format!("+{seconds}")
}

/// The wordings in which a revision that is erased `now` can still be reported, each with the last
/// second in which it is valid. `over` is when the revision was replaced, or `now` if it is
/// current.
#[must_use]
pub fn erased(ban: &Ban, over: UnixSeconds, now: UnixSeconds) -> Vec<(Wording, UnixSeconds)> {
    let until = match ban.terms.expires {
        Expiry::At(expires) => expires.min(over),
        Expiry::Never => over,
    };
    if ban.ending.is_some() || until.plus(LATE_WINDOW) < now {
        return Vec::new();
    }
    let wording = |ends| Wording::new(ban.user, (ban.scope, ban.made_in), &ban.terms, ends);
    let mut wordings = vec![(wording(ends_at(ban.terms.expires)), now.plus(LATE_WINDOW))];
    // A repeat of the call that set these terms may give a length, which counts from the first
    // call.
    let repeated_until = ban.updated.plus(REPEAT_WINDOW);
    if let Expiry::At(at) = ban.terms.expires
        && now <= repeated_until
    {
        let length = at.0.saturating_sub(ban.updated.0);
        wordings.push((wording(ends_after(length)), repeated_until));
    }
    wordings
}

/// The wordings of an erased revision that this call would report; empty for a call that is not a
/// report. `experiences` are the one in which the call acts, and the part that it names.
#[must_use]
pub fn may_mean_erased(
    request: &BanRequest,
    experiences: &[ExperienceId],
    now: UnixSeconds,
) -> Vec<Wording> {
    if !request.may_report() {
        return Vec::new();
    }
    let mut ends = vec![ends_at(request.length.from(now))];
    if let Length::For(seconds) = request.length {
        ends.push(ends_after(seconds));
    }
    // A call that does not say whether it is for the universe means either.
    let universal = request
        .universal
        .map_or(vec![true, false], |universal| vec![universal]);
    let mut wordings = Vec::new();
    for experience in experiences {
        for universal in &universal {
            let (scope, terms) = ((request.scope, *experience), request.terms(*universal, now));
            let wording = |ends: &String| Wording::new(request.user, scope, &terms, ends.clone());
            wordings.extend(ends.iter().map(wording));
        }
    }
    wordings.sort_unstable();
    wordings.dedup();
    wordings
}

/// Records a report of an erased revision. For a user who is still erased, it stores nothing. If a newer
/// ban is in force, it becomes pending (again), because the experience no longer has it.
#[must_use]
pub fn report_erased(standing: &Standing, now: UnixSeconds) -> Outcome {
    if standing.counting(now).is_some() {
        report_unbanned(standing)
    } else {
        unchanged(standing)
    }
}
