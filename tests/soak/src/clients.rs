//! The clients: game servers, moderators, members at the console and on Discord, officers, investigators, exporters and event log readers,
//! each with its own random generator.

pub mod console;
mod cursor_tamperer;
pub mod discord;
mod eraser;
mod exporter;
mod follower;
mod game_server;
mod investigator;
mod joiner;
mod moderator;
mod officer;
mod reader;
mod snapshot_reader;

use std::time::Duration;

use fastrand::Rng;
use futures::future::{BoxFuture, FutureExt, join_all};
use shared::domain::ids::{ExperienceId, ModeratorId, UserId};

use crate::history::{CallResult, JoinRecord, Operation};
use crate::plan::{
    ERASING, EXPERIENCES, JOINING, MODERATORS, Plan, SERVERS, USERS, USERS_CHANGE_EVERY,
    WORKSPACES, is_mirrored, millis, user_of,
};
use crate::recorder::{CallOptions, Recorder};

pub use eraser::{Fate, Subject};
pub use joiner::TAKES;

/// How often a call without an answer is retried.
const REPEATS: usize = 3;

/// The clients' numbers start here: those of moderators below.
const OFFICERS: u64 = 50_000_000;
const INVESTIGATORS: u64 = 60_000_000;
const ERASERS: u64 = 70_000_000;
const MEMBERS: u64 = 80_000_000;
const ON_DISCORD: u64 = 90_000_000;

/// Runs all clients until the run is over. Returns the users whom the eraser was busy with, and the joins
/// of places.
pub async fn act(
    recorder: &Recorder<'_>,
    plan: &Plan,
    secret: &str,
) -> (Vec<Subject>, Vec<JoinRecord>) {
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
        let offset = u64::try_from(workspace * 1_000_000).unwrap_or_default();
        acts.push(officer::act(client, OFFICERS + offset).boxed());
        let client = Client::new(recorder, plan, workspace, "investigator".to_owned());
        acts.push(investigator::investigate(client, INVESTIGATORS + offset).boxed());
        let client = Client::new(recorder, plan, workspace, "member".to_owned());
        acts.push(console::ban(client, MEMBERS + offset).boxed());
        let client = Client::new(recorder, plan, workspace, "moderator on Discord".to_owned());
        acts.push(discord::ban(client, ON_DISCORD + offset).boxed());
        let client = Client::new(recorder, plan, workspace, "exporter".to_owned());
        acts.push(exporter::look(client).boxed());
        let client = Client::new(recorder, plan, workspace, "reader".to_owned());
        acts.push(reader::read(client).boxed());
        let client = Client::new(recorder, plan, workspace, FOLLOWER.to_owned());
        let cursor = follower::begin(&client).await;
        acts.push(follower::follow(client, cursor).boxed());
        let client = Client::new(recorder, plan, workspace, SNAPSHOT_READER.to_owned());
        acts.push(snapshot_reader::read(client).boxed());
        let client = Client::new(recorder, plan, workspace, "cursor_tamperer".to_owned());
        acts.push(cursor_tamperer::tamper(client).boxed());
    }
    let client = Client::new(recorder, plan, ERASING, "eraser".to_owned());
    let erasing = eraser::erase(client, ERASERS, secret);
    let client = Client::new(recorder, plan, JOINING, "joiner".to_owned());
    let joining = joiner::join(client);
    let (subjects, joins, _) = futures::join!(erasing, joining, join_all(acts));
    (subjects, joins.unwrap_or_default())
}

/// The name of the clients that follow `/sync`.
pub const FOLLOWER: &str = "follower";

/// The name of the clients that read snapshots.
pub const SNAPSHOT_READER: &str = "snapshot reader";

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
        UserId::new(user_of(era, self.rng.u64(..USERS)))
    }

    /// Whether an experience is mirrored to Roblox. There only the mirror applies pending changes:
    /// no other client here has access to Roblox's ban list.
    fn is_mirrored(&self, experience: ExperienceId) -> bool {
        is_mirrored(self.workspace, experience)
    }

    fn experience(&mut self) -> Option<ExperienceId> {
        ExperienceId::new(self.rng.choice(EXPERIENCES)?)
    }

    /// Makes a call and records it.
    async fn call(&self, operation: Operation, options: CallOptions) -> CallResult {
        let recorder = self.recorder;
        let called = recorder.call(self.workspace, &self.name, operation, options);
        called.await
    }

    /// Makes a call, and retries it if its answer was lost, at times under an idempotency key.
    /// Returns the last answer.
    async fn retry_until_answered(&mut self, operation: &Operation, count: u64) -> CallResult {
        let named = self.chance(40);
        let name = self.name.replace(' ', "-");
        let key = named.then(|| format!("{}-{name}-{count}", self.workspace));
        // An idempotency key identifies one request; a later call needs another.
        let key = key.map(|key| format!("{key}-{}", self.rng.u32(..)));
        let mut repeats = 0;
        loop {
            let options = CallOptions {
                key: key.clone(),
                gives_up: self.gives_up(),
                ..CallOptions::default()
            };
            let result = self.call(operation.clone(), options).await;
            let is_open = match result {
                CallResult::Answered { status, .. } => status >= 500,
                CallResult::Lost(_) => true,
            };
            let goes_on = self.chance(75);
            let pause = millis(&mut self.rng, 20, 700);
            repeats += 1;
            if !is_open || !goes_on || repeats == REPEATS || self.recorder.is_closed() {
                return result;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Now and then a client gives up before the answer arrives.
    fn gives_up(&mut self) -> Option<Duration> {
        self.chance(4).then(|| millis(&mut self.rng, 3, 300))
    }
}

fn moderator(first: u64, count: u64) -> Option<ModeratorId> {
    ModeratorId::new(first + count)
}
