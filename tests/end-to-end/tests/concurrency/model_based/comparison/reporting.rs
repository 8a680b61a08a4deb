//! Reports of what the experiences got from their lists.

use end_to_end::requests::change_report;
use shared::domain::ids::UserId;
use shared::domain::rules::model::Action;
use shared::domain::rules::{Change, ReportedAttempt, UnbanRequest};

use super::super::expected;
use super::{Comparison, ListEntry};

impl Comparison<'_> {
    /// An experience reports what it got, recently or long ago.
    pub(super) async fn report_something(&mut self) {
        if !self.shown.is_empty() {
            let lately = if self.random.coin() { 8 } else { 1_000 };
            let back = self.random.below(lately.min(self.shown.len()));
            let shown = self.shown[self.shown.len() - 1 - back].clone();
            self.seen.late += usize::from(shown.at_step + 3 < self.steps);
            match self.random.below(4) {
                0 => self.name(&shown, ReportedAttempt::Applied).await,
                1 => {
                    self.name(&shown, ReportedAttempt::Failed { error: None })
                        .await
                }
                _ => self.report(&shown).await,
            }
        }
    }

    /// An experience reports an entry by guid and revision.
    pub(super) async fn name(&mut self, shown: &ListEntry, attempt: ReportedAttempt) {
        let change = if shown.is_unban {
            Change::Unban
        } else {
            Change::Ban
        };
        let report = change_report(&shown.ban, change, attempt);
        self.call(Action::Report(shown.experience, report)).await;
    }

    pub(super) async fn report(&mut self, shown: &ListEntry) {
        if shown.is_unban {
            let user = UserId::new(shown.ban["robloxId"].as_u64().unwrap()).unwrap();
            let said = self.random.coin();
            let reason = (!said).then(|| "Ban automatically expired.".to_owned());
            let request = UnbanRequest {
                user,
                place: shown.experience.into(),
                reason,
                moderator: None,
                applied: false,
                report_only: said,
                from_game: true,
            };
            self.call(Action::Unban(request)).await;
        } else {
            let request = expected::report(&shown.ban, shown.experience);
            self.call(Action::Ban(request)).await;
        }
    }
}
