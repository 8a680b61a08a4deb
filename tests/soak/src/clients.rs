//! The clients: game servers, moderators, officers, exporters and event log readers, each with its own random
//! generator.

mod cursor_tamperer;
mod exporter;
mod game_server;
mod moderator;
mod officer;
mod reader;

use std::time::Duration;

use fastrand::Rng;
use futures::future::{BoxFuture, FutureExt, join_all};
use shared::domain::ids::{ExperienceId, ModeratorId, UserId};

use crate::plan::{
    EXPERIENCES, MODERATORS, Plan, SERVERS, USERS, USERS_CHANGE_EVERY, WORKSPACES, is_mirrored,
    millis,
};
use crate::recorder::Recorder;

/// Runs all clients until the run is over.
pub async fn act(recorder: &Recorder<'_>, plan: &Plan) {
    let mut acts: Vec<BoxFuture<'_, ()>> = Vec::new();
    for workspace in 0..WORKSPACES {
        for experience in EXPERIENCES.into_iter().filter_map(ExperienceId::new) {
            for number in 0..SERVERS {
                let name = format!("server {number} of {experience}");
                let client = Client::new(recorder, plan, workspace, name);
                acts.push(game_server::play(client, experience).boxed());
            }
        }
        for number in 0..MODERATORS {
            let client = Client::new(recorder, plan, workspace, format!("moderator {number}"));
            // Each decision has its own moderator, which identifies it in the history.
            let first = 1_000_000 * (workspace * MODERATORS + number + 1);
            acts.push(moderator::decide(client, u64::try_from(first).unwrap_or(1)).boxed());
        }
        let client = Client::new(recorder, plan, workspace, "officer".to_owned());
        acts.push(officer::act(client).boxed());
        let client = Client::new(recorder, plan, workspace, "exporter".to_owned());
        acts.push(exporter::look(client).boxed());
        let client = Client::new(recorder, plan, workspace, "reader".to_owned());
        acts.push(reader::read(client).boxed());
        let client = Client::new(recorder, plan, workspace, "cursor_tamperer".to_owned());
        acts.push(cursor_tamperer::tamper(client).boxed());
    }
    join_all(acts).await;
}

struct Client<'a> {
    recorder: &'a Recorder<'a>,
    workspace: usize,
    name: String,
    rng: Rng,
}

impl<'a> Client<'a> {
    fn new(recorder: &'a Recorder<'a>, plan: &Plan, workspace: usize, name: String) -> Self {
        Self {
            recorder,
            workspace,
            rng: plan.rng(&format!("{workspace} {name}")),
            name,
        }
    }

    /// Waits before the next turn; false when the run is over.
    async fn pause(&mut self, from: u64, to: u64) -> bool {
        let pause = millis(&mut self.rng, from, to);
        tokio::time::sleep(pause.min(self.recorder.left())).await;
        !self.recorder.is_closed()
    }

    /// True in `percent` of 100 cases.
    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    /// One of the current users.
    fn user(&mut self) -> Option<UserId> {
        let era = self
            .recorder
            .elapsed()
            .as_secs()
            .checked_div(USERS_CHANGE_EVERY.as_secs())?;
        UserId::new(100_000 + 100 * era + self.rng.u64(..USERS))
    }

    /// Whether an experience is mirrored to Roblox. There only the mirror applies pending changes:
    /// no other client here has access to Roblox's ban list.
    fn is_mirrored(&self, experience: ExperienceId) -> bool {
        is_mirrored(self.workspace, experience)
    }

    fn experience(&mut self) -> Option<ExperienceId> {
        ExperienceId::new(self.rng.choice(EXPERIENCES)?)
    }

    /// Now and then a client gives up before the answer arrives.
    fn gives_up(&mut self) -> Option<Duration> {
        self.chance(4).then(|| millis(&mut self.rng, 3, 300))
    }
}

fn moderator(first: u64, count: u64) -> Option<ModeratorId> {
    ModeratorId::new(first + count)
}
