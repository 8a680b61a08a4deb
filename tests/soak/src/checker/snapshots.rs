//! Checks the promise of `/snapshot`: a user who is neither listed nor named by `/sync` since the
//! snapshot's cursor is banned nowhere in the workspace by any decision logged up to that sync.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use shared::domain::banned_users::BannedUsers;

use super::Finding;
use super::evidence::is_activity;
use crate::clients::SNAPSHOT_READER;
use crate::history::{FinalState, History, Millis, Operation, RecordedCall};
use shared::domain::ids::UserId;

/// How many bytes of a cursor precede its position.
const HEAD: usize = 17;

pub fn check(history: &History) -> Vec<Finding> {
    let finals = history.final_states.iter().enumerate();
    finals
        .flat_map(|(workspace, end)| {
            let mut reader = Reader {
                history,
                workspace,
                end,
                at: BTreeMap::new(),
                findings: Vec::new(),
            };
            reader.follow();
            reader.findings
        })
        .collect()
}

/// What a reader knows at a cursor.
#[derive(Clone)]
struct Known<'a> {
    /// The call that returned the snapshot.
    snapshot: &'a RecordedCall,
    /// The listed users, and those named since.
    users: BTreeSet<u64>,
}

struct Reader<'a> {
    history: &'a History,
    workspace: usize,
    end: &'a FinalState,
    /// By cursor.
    at: BTreeMap<String, Known<'a>>,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn follow(&mut self) {
        let (history, workspace) = (self.history, self.workspace);
        let calls = history.calls.iter().chain(&history.asked);
        let own = calls
            .filter(move |call| call.workspace == workspace && call.client == SNAPSHOT_READER)
            .filter(|call| call.status() == Some(200));
        for call in own {
            let Some(body) = call.body() else { continue };
            let known = match &call.operation {
                Operation::Snapshot => {
                    let Some(users) = listed(body) else {
                        self.found("cannot be decoded", [call]);
                        continue;
                    };
                    Known {
                        snapshot: call,
                        users,
                    }
                }
                Operation::Sync {
                    cursor: Some(cursor),
                    ..
                } => {
                    if body.get("reset").is_some_and(end_to_end::requests::is_set) {
                        self.found("is useless: its reader has to start over", [call]);
                        continue;
                    }
                    let Some(mut known) = self.at.get(cursor).cloned() else {
                        continue;
                    };
                    let named = body.get("userIds").and_then(Value::as_array);
                    let named = named.into_iter().flatten().filter_map(Value::as_u64);
                    known.users.extend(named);
                    known
                }
                _ => continue,
            };
            let cursor = body.get("cursor").and_then(Value::as_str);
            let Some((cursor, position)) = cursor.and_then(|at| Some((at, position(at)?))) else {
                self.found("has no cursor", [call]);
                continue;
            };
            if let Some((user, event)) = self.unknown(&known, position, call.ended) {
                let proof = [known.snapshot, call];
                let sentence = format!(
                    "would let {user} in at position {position} of the log, whom this blocks: {event}"
                );
                self.found(&sentence, proof);
            }
            self.at.insert(cursor.to_owned(), known);
        }
    }

    fn found<const N: usize>(&mut self, sentence: &str, proof: [&RecordedCall; N]) {
        self.findings.push(Finding {
            sentence: format!("a snapshot of workspace {} {sentence}", self.workspace),
            proof: self.history.proof(proof),
        });
    }

    /// A user whom the reader does not know, and the decision before this position that blocks them.
    ///
    /// A build reads bans a little later than the log. So a decision counts only if nothing was decided
    /// on its ban before the snapshot was answered, and if the ban is in force by every clock.
    fn unknown(&self, known: &Known<'_>, position: usize, at: Millis) -> Option<(u64, &'a Value)> {
        let skew = self.history.skew;
        let mut last: BTreeMap<&str, (&'a Value, Option<&'a Value>)> = BTreeMap::new();
        let decided = self.end.log.iter().enumerate();
        for (index, event) in decided.filter(|(_, event)| !is_activity(event)) {
            let Some(guid) = event.pointer("/data/guid").and_then(Value::as_str) else {
                continue;
            };
            if index < position {
                last.insert(guid, (event, None));
            } else if let Some((_, next @ None)) = last.get_mut(guid) {
                *next = Some(event);
            }
        }
        let number = |event: &Value, path: &str| event.pointer(path).and_then(Value::as_u64);
        let later_than =
            |seconds: u64, millis: Millis| seconds.saturating_mul(1_000) > millis + skew;
        let mut blocked = last.into_values().filter_map(|(event, next)| {
            let user = number(event, "/data/robloxId")?;
            let expires = number(event, "/data/expires")?;
            let name = event.get("event")?.as_str()?;
            let is_ban = name == "GAME_BANNED" || name == "GAME_BAN_UPDATED";
            let lasts = expires == 0 || later_than(expires, at);
            let was_kept = next.is_none_or(|next| {
                let decided = number(next, "/created").unwrap_or_default();
                later_than(decided, known.snapshot.ended)
            });
            (is_ban && lasts && was_kept && !known.users.contains(&user)).then_some((user, event))
        });
        blocked.next()
    }
}

/// The users that a snapshot lists.
fn listed(body: &Value) -> Option<BTreeSet<u64>> {
    let bytes = STANDARD.decode(body.get("users")?.as_str()?).ok()?;
    let users = BannedUsers::decode(&bytes)?;
    let is_whole = body.get("count")?.as_u64()? == users.count();
    is_whole.then(|| users.iter().map(UserId::get).collect())
}

/// The position in the log of a cursor.
fn position(cursor: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = std::str::from_utf8(bytes.get(HEAD..)?).ok()?;
    text.split('.').nth(1)?.parse().ok()
}
