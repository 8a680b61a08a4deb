//! Checks that lists, exports and single bans agree, hold each ban once, and omit none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use super::evidence::{id_of, is_expiry};
use crate::history::{CallResult, FinalState, History, Millis, Operation, RecordedCall};

/// How long a list or an export may lag behind a ban.
const LAG: Millis = 5_000;

pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(problem) = &history.stream {
        findings.push(bare(problem.clone()));
    }
    for problem in &history.erasures {
        findings.push(bare(format!("after erasures during the run: {problem}")));
    }
    for (workspace, final_state) in history.final_states.iter().enumerate() {
        let records = Records {
            history,
            workspace,
            final_state,
        };
        records.is_same_event(&mut findings);
        records.each_ban_is_listed_once(&mut findings);
        records.no_ban_is_lost(&mut findings);
        records.no_list_omits_a_ban(&mut findings);
        records.numbered(&mut findings);
        for problem in &final_state.stored {
            findings.push(bare(format!(
                "the tables of workspace {workspace} are inconsistent: {problem}"
            )));
        }
    }
    findings
}

fn bare(sentence: String) -> Finding {
    Finding {
        sentence,
        proof: Vec::new(),
    }
}

struct Records<'a> {
    history: &'a History,
    workspace: usize,
    final_state: &'a FinalState,
}

fn guid(ban: &Value) -> Option<&str> {
    ban.get("guid")?.as_str()
}

fn guids(list: &[Value]) -> BTreeSet<&str> {
    list.iter().filter_map(guid).collect()
}

/// Who made the last decision of a ban, as lists show it.
fn last_actor(single: &Value) -> Option<Value> {
    let mut events = single.get("events")?.as_array()?.iter();
    let is_decision = |event: &&Value| {
        let id = event.get("id").and_then(Value::as_str);
        id.is_some_and(|id| !id.ends_with("-expired"))
    };
    let mut actor = events.rfind(is_decision)?.get("actor")?.clone();
    let fields = actor.as_object_mut()?;
    fields.retain(|field, _| matches!(field.as_str(), "type" | "key" | "channel"));
    Some(actor)
}

impl Records<'_> {
    fn calls(&self) -> impl Iterator<Item = &RecordedCall> {
        let calls = self.history.calls.iter();
        calls.filter(|call| call.workspace == self.workspace)
    }

    /// The list, both exports and each single ban agree.
    fn is_same_event(&self, findings: &mut Vec<Finding>) {
        let (final_state, workspace) = (self.final_state, self.workspace);
        let mut differ = |what: &str, how: String| {
            findings.push(bare(format!(
                "in workspace {workspace} {what} differs from the ban list: {how}"
            )));
        };
        let by_guid = |list: &[Value]| -> BTreeMap<String, Value> {
            let bans = list.iter();
            bans.filter_map(|ban| Some((guid(ban)?.to_owned(), ban.clone())))
                .collect()
        };
        let (listed, exported) = (by_guid(&final_state.bans), by_guid(&final_state.json));
        for (guid, ban) in &listed {
            match exported.get(guid) {
                None => differ("the JSON export", format!("{guid} is missing")),
                Some(other) if other != ban => {
                    differ("the JSON export", format!("{other} instead of {ban}"));
                }
                Some(_) => {}
            }
            let single = final_state.decisions.get(guid);
            let fields = ban.as_object().into_iter().flatten();
            for (name, value) in fields {
                let shown = match name.as_str() {
                    "actor" => single.and_then(last_actor),
                    of_ban => single.and_then(|single| single.get(of_ban).cloned()),
                };
                if shown.as_ref() != Some(value) {
                    differ(
                        "the single ban",
                        format!("{guid} has {name} {shown:?} instead of {value}"),
                    );
                }
            }
        }
        for guid in exported.keys().filter(|guid| !listed.contains_key(*guid)) {
            differ("the JSON export", format!("{guid} is only there"));
        }
        let rows: Vec<_> = final_state
            .csv
            .iter()
            .filter_map(|row| row.get("guid"))
            .collect();
        for guid in listed.keys().filter(|guid| !rows.contains(guid)) {
            differ("the CSV export", format!("{guid} is missing"));
        }
        for guid in rows
            .iter()
            .filter(|guid| !listed.contains_key(guid.as_str()))
        {
            differ("the CSV export", format!("{guid} is only there"));
        }
        for row in &final_state.csv {
            let ban = row.get("guid").and_then(|guid| listed.get(guid));
            let plain = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            for (name, value) in ban.and_then(Value::as_object).into_iter().flatten() {
                let (name, value) = match name.as_str() {
                    "actor" => (name, &value["key"]),
                    _ => (name, value),
                };
                if row.get(name) != Some(&plain(value)) {
                    differ("the CSV export", format!("{row:?} has another {name}"));
                }
            }
        }
    }

    /// No list or export shows a ban twice, and no two bans share a number.
    fn each_ban_is_listed_once(&self, findings: &mut Vec<Finding>) {
        let mut uids = BTreeMap::new();
        for ban in &self.final_state.bans {
            let uid = ban.get("uid").and_then(Value::as_u64);
            if let Some(other) = uids.insert(uid, ban) {
                findings.push(bare(format!("two bans share a number: {ban} and {other}")));
            }
        }
        // The event log and lists of evidence have their own rules.
        let is_other = |operation: &Operation| {
            operation.is_events() || matches!(operation, Operation::Evidence(_))
        };
        let lists = self.calls().filter(|call| !is_other(&call.operation));
        for call in lists {
            let Some(list) = call.body().and_then(|body| body.get("list")?.as_array()) else {
                continue;
            };
            let (seen, shown) = (guids(list).len(), list.len());
            if seen < shown {
                findings.push(Finding {
                    sentence: format!("a list shows {} bans twice", shown - seen),
                    proof: self.history.proof([call]),
                });
            }
        }
        let rows = self.final_state.csv.len();
        let distinct: BTreeSet<_> = self
            .final_state
            .csv
            .iter()
            .map(|row| row.get("guid"))
            .collect();
        if distinct.len() < rows {
            findings.push(bare("the CSV export has a ban twice".to_owned()));
        }
    }

    /// Every ban that appeared in any response is on record.
    fn no_ban_is_lost(&self, findings: &mut Vec<Finding>) {
        let recorded = guids(&self.final_state.bans);
        let mut told = BTreeSet::new();
        for call in self.calls() {
            let Some(body) = call.body() else { continue };
            let list = body.get("list").and_then(Value::as_array);
            let single = [Some(body), body.get("ban")].into_iter().flatten();
            for ban in single.chain(list.into_iter().flatten()) {
                let Some(guid) = guid(ban).filter(|guid| !recorded.contains(guid)) else {
                    continue;
                };
                if told.insert(guid) {
                    findings.push(Finding {
                        sentence: format!("the ban {guid} was answered but is lost"),
                        proof: self.history.proof([call]),
                    });
                }
            }
        }
    }

    /// A list or export made during the run has every ban shown some time before it.
    fn no_list_omits_a_ban(&self, findings: &mut Vec<Finding>) {
        let mut first_shown: BTreeMap<&str, &RecordedCall> = BTreeMap::new();
        for call in self.calls() {
            let Some(ban) = call.body().and_then(|body| guid(body.get("ban")?)) else {
                continue;
            };
            let first = first_shown.entry(ban).or_insert(call);
            if call.ended < first.ended {
                *first = call;
            }
        }
        for call in self.calls() {
            let CallResult::Answered {
                status: 200, body, ..
            } = &call.result
            else {
                continue;
            };
            let listed: BTreeSet<String> = match &call.operation {
                Operation::Bans | Operation::ExportJson => {
                    let list = body.get("list").and_then(Value::as_array);
                    let bans = list.into_iter().flatten();
                    bans.filter_map(|ban| guid(ban).map(str::to_owned))
                        .collect()
                }
                Operation::ExportCsv => crate::final_state::rows(body.as_str().unwrap_or_default())
                    .into_iter()
                    .filter_map(|mut row| row.remove("guid"))
                    .collect(),
                _ => continue,
            };
            let long_ago = |shown: &RecordedCall| shown.ended.saturating_add(LAG) < call.started;
            let missing = first_shown
                .iter()
                .find(|(guid, shown)| long_ago(shown) && !listed.contains(**guid));
            if let Some((guid, shown)) = missing {
                findings.push(Finding {
                    sentence: format!("a list or export omits the ban {guid}, made before it"),
                    proof: self.history.proof([*shown, call]),
                });
            }
        }
    }

    /// The decisions on a ban are in order and without a gap.
    fn numbered(&self, findings: &mut Vec<Finding>) {
        for (guid, ban) in &self.final_state.decisions {
            let events = ban.get("events").and_then(Value::as_array);
            let ids: Vec<_> = events
                .into_iter()
                .flatten()
                .filter(|event| !is_expiry(event))
                .filter_map(id_of)
                .collect();
            let expected: Vec<_> = (1..=ids.len()).map(|n| format!("{guid}-{n}")).collect();
            if ids.is_empty() || ids != expected {
                findings.push(bare(format!(
                    "the decisions on the ban {guid} are listed as {ids:?}, not in order"
                )));
            }
        }
    }
}
