//! `/reports`.

use super::Store;
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::ExperienceId;
use crate::domain::rules::model::Answer;
use crate::domain::rules::{Ban, ChangeReport, ReportStatus, Scope, take_report};

impl Store {
    pub(in super::super) fn change_report(
        &mut self,
        experience: ExperienceId,
        report: &ChangeReport,
        now: UnixSeconds,
    ) -> Answer {
        let places = self.experiences(experience.into(), now);
        let beside = self.resolved(experience.into(), now).root_beside();
        let experience = self.acts_in(experience.into(), now);
        let standing = self.standing(report.user, experience);
        let reaches = |ban: &&Ban| ban.scope == Scope::Global || places.contains(&ban.made_in);
        let recorded = self.records.get(&report.guid).filter(reaches);
        let recorded = recorded.filter(|ban| ban.user == report.user);
        let ban = standing.ban(report.guid).or(recorded);
        let is_beside = |ban: &Ban| {
            (1..=ban.revision).contains(&report.revision)
                && ban.scope == Scope::Experience
                && beside == Some(ban.made_in)
        };
        let (after, status) = if ban.is_some_and(is_beside) {
            (standing.clone(), ReportStatus::Superseded)
        } else {
            take_report(&standing, report, ban, now)
        };
        self.link(experience);
        if after != standing {
            self.heres.insert((report.user, experience), after.here);
        }
        Answer::Reported(status)
    }
}
