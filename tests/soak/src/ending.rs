//! What the product says when it is over: faults off, stream dealt with, nobody calling.

use std::collections::BTreeMap;
use std::time::Duration;

use end_to_end::audit;
use end_to_end::stored::Stored;
use serde_json::Value;
use shared::domain::ids::UserId;
use shared::domain::rules::Length;

use crate::history::{Call, Ending, Millis, Outcome, Place, What};
use crate::schedules::{EACH_MINUTE, EXPIRE};
use crate::stage::{Manner, Stage};

/// A ban that ends later than this after the last call is none that runs out by itself in a run.
const LONG: Millis = 600_000;

/// How often something is asked that is answered 503 for a moment.
const TRIES: usize = 5;

/// How many events of the log are read at a time.
const PAGE: usize = 100;

/// Waits until every temporary ban has run out, by any of the clocks.
pub async fn let_bans_run_out(stage: &Stage<'_>, skew: Millis) {
    let now = stage.now();
    let calls = stage.calls();
    let ends = calls.iter().filter_map(|call| runs_out(call, skew));
    let last = ends.filter(|at| *at < now + LONG).max().unwrap_or(now);
    let until = last.max(now) + skew + 1_500;
    tokio::time::sleep(Duration::from_millis(until.saturating_sub(stage.now()))).await;
}

fn runs_out(call: &Call, skew: Millis) -> Option<Millis> {
    let What::Ban { request, .. } = &call.what else {
        return None;
    };
    match request.length {
        Length::Permanent => None,
        Length::Until(at) => Some(at.0 * 1_000),
        Length::For(seconds) => Some(call.ended + skew + seconds * 1_000),
    }
}

/// Asks one workspace for everything.
pub async fn ask(
    stage: &Stage<'_>,
    number: usize,
    place: &Place,
    users: impl Iterator<Item = UserId>,
) -> Ending {
    let mut ending = Ending {
        at: stage.now(),
        ..Ending::default()
    };
    let asking = Asking { stage, number };
    ending.bans = asking.list(What::Bans).await;
    ending.json = asking.list(What::ExportJson).await;
    let text = asking.ask(What::ExportCsv).await;
    ending.csv = rows(text.as_str().unwrap_or_default());
    for ban in &ending.bans {
        let Some(guid) = ban.get("guid").and_then(Value::as_str) else {
            continue;
        };
        let decisions = asking.ask(What::Decisions(guid.to_owned())).await;
        ending.decisions.insert(guid.to_owned(), decisions);
    }
    ending.log = asking.log().await;
    let users: Vec<_> = users.collect();
    let Some(workspace) = stage.workspaces.get(number) else {
        return ending;
    };
    for experience in &place.experiences {
        let bans = workspace.pending_bans(experience.get()).await;
        let unbans = workspace.pending_unbans(experience.get()).await;
        ending.pending_bans.insert(*experience, bans);
        ending.pending_unbans.insert(*experience, unbans);
        for user in &users {
            let check = asking.ask(What::Check(*user, *experience)).await;
            ending.checks.insert((*user, *experience), check);
        }
    }
    ending.stored = audit::problems(workspace).await;
    ending.places = Stored::read(workspace).await.places();
    ending
}

struct Asking<'a> {
    stage: &'a Stage<'a>,
    number: usize,
}

impl Asking<'_> {
    /// The whole log.
    async fn log(&self) -> Vec<Value> {
        let (mut log, mut cursor) = (Vec::new(), None);
        loop {
            let limit = PAGE;
            let mut page = self.ask(What::Events { cursor, limit }).await;
            match page.get_mut("list").map(Value::take) {
                Some(Value::Array(events)) if !events.is_empty() => log.extend(events),
                _ => return log,
            }
            let next = page.get("nextCursor").and_then(Value::as_str);
            cursor = next.map(str::to_owned);
        }
    }

    async fn ask(&self, what: What) -> Value {
        for _ in 0..TRIES {
            let manner = Manner::default();
            let outcome = self
                .stage
                .call(self.number, "the auditor", what.clone(), manner)
                .await;
            if let Outcome::Answered {
                status: 200, body, ..
            } = outcome
            {
                return body;
            }
        }
        Value::Null
    }

    async fn list(&self, what: What) -> Vec<Value> {
        let mut answer = self.ask(what).await;
        match answer.get_mut("list").map(Value::take) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        }
    }
}

/// Records of every ban that has run out that it has, as the schedule does each minute; or why that
/// cannot be.
pub async fn record_expiries(stage: &Stage<'_>) -> Option<String> {
    let recorded = stage.app.try_run_schedule(EXPIRE, EACH_MINUTE).await;
    recorded.err()
}

/// The rows of a CSV file by the names of their columns.
pub fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().filter_map(Result::ok).collect()
}
