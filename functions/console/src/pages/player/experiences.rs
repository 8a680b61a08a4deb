//! What holds for a player in each experience, and whether the experience has applied it.

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::ExperienceId;
use shared::domain::rules::{PendingChange, Standing};
use shared::domain::text::printable;

use crate::ban_view::StateView;
use crate::times::TimeTag;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExperienceView {
    pub id: u64,
    pub state: StateView,
    pub applied: &'static str,
    /// The class of the text.
    pub tone: &'static str,
    pub notes: Vec<NoteLine>,
}

/// A line below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteLine {
    Text(String),
    NextAttempt(TimeTag),
}

impl std::fmt::Display for NoteLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::NextAttempt(_) => f.write_str("Next attempt "),
        }
    }
}

impl NoteLine {
    /// The time at its end.
    pub const fn time(&self) -> Option<&TimeTag> {
        match self {
            Self::Text(_) => None,
            Self::NextAttempt(time) => Some(time),
        }
    }
}

impl ExperienceView {
    pub fn new(experience: ExperienceId, standing: &Standing, now: UnixSeconds) -> Self {
        let banned = standing.counting(now);
        let pending = standing.pending_at(now);
        let (applied, tone) = match (pending, banned) {
            (Some(PendingChange::Ban(_)), _) => ("Ban pending", "warn"),
            (Some(PendingChange::Unban(_)), _) => ("Unban pending", "warn"),
            (None, Some(_)) => ("Applied", "good"),
            (None, None) => ("Nothing to apply", "soft"),
        };
        let mut notes = Vec::new();
        if let Some(failures) = standing.failures_at(now) {
            let times = if failures.count == 1 { "time" } else { "times" };
            let error = failures.error.as_deref().map(printable);
            let error = error.map(|error| format!(": {error}")).unwrap_or_default();
            notes.push(NoteLine::Text(format!(
                "Failed {} {times}{error}",
                failures.count
            )));
            notes.push(NoteLine::NextAttempt(TimeTag::new(
                failures.not_before,
                now,
            )));
        }
        Self {
            id: experience.get(),
            state: banned.map_or_else(StateView::free, |ban| StateView::of(ban, now)),
            applied,
            tone: if notes.is_empty() { tone } else { "bad" },
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::rules::FailedAttempts;

    use super::*;
    use crate::ban_view::tests::{NOW, ban, experience};

    fn view(change: impl FnOnce(&mut Standing)) -> ExperienceView {
        let mut standing = Standing::default();
        standing.here.ban = Some(ban("Spam"));
        change(&mut standing);
        ExperienceView::new(experience(), &standing, NOW)
    }

    #[test]
    fn ban_is_pending_until_the_experience_reports_it() {
        assert_eq!(view(|_| ()).applied, "Ban pending");
        let reported = view(|standing| standing.here.report = Some(ban("Spam").current()));
        assert_eq!((reported.applied, reported.tone), ("Applied", "good"));
        let never = view(|standing| standing.here.ban = None);
        assert_eq!(never.state.word, "Not banned");
    }

    #[test]
    fn failures_show_their_error_and_the_next_attempt() {
        let failed = view(|standing| {
            standing.here.failures = Some(FailedAttempts {
                of: PendingChange::Ban(ban("Spam").current()),
                count: 2,
                not_before: NOW.plus(300),
                error: Some("HTTP 429".to_owned()),
            });
        });
        assert_eq!(failed.tone, "bad");
        let [what, next] = failed.notes.as_slice() else {
            panic!("{:?}", failed.notes)
        };
        assert_eq!(what.to_string(), "Failed 2 times: HTTP 429");
        assert!(next.time().is_some());
    }
}
