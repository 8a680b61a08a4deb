//! Searches for an order of calls: each call lies between its start and its answer, and each answer
//! is the one that the model gives at that point.
//!
//! A call without a known answer may have happened once, between its start and some time later, or
//! not at all. The search is depth-first; it examines each state with the same remaining calls only
//! once.

use std::collections::HashSet;

use shared::domain::clock::UnixSeconds;

use super::carry_over::CarryOver;
use super::evidence::Evidence;
use super::places::SeenPlace;
use super::world::World;
use crate::history::{Millis, RecordedCall};

/// Something that happened to a user.
#[derive(Clone, Debug)]
pub enum Step<'a> {
    Call(&'a RecordedCall),
    CarryOver(CarryOver),
}

/// A step to be put in order.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub step: Step<'a>,
    /// From when on it may have taken effect.
    pub from: Millis,
    /// When it was answered.
    pub answered: Millis,
    /// Until when it may have taken effect.
    pub until: Millis,
    /// Whether it certainly happened.
    pub must: bool,
    /// The seconds in which it may have been decided, one for each that makes a difference.
    pub moments: Vec<UnixSeconds>,
    /// The moderator it names, if it may decide.
    pub by: Option<u64>,
    /// How its function may have seen the place that it names.
    pub views: Vec<Option<SeenPlace>>,
}

impl Candidate<'_> {
    /// Whether it certainly happened and may have changed something.
    fn may_change(&self) -> bool {
        match self.step {
            Step::Call(call) => call.operation.is_write() && call.status() == Some(200),
            Step::CarryOver(_) => true,
        }
    }
}

#[derive(Clone, Debug)]
pub enum SearchResult {
    /// There is an order.
    Order,
    /// There is an order of the calls, but every one leads to another final state.
    OtherEnd(Vec<String>),
    /// There is no order: this many calls fit, but none of the next calls does, for these reasons.
    None {
        /// How many calls could be put in order.
        fitted: usize,
        /// Which calls could come next, and why they cannot; or why none can.
        stuck: Vec<(Option<usize>, String)>,
    },
    /// The search was abandoned.
    Undecided,
}

#[derive(Debug)]
pub struct Search<'a> {
    candidates: &'a [Candidate<'a>],
    evidence: &'a Evidence,
    looked_at: HashSet<(Vec<bool>, u64)>,
    left: usize,
    fitted: usize,
    stuck: Vec<(Option<usize>, String)>,
    other_end: Option<Vec<String>>,
}

/// A partial order.
#[derive(Clone, Debug)]
struct Node {
    world: World,
    done: Vec<bool>,
    count: usize,
    /// No later call can have happened before this time.
    now: Millis,
}

impl<'a> Search<'a> {
    /// A search over these calls that examines at most `most` states.
    pub fn new(candidates: &'a [Candidate<'a>], evidence: &'a Evidence, most: usize) -> Self {
        Self {
            candidates,
            evidence,
            looked_at: HashSet::new(),
            left: most,
            fitted: 0,
            stuck: Vec::new(),
            other_end: None,
        }
    }

    pub fn run(mut self) -> SearchResult {
        let start = Node {
            world: World::linked(self.evidence),
            done: vec![false; self.candidates.len()],
            count: 0,
            now: 0,
        };
        match self.explore(start) {
            Some(true) => SearchResult::Order,
            None => SearchResult::Undecided,
            Some(false) => match self.other_end {
                Some(differences) => SearchResult::OtherEnd(differences),
                None => SearchResult::None {
                    fitted: self.fitted,
                    stuck: self.stuck,
                },
            },
        }
    }

    /// Whether an order begins with this node; `None` if the budget ran out.
    fn explore(&mut self, mut node: Node) -> Option<bool> {
        self.left = self.left.checked_sub(1)?;
        self.absorb(&mut node);
        if let Some((by, decision)) = self.undecidable(&node) {
            let why = format!("no remaining call can have made {decision}, by {by}");
            self.note(&node, vec![(None, why)]);
            return Some(false);
        }
        if !self.looked_at.insert(self.name(&node)) {
            return Some(false);
        }
        if self.certain_calls(&node).next().is_none() {
            let differences = node.world.differences(self.evidence);
            if differences.is_empty() {
                return Some(true);
            }
            let fewer = |other: &Vec<String>| differences.len() < other.len();
            if self.other_end.as_ref().is_none_or(fewer) {
                self.other_end = Some(differences);
            }
        }
        let mut reasons = Vec::new();
        for at in self.next(&node) {
            let mut states = HashSet::new();
            let Some(step) = self.candidates.get(at) else {
                continue;
            };
            let names = node.world.names(&step.step, self.evidence);
            let ways = step.moments.iter().flat_map(|moment| {
                let names = names.iter();
                names
                    .flat_map(move |name| step.views.iter().map(move |seen| (*moment, *name, seen)))
            });
            for (moment, name, seen) in ways {
                let world = &node.world;
                let played = world.play(&step.step, self.evidence, moment, name, seen.as_ref());
                let played = match played {
                    Ok(played) => played,
                    Err(why) => {
                        let view = seen.map(|seen| format!(", as {:?}", seen.view));
                        reasons.push((Some(at), why + &view.unwrap_or_default()));
                        continue;
                    }
                };
                if !played.changed && !step.must {
                    continue;
                }
                if !states.insert(played.world.digest(self.evidence)) {
                    continue;
                }
                let mut after = node.clone();
                after.take(at, step);
                after.world = played.world;
                if self.explore(after)? {
                    return Some(true);
                }
            }
        }
        if self.certain_calls(&node).next().is_some() {
            self.note(&node, reasons);
        }
        Some(false)
    }

    /// Records why the search is stuck here, unless another order got further.
    fn note(&mut self, node: &Node, reasons: Vec<(Option<usize>, String)>) {
        if node.count >= self.fitted {
            self.fitted = node.count;
            self.stuck = reasons;
        }
    }

    /// Absorbs questions and refusals that were answered correctly. They never change anything, so
    /// taking them now rather than later restricts no other call, unless an open one would be too
    /// late by then.
    fn absorb(&self, node: &mut Node) {
        loop {
            let Some(deadline) = self.deadline(node) else {
                return;
            };
            let mut musts = self.certain_calls(node);
            let fits = musts.find(|(_, step)| {
                let now = node.now.max(step.from);
                let disturbs = self
                    .opens(node)
                    .any(|(_, open)| open.until >= node.now && open.until < now);
                now <= deadline && !step.may_change() && !disturbs && self.stays(node, step)
            });
            let Some(at) = fits.map(|(at, _)| at) else {
                return;
            };
            drop(musts);
            if let Some(step) = self.candidates.get(at) {
                node.take(at, step);
            }
        }
    }

    /// Whether the call, taken now, is answered correctly and changes nothing.
    fn stays(&self, node: &Node, step: &Candidate<'_>) -> bool {
        let names = node.world.names(&step.step, self.evidence);
        let Some(name) = names.first() else {
            return false;
        };
        let views = || step.views.iter().map(Option::as_ref);
        let mut ways = step
            .moments
            .iter()
            .flat_map(|moment| views().map(move |seen| (*moment, seen)));
        ways.any(|(moment, seen)| {
            let world = &node.world;
            let played = world.play(&step.step, self.evidence, moment, *name, seen);
            played.is_ok_and(|played| !played.changed)
        })
    }

    /// The calls that can come next, in the order in which they were answered.
    fn next(&self, node: &Node) -> Vec<usize> {
        let deadline = self.deadline(node).unwrap_or(Millis::MAX);
        let undone = self.certain_calls(node).chain(self.opens(node));
        let mut next: Vec<_> = undone
            .filter(|(_, step)| {
                let now = node.now.max(step.from);
                now <= deadline && now <= step.until
            })
            .collect();
        next.sort_by_key(|(_, step)| (!step.must, step.answered));
        next.into_iter().map(|(at, _)| at).collect()
    }

    /// A decision in the history that none of the remaining calls can make.
    fn undecidable(&self, node: &Node) -> Option<(u64, String)> {
        let possible: HashSet<u64> = self
            .certain_calls(node)
            .chain(self.opens(node))
            .filter(|(_, step)| step.until >= node.now)
            .filter_map(|(_, step)| step.by)
            .collect();
        let known = self.evidence.decisions.values().flatten();
        let mut named: Vec<_> = known.filter_map(|past| past.by.moderator()).collect();
        named.sort_unstable();
        named.dedup();
        named.retain(|by| !possible.contains(by));
        let mut unmade = named.into_iter().filter_map(|by| {
            let decision = node.world.next_decision_of(self.evidence, by)?;
            Some((by, decision))
        });
        unmade.next()
    }

    /// The remaining possible calls and the state: what the rest of the search depends on.
    fn name(&self, node: &Node) -> (Vec<bool>, u64) {
        let candidates = self.candidates.iter().zip(&node.done);
        let left = candidates.map(|(step, done)| !done && (step.must || step.until >= node.now));
        (left.collect(), node.world.digest(self.evidence))
    }

    /// By when the next call that certainly happened must have happened.
    fn deadline(&self, node: &Node) -> Option<Millis> {
        self.certain_calls(node).map(|(_, step)| step.until).min()
    }

    fn certain_calls<'b>(
        &'b self,
        node: &'b Node,
    ) -> impl Iterator<Item = (usize, &'b Candidate<'a>)> {
        self.undone(node).filter(|(_, step)| step.must)
    }

    fn opens<'b>(&'b self, node: &'b Node) -> impl Iterator<Item = (usize, &'b Candidate<'a>)> {
        self.undone(node).filter(|(_, step)| !step.must)
    }

    fn undone<'b>(&'b self, node: &'b Node) -> impl Iterator<Item = (usize, &'b Candidate<'a>)> {
        let candidates = self.candidates.iter().enumerate().zip(&node.done);
        candidates.filter(|(_, done)| !**done).map(|(step, _)| step)
    }
}

impl Node {
    fn take(&mut self, at: usize, step: &Candidate<'_>) {
        if let Some(done) = self.done.get_mut(at) {
            *done = true;
        }
        self.count += usize::from(step.must);
        self.now = self.now.max(step.from);
    }
}
