//! Checks the event log: it holds each decision, expiry and activity once and in order, and every
//! reader gets the same events.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use super::evidence::{id_of, is_activity, is_expiry, number_of};
use super::linearizability::until;
use super::places::join_of;
use crate::history::{CallResult, FinalState, History, Millis, Operation, RecordedCall};

/// How long a reader may lag behind what other readers got.
const LAG: Millis = 5_000;

pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, final_state) in history.final_states.iter().enumerate() {
        let log = Log {
            history,
            workspace,
            final_state,
        };
        log.matches_the_histories(&mut findings);
        log.has_no_gaps(&mut findings);
        log.has_every_expiry(&mut findings);
        log.is_in_order(&mut findings);
        log.was_read_correctly(&mut findings);
        findings.extend(
            final_state
                .after_erasure
                .iter()
                .map(|wrong| log.finding(wrong)),
        );
    }
    findings
}

struct Log<'a> {
    history: &'a History,
    workspace: usize,
    final_state: &'a FinalState,
}

impl<'a> Log<'a> {
    fn finding(&self, sentence: &str) -> Finding {
        Finding {
            sentence: format!("in the log of workspace {} {sentence}", self.workspace),
            proof: Vec::new(),
        }
    }

    fn ids(&self) -> impl Iterator<Item = &'a str> {
        self.final_state.log.iter().filter_map(id_of)
    }

    /// The events of each ban, in order.
    fn bans(&self) -> impl Iterator<Item = (&'a str, Vec<&'a Value>)> {
        self.final_state.decisions.iter().map(|(guid, ban)| {
            let events = ban.get("events").and_then(Value::as_array);
            let mut events: Vec<_> = events.into_iter().flatten().collect();
            events.sort_by_key(|event| (number_of(event), is_expiry(event)));
            (guid.as_str(), events)
        })
    }

    /// The log holds exactly the decisions of the bans' histories, each once and unaltered.
    fn matches_the_histories(&self, findings: &mut Vec<Finding>) {
        let mut of_bans: BTreeMap<&str, &Value> = BTreeMap::new();
        for event in self.bans().flat_map(|(_, events)| events) {
            of_bans.extend(id_of(event).map(|id| (id, event)));
        }
        let mut told = BTreeSet::new();
        for event in &self.final_state.log {
            let id = id_of(event).unwrap_or_default();
            if !told.insert(id) {
                findings.push(self.finding(&format!("the event {id} appears twice")));
            }
            match of_bans.get(id) {
                None if is_activity(event) => {}
                None => findings
                    .push(self.finding(&format!("{event} is missing from the history of its ban"))),
                Some(other) if *other != event => findings.push(self.finding(&format!(
                    "{event} is logged, but the history of its ban has {other}"
                ))),
                Some(_) => {}
            }
        }
        for (id, event) in of_bans.iter().filter(|(id, _)| !told.contains(*id)) {
            findings.push(self.finding(&format!("{id} is missing: {event}")));
        }
    }

    /// Log positions are 1, 2, 3 …, and the events are listed in that order.
    fn has_no_gaps(&self, findings: &mut Vec<Finding>) {
        let mut places: Vec<_> = self.final_state.places.iter().collect();
        places.sort();
        let numbers: Vec<_> = places
            .iter()
            .map(|(at, _)| at.unwrap_or_default())
            .collect();
        let expected = (1_u64..).take(numbers.len());
        if !numbers.iter().copied().eq(expected) {
            let wrong = (1_u64..).zip(&numbers).find(|(at, found)| at != *found);
            findings.push(self.finding(&format!(
                "the positions are not 1 to {}: {wrong:?} is the first that differs",
                numbers.len()
            )));
        }
        let stored = places.iter().map(|(_, id)| id.as_str());
        if !stored.eq(self.ids()) {
            findings.push(self.finding("the events are not listed in log order"));
        }
    }

    /// The log holds an expiry for every ban that expired, and for no other.
    fn has_every_expiry(&self, findings: &mut Vec<Finding>) {
        let now = self.final_state.at / 1_000;
        let skew = self.history.skew / 1_000;
        for (guid, events) in self.bans() {
            let mut before: Option<&Value> = None;
            for event in &events {
                if is_expiry(event) {
                    let created = event.get("created").and_then(Value::as_u64);
                    let due = before.and_then(runs_out).filter(|at| *at <= now + skew);
                    if due.is_none() || due != created {
                        findings.push(self.finding(&format!(
                            "an expiry of the ban {guid} is logged, but it did not expire: {event} after {before:?}"
                        )));
                    }
                }
                before = Some(event);
            }
            let last = events.last().filter(|event| !is_expiry(event));
            let due = last.and_then(|event| runs_out(event));
            if due.is_some_and(|at| at + skew < now) {
                findings.push(self.finding(&format!(
                    "no expiry of the ban {guid} is logged, which ends in {last:?}"
                )));
            }
        }
    }

    /// The events of a ban are in order, and those of a user are in the order of the calls that
    /// decided.
    fn is_in_order(&self, findings: &mut Vec<Finding>) {
        let place: BTreeMap<&str, usize> = self.ids().zip(0..).collect();
        let place_of = |event: &Value| place.get(id_of(event)?).copied();
        for (guid, events) in self.bans() {
            let places: Vec<_> = events.iter().filter_map(|event| place_of(event)).collect();
            if !places.is_sorted() {
                findings.push(self.finding(&format!(
                    "the events of the ban {guid} are out of order: {places:?}"
                )));
            }
        }
        let mut of_user: BTreeMap<u64, Vec<(&Value, FaultPeriod<'_>)>> = BTreeMap::new();
        for event in self
            .final_state
            .log
            .iter()
            .filter(|event| !is_expiry(event))
        {
            let user = event.pointer("/data/robloxId").and_then(Value::as_u64);
            let period = user.and_then(|user| self.decided(event, user));
            let (Some(user), Some(period)) = (user, period) else {
                continue;
            };
            let earlier = of_user.entry(user).or_default();
            let wrong = earlier.iter().find(|(_, other)| period.to < other.from);
            if let Some((other, calls)) = wrong {
                findings.push(Finding {
                    proof: self.history.proof([calls.first, period.last]),
                    ..self.finding(&format!(
                        "{:?} comes before {:?}, although it was decided later",
                        id_of(other),
                        id_of(event)
                    ))
                });
            }
            earlier.push((event, period));
        }
    }

    /// When a decision was made, derived from the calls that can have made it.
    fn decided(&self, event: &Value, user: u64) -> Option<FaultPeriod<'a>> {
        if join_of(event).is_some() {
            // No call decided it.
            return None;
        }
        let by = event.pointer("/actor/moderator").and_then(Value::as_u64);
        let created = event.get("created")?.as_u64()?.saturating_mul(1_000);
        let skew = self.history.skew;
        let calls = self.history.calls.iter().filter(|call| {
            call.workspace == self.workspace
                && call.operation.is_write()
                && call.operation.user().is_some_and(|on| on.get() == user)
                && call.operation.moderator() == by
                && call.started <= created + 1_000 + skew
                && created <= until(call) + skew
        });
        let calls: Vec<_> = calls.collect();
        let first = calls.iter().min_by_key(|call| call.started)?;
        let last = calls.iter().max_by_key(|call| until(call))?;
        Some(FaultPeriod {
            first,
            from: first.started,
            last,
            to: until(last),
        })
    }

    /// A reader who continued from a cursor got every event after it, without gaps.
    fn was_read_correctly(&self, findings: &mut Vec<Finding>) {
        let calls = self.history.calls.iter();
        let calls = calls.filter(|call| call.workspace == self.workspace);
        // How many events precede a cursor, and until when which reader got how far.
        let mut before: BTreeMap<&str, usize> = BTreeMap::new();
        let mut read: Vec<(Millis, usize)> = Vec::new();
        for call in calls {
            let (Operation::Events { cursor, limit }, Some((list, next))) =
                (&call.operation, page(call))
            else {
                continue;
            };
            let from = match cursor {
                None => Some(0),
                Some(cursor) => before.get(cursor.as_str()).copied(),
            };
            let Some(from) = from else { continue };
            let mut found = |sentence: &str| {
                findings.push(Finding {
                    proof: self.history.proof([call]),
                    ..self.finding(sentence)
                });
            };
            let to = from + list.len();
            let stands = self.final_state.log.get(from..to).unwrap_or_default();
            if stands != list {
                let at = list
                    .iter()
                    .zip(stands)
                    .position(|(told, stands)| told != stands);
                let at = at.unwrap_or(stands.len());
                found(&format!(
                    "a reader got {:?} after {} events instead of {:?}",
                    list.get(at),
                    from + at,
                    stands.get(at),
                ));
                continue;
            }
            let shown = read.iter().filter(|(ended, _)| ended + LAG < call.started);
            let shown = shown.map(|(_, to)| *to).max().unwrap_or_default();
            if list.len() > *limit || (list.len() < *limit && to < shown) {
                found(&format!(
                    "a page has {} events where {limit} were asked for and {} exist",
                    list.len(),
                    shown.saturating_sub(from),
                ));
            }
            if *before.entry(next).or_insert(to) != to {
                found("one cursor leads to two positions");
            }
            read.push((call.ended, to));
        }
    }
}

/// When calls can have made a decision.
struct FaultPeriod<'a> {
    first: &'a RecordedCall,
    from: Millis,
    last: &'a RecordedCall,
    to: Millis,
}

/// A page of the log, and its cursor.
fn page(call: &RecordedCall) -> Option<(&[Value], &str)> {
    match &call.result {
        CallResult::Answered {
            status: 200, body, ..
        } => Some((
            body.get("list")?.as_array()?.as_slice(),
            body.get("nextCursor")?.as_str()?,
        )),
        _ => None,
    }
}

/// The expiry of a ban that is active after an event.
fn runs_out(event: &Value) -> Option<u64> {
    let is_in_force = event.get("event")? != "GAME_UNBANNED";
    let expires = event.pointer("/data/expires")?.as_u64()?;
    (is_in_force && expires > 0).then_some(expires)
}
