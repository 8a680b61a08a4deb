//! Lists, exports and single bans: all say the same, each ban once, and none that was made is missing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use super::evidence::{id_of, is_expiry};
use crate::history::{Call, Ending, History, Millis, Outcome, What};

/// How long a list or an export may trail a ban.
const TRAILS: Millis = 5_000;

/// Everything that is wrong with what is on record.
pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(problem) = &history.stream {
        findings.push(bare(problem.clone()));
    }
    for (workspace, ending) in history.endings.iter().enumerate() {
        let records = Records {
            history,
            workspace,
            ending,
        };
        records.told_alike(&mut findings);
        records.each_once(&mut findings);
        records.nothing_lost(&mut findings);
        records.nothing_missed(&mut findings);
        records.numbered(&mut findings);
        for problem in &ending.stored {
            findings.push(bare(format!(
                "what is stored of workspace {workspace} does not fit together: {problem}"
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
    ending: &'a Ending,
}

fn guid(ban: &Value) -> Option<&str> {
    ban.get("guid")?.as_str()
}

fn guids(list: &[Value]) -> BTreeSet<&str> {
    list.iter().filter_map(guid).collect()
}

impl Records<'_> {
    fn calls(&self) -> impl Iterator<Item = &Call> {
        let calls = self.history.calls.iter();
        calls.filter(|call| call.workspace == self.workspace)
    }

    /// The list, both exports and each ban by itself say the same.
    fn told_alike(&self, findings: &mut Vec<Finding>) {
        let (ending, workspace) = (self.ending, self.workspace);
        let mut differ = |what: &str, how: String| {
            findings.push(bare(format!(
                "in workspace {workspace} {what} differs from the list of bans: {how}"
            )));
        };
        let by_guid = |list: &[Value]| -> BTreeMap<String, Value> {
            let bans = list.iter();
            bans.filter_map(|ban| Some((guid(ban)?.to_owned(), ban.clone())))
                .collect()
        };
        let (listed, exported) = (by_guid(&ending.bans), by_guid(&ending.json));
        for (guid, ban) in &listed {
            match exported.get(guid) {
                None => differ("the JSON export", format!("{guid} is missing")),
                Some(other) if other != ban => {
                    differ("the JSON export", format!("{other} instead of {ban}"));
                }
                Some(_) => {}
            }
            let single = ending.decisions.get(guid);
            let fields = ban.as_object().into_iter().flatten();
            for (name, value) in fields {
                let shown = single.and_then(|single| single.get(name));
                if shown != Some(value) {
                    differ(
                        "the ban by itself",
                        format!("{guid} has {name} {shown:?} instead of {value}"),
                    );
                }
            }
        }
        for guid in exported.keys().filter(|guid| !listed.contains_key(*guid)) {
            differ("the JSON export", format!("{guid} is in it alone"));
        }
        let rows: Vec<_> = ending
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
            differ("the CSV export", format!("{guid} is in it alone"));
        }
        for row in &ending.csv {
            let ban = row.get("guid").and_then(|guid| listed.get(guid));
            let plain = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            for (name, value) in ban.and_then(Value::as_object).into_iter().flatten() {
                if row.get(name) != Some(&plain(value)) {
                    differ("the CSV export", format!("{row:?} has another {name}"));
                }
            }
        }
    }

    /// No list or export shows a ban twice, and no two bans share a number.
    fn each_once(&self, findings: &mut Vec<Finding>) {
        let mut uids = BTreeMap::new();
        for ban in &self.ending.bans {
            let uid = ban.get("uid").and_then(Value::as_u64);
            if let Some(other) = uids.insert(uid, ban) {
                findings.push(bare(format!("a number was given twice: {ban} and {other}")));
            }
        }
        // What is read of the log has rules of its own.
        let lists = self.calls().filter(|call| !call.what.is_events());
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
        let rows = self.ending.csv.len();
        let distinct: BTreeSet<_> = self.ending.csv.iter().map(|row| row.get("guid")).collect();
        if distinct.len() < rows {
            findings.push(bare("the CSV export has a ban twice".to_owned()));
        }
    }

    /// Every ban that an answer ever showed is on record.
    fn nothing_lost(&self, findings: &mut Vec<Finding>) {
        let recorded = guids(&self.ending.bans);
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
                        sentence: format!("the ban {guid} was answered and is lost"),
                        proof: self.history.proof([call]),
                    });
                }
            }
        }
    }

    /// A list or an export during the run has every ban that had been shown some time before.
    fn nothing_missed(&self, findings: &mut Vec<Finding>) {
        let mut first_shown: BTreeMap<&str, &Call> = BTreeMap::new();
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
            let Outcome::Answered {
                status: 200, body, ..
            } = &call.outcome
            else {
                continue;
            };
            let listed: BTreeSet<String> = match &call.what {
                What::Bans | What::ExportJson => {
                    let list = body.get("list").and_then(Value::as_array);
                    let bans = list.into_iter().flatten();
                    bans.filter_map(|ban| guid(ban).map(str::to_owned))
                        .collect()
                }
                What::ExportCsv => crate::ending::rows(body.as_str().unwrap_or_default())
                    .into_iter()
                    .filter_map(|mut row| row.remove("guid"))
                    .collect(),
                _ => continue,
            };
            let long_ago = |shown: &Call| shown.ended.saturating_add(TRAILS) < call.started;
            let missing = first_shown
                .iter()
                .find(|(guid, shown)| long_ago(shown) && !listed.contains(**guid));
            if let Some((guid, shown)) = missing {
                findings.push(Finding {
                    sentence: format!("a list or an export lacks the ban {guid}, made before"),
                    proof: self.history.proof([*shown, call]),
                });
            }
        }
    }

    /// The decisions on a ban are told in order and without a gap.
    fn numbered(&self, findings: &mut Vec<Finding>) {
        for (guid, ban) in &self.ending.decisions {
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
                    "the decisions on the ban {guid} are told as {ids:?}, not in order"
                )));
            }
        }
    }
}
