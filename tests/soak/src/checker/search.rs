//! Looks for an order of calls: one after the other, none before it was made or after it was answered,
//! so that each answer is the one that the model gives at its turn.
//!
//! A call whose answer is not known may have happened once, from when it was made until some time
//! later, or not at all. The search goes through all orders, deepest first; what leads to the same
//! state with the same calls left is looked at once.

use std::collections::HashSet;

use shared::domain::clock::UnixSeconds;

use super::evidence::Evidence;
use super::world::World;
use crate::history::{Call, Millis};

/// A call to be put in order.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// The call.
    pub call: &'a Call,
    /// Until when it may have taken effect.
    pub until: Millis,
    /// Whether it happened for sure.
    pub must: bool,
    /// The seconds in which it may have been decided, one for each difference that makes.
    pub moments: Vec<UnixSeconds>,
    /// The moderator it names, if it may decide.
    pub by: Option<u64>,
}

/// What the search came to.
#[derive(Clone, Debug)]
pub enum Found {
    /// There is an order.
    Order,
    /// There is an order of the calls, but in each of them the end is another.
    OtherEnd(Vec<String>),
    /// There is none: so many calls fit, then none of these does, for these reasons.
    None {
        /// How many calls could be put in order.
        fitted: usize,
        /// Which calls could come next, and why they cannot, or why none can.
        stuck: Vec<(Option<usize>, String)>,
    },
    /// It was given up.
    Undecided,
}

/// A search.
#[derive(Debug)]
pub struct Search<'a> {
    steps: &'a [Step<'a>],
    evidence: &'a Evidence,
    looked_at: HashSet<(Vec<bool>, u64)>,
    left: usize,
    fitted: usize,
    stuck: Vec<(Option<usize>, String)>,
    other_end: Option<Vec<String>>,
}

/// How far an order has come.
#[derive(Clone, Debug)]
struct Node {
    world: World,
    done: Vec<bool>,
    count: usize,
    /// The last call cannot have happened before.
    now: Millis,
}

impl<'a> Search<'a> {
    /// Of these calls, looking at so many states at most.
    pub fn new(steps: &'a [Step<'a>], evidence: &'a Evidence, most: usize) -> Self {
        Self {
            steps,
            evidence,
            looked_at: HashSet::new(),
            left: most,
            fitted: 0,
            stuck: Vec::new(),
            other_end: None,
        }
    }

    /// Looks for an order.
    pub fn run(mut self) -> Found {
        let start = Node {
            world: World::linked(self.evidence),
            done: vec![false; self.steps.len()],
            count: 0,
            now: 0,
        };
        match self.explore(start) {
            Some(true) => Found::Order,
            None => Found::Undecided,
            Some(false) => match self.other_end {
                Some(differences) => Found::OtherEnd(differences),
                None => Found::None {
                    fitted: self.fitted,
                    stuck: self.stuck,
                },
            },
        }
    }

    /// Whether an order begins like this; nothing if that cannot be told in time.
    fn explore(&mut self, mut node: Node) -> Option<bool> {
        self.left = self.left.checked_sub(1)?;
        self.absorb(&mut node);
        if let Some((by, decision)) = self.unmade(&node) {
            let why = format!("no call that is left can have made {decision}, by {by}");
            self.note(&node, vec![(None, why)]);
            return Some(false);
        }
        if !self.looked_at.insert(self.name(&node)) {
            return Some(false);
        }
        if self.musts(&node).next().is_none() {
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
            let Some(step) = self.steps.get(at) else {
                continue;
            };
            let names = node.world.names(step.call, self.evidence);
            let ways = step.moments.iter().flat_map(|moment| {
                let names = names.iter();
                names.map(move |name| (*moment, *name))
            });
            for (moment, name) in ways {
                let played = match node.world.play(step.call, self.evidence, moment, name) {
                    Ok(played) => played,
                    Err(why) => {
                        reasons.push((Some(at), why));
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
        if self.musts(&node).next().is_some() {
            self.note(&node, reasons);
        }
        Some(false)
    }

    /// Notes why there is no going on, if no order came further.
    fn note(&mut self, node: &Node, reasons: Vec<(Option<usize>, String)>) {
        if node.count >= self.fitted {
            self.fitted = node.count;
            self.stuck = reasons;
        }
    }

    /// Takes questions and refusals that were answered rightly: they change nothing whenever they come,
    /// so that they come now rather than later takes nothing from any other call. Unless an open one
    /// would be too late by then.
    fn absorb(&self, node: &mut Node) {
        loop {
            let Some(deadline) = self.deadline(node) else {
                return;
            };
            let mut musts = self.musts(node);
            let fits = musts.find(|(_, step)| {
                let now = node.now.max(step.call.started);
                let disturbs = self
                    .opens(node)
                    .any(|(_, open)| open.until >= node.now && open.until < now);
                let may_change = step.call.what.is_write() && step.call.status() == Some(200);
                now <= deadline && !may_change && !disturbs && self.stays(node, step)
            });
            let Some(at) = fits.map(|(at, _)| at) else {
                return;
            };
            drop(musts);
            if let Some(step) = self.steps.get(at) {
                node.take(at, step);
            }
        }
    }

    /// Whether the call, coming now, is answered rightly and changes nothing.
    fn stays(&self, node: &Node, step: &Step<'_>) -> bool {
        let names = node.world.names(step.call, self.evidence);
        let Some(name) = names.first() else {
            return false;
        };
        step.moments.iter().any(|moment| {
            let played = node.world.play(step.call, self.evidence, *moment, *name);
            played.is_ok_and(|played| !played.changed)
        })
    }

    /// The calls that can come next, those that were answered first before others.
    fn next(&self, node: &Node) -> Vec<usize> {
        let deadline = self.deadline(node).unwrap_or(Millis::MAX);
        let undone = self.musts(node).chain(self.opens(node));
        let mut next: Vec<_> = undone
            .filter(|(_, step)| {
                let now = node.now.max(step.call.started);
                now <= deadline && now <= step.until
            })
            .collect();
        next.sort_by_key(|(_, step)| (!step.must, step.call.ended));
        next.into_iter().map(|(at, _)| at).collect()
    }

    /// A decision in the history that can no longer be made by any call that is left.
    fn unmade(&self, node: &Node) -> Option<(u64, String)> {
        let possible: HashSet<u64> = self
            .musts(node)
            .chain(self.opens(node))
            .filter(|(_, step)| step.until >= node.now)
            .filter_map(|(_, step)| step.by)
            .collect();
        let known = self.evidence.decisions.values().flatten();
        let mut named: Vec<_> = known.filter_map(|past| past.by).collect();
        named.sort_unstable();
        named.dedup();
        named.retain(|by| !possible.contains(by));
        let mut unmade = named.into_iter().filter_map(|by| {
            let decision = node.world.next_decision_of(self.evidence, by)?;
            Some((by, decision))
        });
        unmade.next()
    }

    /// The calls that are left and still possible, with the state: what the rest depends on.
    fn name(&self, node: &Node) -> (Vec<bool>, u64) {
        let steps = self.steps.iter().zip(&node.done);
        let left = steps.map(|(step, done)| !done && (step.must || step.until >= node.now));
        (left.collect(), node.world.digest(self.evidence))
    }

    /// When the next of those that happened for sure must have happened.
    fn deadline(&self, node: &Node) -> Option<Millis> {
        self.musts(node).map(|(_, step)| step.until).min()
    }

    fn musts<'b>(&'b self, node: &'b Node) -> impl Iterator<Item = (usize, &'b Step<'a>)> {
        self.undone(node).filter(|(_, step)| step.must)
    }

    fn opens<'b>(&'b self, node: &'b Node) -> impl Iterator<Item = (usize, &'b Step<'a>)> {
        self.undone(node).filter(|(_, step)| !step.must)
    }

    fn undone<'b>(&'b self, node: &'b Node) -> impl Iterator<Item = (usize, &'b Step<'a>)> {
        let steps = self.steps.iter().enumerate().zip(&node.done);
        steps.filter(|(_, done)| !**done).map(|(step, _)| step)
    }
}

impl Node {
    fn take(&mut self, at: usize, step: &Step<'_>) {
        if let Some(done) = self.done.get_mut(at) {
            *done = true;
        }
        self.count += usize::from(step.must);
        self.now = self.now.max(step.call.started);
    }
}
