//! The log of events: each decision and each ban that ran out once, in their order, and the same to
//! everybody who reads it, whenever that is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use super::evidence::{id_of, is_expiry, number_of};
use super::orders::until;
use crate::history::{Call, Ending, History, Millis, Outcome, What};

/// How long what is read of the log may trail what others have read of it.
const TRAILS: Millis = 5_000;

/// Everything that is wrong with the logs.
pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, ending) in history.endings.iter().enumerate() {
        let log = Log {
            history,
            workspace,
            ending,
        };
        log.is_the_history(&mut findings);
        log.has_no_gaps(&mut findings);
        log.has_what_was_due(&mut findings);
        log.is_in_order(&mut findings);
        log.was_read(&mut findings);
        findings.extend(ending.thinned.iter().map(|wrong| log.finding(wrong)));
    }
    findings
}

struct Log<'a> {
    history: &'a History,
    workspace: usize,
    ending: &'a Ending,
}

impl<'a> Log<'a> {
    fn finding(&self, sentence: &str) -> Finding {
        Finding {
            sentence: format!("in the log of workspace {} {sentence}", self.workspace),
            proof: Vec::new(),
        }
    }

    fn ids(&self) -> impl Iterator<Item = &'a str> {
        self.ending.log.iter().filter_map(id_of)
    }

    /// The events of each ban by itself, in the order in which they came about.
    fn bans(&self) -> impl Iterator<Item = (&'a str, Vec<&'a Value>)> {
        self.ending.decisions.iter().map(|(guid, ban)| {
            let events = ban.get("events").and_then(Value::as_array);
            let mut events: Vec<_> = events.into_iter().flatten().collect();
            events.sort_by_key(|event| (number_of(event), is_expiry(event)));
            (guid.as_str(), events)
        })
    }

    /// It holds what the bans' own histories hold, each once and told alike, and nothing else.
    fn is_the_history(&self, findings: &mut Vec<Finding>) {
        let mut of_bans: BTreeMap<&str, &Value> = BTreeMap::new();
        for event in self.bans().flat_map(|(_, events)| events) {
            of_bans.extend(id_of(event).map(|id| (id, event)));
        }
        let mut told = BTreeSet::new();
        for event in &self.ending.log {
            let id = id_of(event).unwrap_or_default();
            if !told.insert(id) {
                findings.push(self.finding(&format!("the event {id} stands twice")));
            }
            match of_bans.get(id) {
                None => findings.push(self.finding(&format!(
                    "there is {event}, which the history of its ban lacks"
                ))),
                Some(other) if *other != event => findings.push(self.finding(&format!(
                    "there is {event}, which the history of its ban tells as {other}"
                ))),
                Some(_) => {}
            }
        }
        for (id, event) in of_bans.iter().filter(|(id, _)| !told.contains(*id)) {
            findings.push(self.finding(&format!("{id} is missing: {event}")));
        }
    }

    /// The places of the events are 1, 2, 3 …, and it is told in this order.
    fn has_no_gaps(&self, findings: &mut Vec<Finding>) {
        let mut places: Vec<_> = self.ending.places.iter().collect();
        places.sort();
        let numbers: Vec<_> = places
            .iter()
            .map(|(at, _)| at.unwrap_or_default())
            .collect();
        let expected = (1_u64..).take(numbers.len());
        if !numbers.iter().copied().eq(expected) {
            let wrong = (1_u64..).zip(&numbers).find(|(at, found)| at != *found);
            findings.push(self.finding(&format!(
                "the places are not those from 1 to {}: {wrong:?} is the first that differs",
                numbers.len()
            )));
        }
        let stored = places.iter().map(|(_, id)| id.as_str());
        if !stored.eq(self.ids()) {
            findings.push(self.finding("the events are told in another order than they stand"));
        }
    }

    /// It says of every ban that ran out that it did, and of no other.
    fn has_what_was_due(&self, findings: &mut Vec<Finding>) {
        let now = self.ending.at / 1_000;
        let skew = self.history.skew / 1_000;
        for (guid, events) in self.bans() {
            let mut before: Option<&Value> = None;
            for event in &events {
                if is_expiry(event) {
                    let created = event.get("created").and_then(Value::as_u64);
                    let due = before.and_then(runs_out).filter(|at| *at <= now + skew);
                    if due.is_none() || due != created {
                        findings.push(self.finding(&format!(
                            "the ban {guid} ran out, which it did not: {event} after {before:?}"
                        )));
                    }
                }
                before = Some(event);
            }
            let last = events.last().filter(|event| !is_expiry(event));
            let due = last.and_then(|event| runs_out(event));
            if due.is_some_and(|at| at + skew < now) {
                findings.push(self.finding(&format!(
                    "nothing says that the ban {guid} ran out, which ends in {last:?}"
                )));
            }
        }
    }

    /// The events of a ban are in their order, and those of a user in that of the calls that decided.
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
        let mut of_user: BTreeMap<u64, Vec<(&Value, Period<'_>)>> = BTreeMap::new();
        for event in self.ending.log.iter().filter(|event| !is_expiry(event)) {
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
                        "{:?} comes before {:?}, though it was decided later",
                        id_of(other),
                        id_of(event)
                    ))
                });
            }
            earlier.push((event, period));
        }
    }

    /// When a decision was made, by the calls that can have made it.
    fn decided(&self, event: &Value, user: u64) -> Option<Period<'a>> {
        let by = event.pointer("/actor/moderator").and_then(Value::as_u64);
        let created = event.get("created")?.as_u64()?.saturating_mul(1_000);
        let skew = self.history.skew;
        let calls = self.history.calls.iter().filter(|call| {
            call.workspace == self.workspace
                && call.what.is_write()
                && call.what.user().is_some_and(|on| on.get() == user)
                && call.what.moderator() == by
                && call.started <= created + 1_000 + skew
                && created <= until(call) + skew
        });
        let calls: Vec<_> = calls.collect();
        let first = calls.iter().min_by_key(|call| call.started)?;
        let last = calls.iter().max_by_key(|call| until(call))?;
        Some(Period {
            first,
            from: first.started,
            last,
            to: until(last),
        })
    }

    /// Whoever read it from a place on was given what stands from there on, leaving nothing out.
    fn was_read(&self, findings: &mut Vec<Finding>) {
        let calls = self.history.calls.iter();
        let calls = calls.filter(|call| call.workspace == self.workspace);
        // How many events come before a cursor, and until when who had read how far.
        let mut before: BTreeMap<&str, usize> = BTreeMap::new();
        let mut read: Vec<(Millis, usize)> = Vec::new();
        for call in calls {
            let (What::Events { cursor, limit }, Some((list, next))) = (&call.what, page(call))
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
            let stands = self.ending.log.get(from..to).unwrap_or_default();
            if stands != list {
                let at = list
                    .iter()
                    .zip(stands)
                    .position(|(told, stands)| told != stands);
                let at = at.unwrap_or(stands.len());
                found(&format!(
                    "somebody read {:?} after {} events, where {:?} stands",
                    list.get(at),
                    from + at,
                    stands.get(at),
                ));
                continue;
            }
            let shown = read
                .iter()
                .filter(|(ended, _)| ended + TRAILS < call.started);
            let shown = shown.map(|(_, to)| *to).max().unwrap_or_default();
            if list.len() > *limit || (list.len() < *limit && to < shown) {
                found(&format!(
                    "{} events were read where {limit} were asked for and {} were there",
                    list.len(),
                    shown.saturating_sub(from),
                ));
            }
            if *before.entry(next).or_insert(to) != to {
                found("one cursor leads to two places");
            }
            read.push((call.ended, to));
        }
    }
}

/// When calls can have decided something.
struct Period<'a> {
    first: &'a Call,
    from: Millis,
    last: &'a Call,
    to: Millis,
}

/// What was read of the log, and the cursor after it.
fn page(call: &Call) -> Option<(&[Value], &str)> {
    match &call.outcome {
        Outcome::Answered {
            status: 200, body, ..
        } => Some((
            body.get("list")?.as_array()?.as_slice(),
            body.get("nextCursor")?.as_str()?,
        )),
        _ => None,
    }
}

/// When a ban runs out that is in force after an event.
fn runs_out(event: &Value) -> Option<u64> {
    let is_in_force = event.get("event")? != "GAME_UNBANNED";
    let expires = event.pointer("/data/expires")?.as_u64()?;
    (is_in_force && expires > 0).then_some(expires)
}
