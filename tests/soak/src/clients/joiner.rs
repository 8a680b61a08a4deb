//! An operator who joins a place to a root and takes it out again, over and over. The command is killed at
//! times and started again, or the join is abandoned.

mod command;

use std::time::Duration;

use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, WorkspacePrefix};
use shared::domain::places::Join;

use super::Client;
use crate::history::{JoinRecord, Millis};
use crate::plan::{ANNOUNCED, JOINING, LINK_TTL, PART, ROOT, millis};
use command::Command;

/// How often to look at the link.
const TICK: Duration = Duration::from_millis(100);

/// How long a join takes at least.
pub const TAKES: Millis = 2 * ANNOUNCED;

/// Joins and leaves until the run is over, and takes out a place whose join is not complete by then.
/// Returns all joins.
pub async fn join(client: Client<'_>) -> Option<Vec<JoinRecord>> {
    let workspace = client.recorder.workspaces.get(JOINING)?;
    let mut joiner = Joiner {
        prefix: workspace.id().prefix(),
        part: ExperienceId::new(PART)?,
        root: ExperienceId::new(ROOT)?,
        looked: client.recorder.now(),
        client,
        joins: Vec::new(),
    };
    joiner.look().await;
    while !joiner.client.recorder.is_closed() {
        joiner.join().await;
        joiner.idle(2_000, 8_000).await;
        joiner.leave().await;
        joiner.idle(LINK_TTL / 2, 2 * LINK_TTL).await;
    }
    joiner.end().await;
    Some(joiner.joins)
}

struct Joiner<'a> {
    client: Client<'a>,
    prefix: WorkspacePrefix,
    part: ExperienceId,
    root: ExperienceId,
    /// When it last looked at the link.
    looked: Millis,
    joins: Vec<JoinRecord>,
}

impl Joiner<'_> {
    /// The join that has not ended.
    fn current(&mut self) -> Option<&mut JoinRecord> {
        self.joins.last_mut().filter(|join| join.left.is_none())
    }

    fn is_joined(&mut self) -> bool {
        self.current().is_some_and(|join| join.completed.is_some())
    }

    /// Runs the command until the place has joined; abandons it at times.
    async fn join(&mut self) {
        let (part, root) = (self.part.to_string(), self.root.to_string());
        let arguments = ["experience", "join", &part, "--root", &root, "--yes"];
        while !self.is_joined() && !self.client.recorder.is_closed() {
            let limit = self.kills_after();
            self.run(&arguments, limit).await;
            if !self.is_joined() && self.client.chance(8) {
                return;
            }
            self.idle(20, 400).await;
        }
    }

    /// After how long the next command is killed, if it is: at any time, or while it carries users over.
    fn kills_after(&mut self) -> Option<Duration> {
        let now = self.client.recorder.now();
        let carries = self.current().map(|join| join.announced + TAKES);
        let left = carries.unwrap_or(now + TAKES).saturating_sub(now);
        let rng = &mut self.client.rng;
        match rng.u8(..10) {
            0..2 => Some(millis(rng, 50, 4_000)),
            2..6 => Some(Duration::from_millis(left) + millis(rng, 50, 600)),
            _ => None,
        }
    }

    async fn leave(&mut self) {
        let part = self.part.to_string();
        let arguments = ["experience", "leave", &part, "--yes"];
        while self.current().is_some() && !self.client.recorder.is_closed() {
            let limit = self.client.chance(30);
            let limit = limit.then(|| millis(&mut self.client.rng, 20, 300));
            self.run(&arguments, limit).await;
            self.idle(20, 400).await;
        }
    }

    /// Runs the command until it ends, is killed or the run is over.
    async fn run(&mut self, arguments: &[&str], limit: Option<Duration>) {
        let recorder = self.client.recorder;
        let Some(mut command) = Command::start(recorder, arguments) else {
            return self.idle(500, 1_000).await;
        };
        let end = limit.map(|limit| tokio::time::Instant::now() + limit);
        while command.runs() && !recorder.is_closed() {
            let now = tokio::time::Instant::now();
            let left = end.map_or(TICK, |end| end.saturating_duration_since(now));
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(left.min(TICK)).await;
            self.look().await;
        }
        drop(command);
        self.look().await;
    }

    /// Looks at the link and records what has changed.
    async fn look(&mut self) {
        let recorder = self.client.recorder;
        let before = recorder.now();
        let Ok(link) = recorder.app.store().linked(self.prefix, self.part).await else {
            return;
        };
        let between = (self.looked, recorder.now());
        let found = link.and_then(|link| link.join);
        let is_other = |join: &JoinRecord| {
            found.is_none_or(|found| found.announced.millis() != join.announced)
        };
        if let Some(known) = self.current().filter(|join| is_other(join)) {
            known.left = Some(between);
        }
        if let Some(found) = found {
            if self.current().is_none() {
                self.joins.push(JoinRecord {
                    workspace: JOINING,
                    part: self.part,
                    root: found.root,
                    announced: found.announced.millis(),
                    written: between,
                    completed: None,
                    left: None,
                });
            }
            if let Some(known) = self.current().filter(|_| found.is_complete) {
                known.completed = known.completed.or(Some(between));
            }
        }
        self.looked = before;
    }

    async fn idle(&mut self, from: u64, to: u64) {
        let recorder = self.client.recorder;
        let end = recorder.now() + self.client.rng.u64(from..to);
        while recorder.now() < end && !recorder.is_closed() {
            tokio::time::sleep(TICK.min(recorder.left())).await;
            self.look().await;
        }
    }

    /// Takes the place out, unless it has joined.
    async fn end(&mut self) {
        let (prefix, part) = (self.prefix, self.part);
        if !self.is_joined()
            && let Some(open) = self.current()
        {
            let join = Join {
                root: open.root,
                announced: UnixMillis::from_millis(open.announced),
                is_complete: false,
            };
            let store = self.client.recorder.app.store();
            // The checker sees from the link whether it has left.
            let _ = store.leave_root(prefix, part, join).await;
        }
        self.look().await;
    }
}
