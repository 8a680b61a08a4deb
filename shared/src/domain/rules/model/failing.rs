//! `/reports`, and which attempts at what is pending have failed.

use super::history::{Event, History, Made, Report};
use super::{BanState, Model};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, UserId};
use crate::domain::rules::{Change, ChangeReport, Expiry, ReportStatus, ReportedAttempt};

/// What is pending for an experience and a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// This revision of this ban.
    Ban(Guid, u32),
    /// To lift this revision of this ban, as the user has been free since then.
    Unban(Guid, u32, Option<Expiry>),
}

impl Model {
    /// One report of `POST /reports`.
    pub fn change_report(
        &mut self,
        experience: ExperienceId,
        report: &ChangeReport,
        now: UnixSeconds,
    ) -> ReportStatus {
        let (user, guid) = (report.user, report.guid);
        let places = self.may_report(experience.into(), now);
        let beside = self.root_beside(experience.into(), now);
        let experience = self.acts_in(experience.into(), now);
        self.link(experience, now);
        let bans = places.into_iter();
        let bans = bans.flat_map(|place| self.history.reaching(user, place));
        let mut named = bans.filter(|ban| ban.guid() == guid);
        let is_known = named.any(|ban| {
            let last = self.history.current(ban).number;
            report.revision >= 1 && report.revision <= last
        });
        if !is_known {
            return ReportStatus::Unknown;
        }
        if beside.is_some_and(|root| self.history.is_made_in(guid, root)) {
            return ReportStatus::Superseded;
        }
        if report.attempt == ReportedAttempt::Applied {
            let applied = match report.change {
                Change::Ban => Report::Banned(guid, report.revision),
                Change::Unban => Report::NotBanned,
            };
            self.report(user, experience, applied, now);
            return match self.history.pending(user, experience, now) {
                None => ReportStatus::Applied,
                Some(_) => ReportStatus::Superseded,
            };
        }
        let is_pending = match self.history.pending(user, experience, now) {
            Some(Pending::Ban(ban, revision)) => {
                report.change == Change::Ban && (ban, revision) == (guid, report.revision)
            }
            Some(Pending::Unban(ban, ..)) => report.change == Change::Unban && ban == guid,
            None => false,
        };
        if !is_pending {
            return ReportStatus::Superseded;
        }
        let is_early = self
            .failures(user, experience, now)
            .is_some_and(|(_, not_before)| now < not_before);
        if !is_early {
            self.history.add(now, Event::Failed(user, experience));
        }
        ReportStatus::Noted
    }

    /// A pending ban or unban with its failed attempts.
    pub(super) fn with_failures(
        &self,
        ban: BanState,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> BanState {
        let failures = self.failures(ban.user, experience, now);
        BanState { failures, ..ban }
    }

    /// How many attempts at what is pending have failed, and when the next one may follow.
    fn failures(
        &self,
        user: UserId,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Option<(u32, UnixSeconds)> {
        let (count, last) = self.history.failures(user, experience, now)?;
        let minutes = match count {
            1 => 1,
            2 => 5,
            3 => 30,
            _ => 6 * 60,
        };
        Some((count, last.plus(minutes * 60)))
    }
}

impl History {
    fn pending(&self, user: UserId, experience: ExperienceId, now: UnixSeconds) -> Option<Pending> {
        let reported = self.reported(user, experience);
        if let Some(ban) = self.counting(user, experience, now) {
            let revision = self.current(ban).number;
            let is_applied = reported == Report::Banned(ban.guid(), revision);
            return (!is_applied).then_some(Pending::Ban(ban.guid(), revision));
        }
        match reported {
            Report::Banned(guid, number) if self.bans().map(Made::guid).any(|ban| ban == guid) => {
                let since = self.free_since(user, experience);
                Some(Pending::Unban(guid, number, since))
            }
            _ => None,
        }
    }

    /// The number of failed attempts since something else was pending, and the time of the last.
    fn failures(
        &self,
        user: UserId,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Option<(u32, UnixSeconds)> {
        let is_theirs = |event: &Event| matches!(event, Event::Failed(who, whence) if (*who, *whence) == (user, experience));
        if !self.0.iter().any(|(_, event)| is_theirs(event)) {
            return None;
        }
        let (mut past, mut pending, mut failures) = (Self::default(), None, None);
        for (at, event) in &self.0 {
            past.add(*at, event.clone());
            let then = past.pending(user, experience, *at);
            if then != pending {
                (pending, failures) = (then, None);
            }
            if is_theirs(event) {
                let count = failures.map_or(0, |(count, _)| count);
                failures = Some((count + 1, *at));
            }
        }
        let is_same = pending.is_some() && pending == self.pending(user, experience, now);
        failures.filter(|_| is_same)
    }
}
