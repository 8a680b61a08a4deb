//! Asks the product for everything it knows at the end: without faults, with the stream drained and
//! no other caller.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use end_to_end::requests::is_set;
use end_to_end::stored::Stored;
use end_to_end::{audit, evidence};
use serde_json::{Value, json};
use shared::domain::ids::UserId;
use shared::domain::rules::Length;

use crate::clients::SNAPSHOT_READER;
use crate::history::{
    CallResult, EvidenceCall, FinalState, Millis, Operation, RecordedCall, WorkspaceInfo,
};
use crate::recorder::{CallOptions, Recorder};
use crate::schedules::{BUILD, DELIVER, EACH_MINUTE, EXPIRE, MIRROR};
use crate::snapshots;

/// A ban that ends later than this after the last call does not expire within a run.
const LONG: Millis = 600_000;

/// How often to retry a question that gets a transient 503.
const ATTEMPTS: usize = 5;

/// After how many calls in a row without news the follower stops.
const LOOKS: u32 = 3;

const PAGE: usize = 100;

/// How long the last calls may take.
const CALLS_END: Duration = Duration::from_secs(30);

/// How long the last snapshots may take.
const BUILT_WITHIN: Duration = Duration::from_secs(20);

/// Waits until no function works on a call that its client has given up.
pub async fn let_calls_end(recorder: &Recorder<'_>) {
    let end = Instant::now() + CALLS_END;
    let runtime = recorder.app.runtime();
    let is_worker = |function: &str| [DELIVER, MIRROR].contains(&function);
    let is_busy = || {
        let mut names = runtime.names().filter(|function| !is_worker(function));
        names.any(|function| recorder.app.is_busy(function))
    };
    while is_busy() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until every temporary ban has expired on every clock.
pub async fn let_bans_run_out(recorder: &Recorder<'_>, skew: Millis) {
    let now = recorder.now();
    let calls = recorder.calls();
    let ends = calls.iter().filter_map(|call| runs_out(call, skew));
    let last = ends.filter(|at| *at < now + LONG).max().unwrap_or(now);
    let until = last.max(now) + skew + 1_500;
    tokio::time::sleep(Duration::from_millis(until.saturating_sub(recorder.now()))).await;
}

fn runs_out(call: &RecordedCall, skew: Millis) -> Option<Millis> {
    let Operation::Ban { request, .. } = &call.operation else {
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
    recorder: &Recorder<'_>,
    number: usize,
    place: &WorkspaceInfo,
    users: impl Iterator<Item = UserId>,
) -> FinalState {
    let mut final_state = FinalState {
        at: recorder.now(),
        ..FinalState::default()
    };
    let asking = Asking { recorder, number };
    final_state.bans = asking.list(Operation::Bans).await;
    final_state.json = asking.list(Operation::ExportJson).await;
    let text = asking.ask(Operation::ExportCsv).await;
    final_state.csv = rows(text.as_str().unwrap_or_default());
    for ban in &final_state.bans {
        let Some(guid) = ban.get("guid").and_then(Value::as_str) else {
            continue;
        };
        let decisions = asking.ask(Operation::Decisions(guid.to_owned())).await;
        final_state.decisions.insert(guid.to_owned(), decisions);
    }
    final_state.log = asking.log().await;
    asking.follow_to_the_end().await;
    asking.follow_a_snapshot().await;
    let users: Vec<_> = users.collect();
    let Some(workspace) = recorder.workspaces.get(number) else {
        return final_state;
    };
    for experience in &place.experiences {
        let bans = workspace.pending_bans(experience.get()).await;
        let unbans = workspace.pending_unbans(experience.get()).await;
        final_state.pending_bans.insert(*experience, bans);
        final_state.pending_unbans.insert(*experience, unbans);
        for user in &users {
            let check = asking.ask(Operation::Check(*user, *experience)).await;
            final_state.checks.insert((*user, *experience), check);
        }
    }
    final_state.evidence = asking.evidence(&final_state.bans).await;
    let (store, prefix) = (recorder.app.store(), workspace.id().prefix());
    for user in users {
        let activities = store.activities(prefix, user).await;
        let ids = activities.iter().flatten();
        let ids = ids.map(|activity| activity.id.as_str().to_owned());
        final_state.activities.insert(user, ids.collect());
    }
    final_state.stored = audit::problems(workspace).await;
    final_state.places = Stored::read(workspace).await.places();
    final_state
}

struct Asking<'a> {
    recorder: &'a Recorder<'a>,
    number: usize,
}

impl Asking<'_> {
    /// The whole event log.
    async fn log(&self) -> Vec<Value> {
        let (mut log, mut cursor) = (Vec::new(), None);
        loop {
            let limit = PAGE;
            let mut page = self.ask(Operation::Events { cursor, limit }).await;
            match page.get_mut("list").map(Value::take) {
                Some(Value::Array(events)) if !events.is_empty() => log.extend(events),
                _ => return log,
            }
            let next = page.get("nextCursor").and_then(Value::as_str);
            cursor = next.map(str::to_owned);
        }
    }

    /// Continues where the follower stopped, until nothing is new.
    async fn follow_to_the_end(&self) {
        let Some(mut cursor) = self.recorder.last_sync(self.number) else {
            return;
        };
        let mut idle = 0;
        while idle < LOOKS {
            let (limit, last) = (PAGE, cursor.clone());
            let cursor_of_call = Some(cursor.clone());
            let sync = Operation::Sync {
                cursor: cursor_of_call,
                limit,
            };
            let answer = self.ask(sync).await;
            let Some(next) = answer.get("cursor").and_then(Value::as_str) else {
                return;
            };
            next.clone_into(&mut cursor);
            let users = answer.get("userIds").and_then(Value::as_array);
            let is_idle = users.is_some_and(Vec::is_empty) || last == cursor;
            idle = if is_idle { idle + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reads a snapshot, and everything since.
    async fn follow_a_snapshot(&self) {
        let client = SNAPSHOT_READER;
        let snapshot = self.ask_as(client, Operation::Snapshot).await;
        let mut cursor = snapshot
            .get("cursor")
            .and_then(Value::as_str)
            .map(str::to_owned);
        while cursor.is_some() {
            let limit = PAGE;
            let answer = self.ask_as(client, Operation::Sync { cursor, limit }).await;
            let more = answer.get("more").is_some_and(is_set);
            let next = answer.get("cursor").and_then(Value::as_str);
            cursor = next.filter(|_| more).map(str::to_owned);
        }
    }

    /// The listed pieces of evidence with their content.
    async fn evidence(&self, bans: &[Value]) -> BTreeMap<String, Value> {
        let mut pieces = BTreeMap::new();
        for ban in bans {
            let Some(case) = ban.get("guid").and_then(Value::as_str) else {
                continue;
            };
            let user = ban.get("robloxId").and_then(Value::as_u64);
            let (case, user) = (case.to_owned(), user.and_then(UserId::new));
            let list = Operation::Evidence(EvidenceCall::List { case, user });
            for piece in self.list(list).await {
                let guid = piece.get("evidenceGuid").and_then(Value::as_str);
                let guid = guid.unwrap_or_default().to_owned();
                let get = Operation::Evidence(EvidenceCall::Get(guid.clone()));
                let mut piece = self.ask(get).await;
                self.download(&mut piece).await;
                pieces.insert(guid, piece);
            }
        }
        pieces
    }

    /// Adds what the link of a piece leads to.
    async fn download(&self, piece: &mut Value) {
        let link = piece.get("streamUri").and_then(Value::as_str);
        let Some(link) = link.filter(|link| !link.is_empty()) else {
            return;
        };
        let bytes = self.recorder.app.download(link).await;
        let bytes = bytes.map(|bytes| evidence::base64(&bytes));
        if let Some(fields) = piece.as_object_mut() {
            fields.insert("downloaded".to_owned(), json!(bytes));
        }
    }

    async fn ask(&self, operation: Operation) -> Value {
        self.ask_as("the auditor", operation).await
    }

    async fn ask_as(&self, client: &str, operation: Operation) -> Value {
        for _ in 0..ATTEMPTS {
            let options = CallOptions::default();
            let result = self
                .recorder
                .call(self.number, client, operation.clone(), options)
                .await;
            if let CallResult::Answered {
                status: 200, body, ..
            } = result
            {
                return body;
            }
        }
        Value::Null
    }

    async fn list(&self, operation: Operation) -> Vec<Value> {
        let mut answer = self.ask(operation).await;
        match answer.get_mut("list").map(Value::take) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        }
    }
}

/// Records every expiry, as the schedule does each minute; or returns why that failed.
pub async fn record_expiries(recorder: &Recorder<'_>) -> Option<String> {
    let run = recorder.app.try_run_schedule(EXPIRE, EACH_MINUTE).await;
    run.err()
}

/// Builds the snapshots of everything decided so far, as the schedule does; or returns why that failed.
pub async fn build_snapshots(recorder: &Recorder<'_>) -> Option<String> {
    snapshots::make_due(recorder, false).await;
    let run = recorder.app.try_run_schedule(BUILD, EACH_MINUTE).await;
    let quiet = recorder.app.quiet_within(BUILT_WITHIN).await;
    run.err().or(quiet.err())
}

/// The rows of a CSV file by column name.
pub fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().filter_map(Result::ok).collect()
}
