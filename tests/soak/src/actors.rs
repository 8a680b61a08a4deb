//! Those who call: game servers, moderators, exporters and who reads the log, each with its own dice.

mod exporter;
mod game_server;
mod meddler;
mod moderator;
mod reader;

use std::time::Duration;

use fastrand::Rng;
use futures::future::{BoxFuture, FutureExt, join_all};
use shared::domain::ids::{ExperienceId, ModeratorId, UserId};

use crate::plan::{
    ERA, EXPERIENCES, MODERATORS, Plan, SERVERS, USERS, WORKSPACES, is_mirrored, millis,
};
use crate::stage::Stage;

/// Lets all of them act until the stage closes.
pub async fn act(stage: &Stage<'_>, plan: &Plan) {
    let mut acts: Vec<BoxFuture<'_, ()>> = Vec::new();
    for workspace in 0..WORKSPACES {
        for experience in EXPERIENCES.into_iter().filter_map(ExperienceId::new) {
            for number in 0..SERVERS {
                let name = format!("server {number} of {experience}");
                let actor = Actor::new(stage, plan, workspace, name);
                acts.push(game_server::play(actor, experience).boxed());
            }
        }
        for number in 0..MODERATORS {
            let actor = Actor::new(stage, plan, workspace, format!("moderator {number}"));
            // Each decision has a moderator of its own, by which it is known in the history.
            let first = 1_000_000 * (workspace * MODERATORS + number + 1);
            acts.push(moderator::decide(actor, u64::try_from(first).unwrap_or(1)).boxed());
        }
        let actor = Actor::new(stage, plan, workspace, "exporter".to_owned());
        acts.push(exporter::look(actor).boxed());
        let actor = Actor::new(stage, plan, workspace, "reader".to_owned());
        acts.push(reader::read(actor).boxed());
        let actor = Actor::new(stage, plan, workspace, "meddler".to_owned());
        acts.push(meddler::meddle(actor).boxed());
    }
    join_all(acts).await;
}

/// What every actor has.
struct Actor<'a> {
    stage: &'a Stage<'a>,
    workspace: usize,
    name: String,
    dice: Rng,
}

impl<'a> Actor<'a> {
    fn new(stage: &'a Stage<'a>, plan: &Plan, workspace: usize, name: String) -> Self {
        Self {
            stage,
            workspace,
            dice: plan.dice(&format!("{workspace} {name}")),
            name,
        }
    }

    /// Waits some time before the next turn; false when the stage has closed.
    async fn pause(&mut self, from: u64, to: u64) -> bool {
        let pause = millis(&mut self.dice, from, to);
        tokio::time::sleep(pause.min(self.stage.left())).await;
        !self.stage.is_closed()
    }

    /// True in so many of a hundred cases.
    fn chance(&mut self, percent: u8) -> bool {
        self.dice.u8(..100) < percent
    }

    /// One of the users whose turn it is.
    fn user(&mut self) -> Option<UserId> {
        let era = self.stage.elapsed().as_secs().checked_div(ERA.as_secs())?;
        UserId::new(100_000 + 100 * era + self.dice.u64(..USERS))
    }

    /// Whether an experience is mirrored on Roblox's side. There the mirror alone applies what is
    /// pending: who else does so has Roblox's list of bans in his own hands, which none here has.
    fn is_mirrored(&self, experience: ExperienceId) -> bool {
        is_mirrored(self.workspace, experience)
    }

    fn experience(&mut self) -> Option<ExperienceId> {
        ExperienceId::new(self.dice.choice(EXPERIENCES)?)
    }

    /// Now and then a caller turns away before the answer has come.
    fn gives_up(&mut self) -> Option<Duration> {
        self.chance(4).then(|| millis(&mut self.dice, 3, 300))
    }
}

/// A moderator's number after some others.
fn moderator(first: u64, count: u64) -> Option<ModeratorId> {
    ModeratorId::new(first + count)
}
