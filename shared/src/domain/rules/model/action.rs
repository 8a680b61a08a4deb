//! Calls that may change a workspace, for generators of random calls.

use super::{Answer, Model};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::ExperienceId;
use crate::domain::rules::{BanRequest, ChangeReport, Identity, UnbanRequest};

/// A call of an experience.
#[derive(Clone, Debug)]
pub enum Action {
    /// `POST /ban-async`.
    Ban(BanRequest),
    /// `POST /ban-async?isAppeal=true`.
    Appeal(BanRequest),
    /// `POST /unban-async`.
    Unban(UnbanRequest),
    /// `POST /reports`, with one report.
    Report(ExperienceId, ChangeReport),
    /// `GET /pending-bans` or `GET /pending-unbans`.
    Poll(ExperienceId),
}

impl Model {
    /// Makes a call by an API key; without one, it is never a repeat. A new ban is called `identity`.
    pub fn play(
        &mut self,
        action: &Action,
        by: Option<&str>,
        identity: Identity,
        now: UnixSeconds,
    ) -> Answer {
        match action {
            Action::Ban(request) => self.ban(request, by, identity, now),
            Action::Appeal(request) => self.appeal(request, by, now),
            Action::Unban(request) => self.unban(request, by, now),
            Action::Report(experience, report) => {
                Answer::Reported(self.change_report(*experience, report, now))
            }
            Action::Poll(experience) => {
                self.link(*experience, now);
                Answer::Ok
            }
        }
    }
}
