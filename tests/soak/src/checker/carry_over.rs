//! The carrying over of a user as a step of its own: their calls do it, and the operator's command.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::ExperienceId;

use super::evidence::Evidence;
use super::places::{Places, SeenPlace, View, WRITTEN_WITHIN, carries};
use super::search::{Candidate, Step};
use crate::history::Millis;

/// How often a report may move to the root without a decision, in one join.
const REPORTS: usize = 2;

/// A user is carried over from a place to its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarryOver {
    pub part: ExperienceId,
    /// The name of the join.
    pub name: String,
}

/// What may have been carried over: each ban that a join ended, and reports, which are in no history.
pub fn candidates<'a>(
    places: &Places<'_>,
    evidence: &Evidence,
    edges: &BTreeSet<u64>,
    skew: Millis,
) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for join in &places.joins {
        let step = || CarryOver {
            part: join.part,
            name: join.name(),
        };
        let views = vec![Some(SeenPlace {
            part: join.part,
            root: join.root,
            view: View::Settling,
        })];
        let recorded = evidence.carried.iter();
        let at = recorded.filter(|(name, _)| *name == join.name());
        for (_, at) in at {
            let decided = at.0.saturating_mul(1_000);
            let until = decided.saturating_add(1_000 + skew + WRITTEN_WITHIN);
            candidates.push(Candidate {
                step: Step::CarryOver(step()),
                from: decided.saturating_sub(skew),
                answered: until,
                until,
                must: true,
                moments: vec![*at],
                by: None,
                views: views.clone(),
            });
        }
        let Some((from, until)) = carries(join, skew).map(RangeInclusive::into_inner) else {
            continue;
        };
        let (first, last) = (from / 1_000, until / 1_000);
        let moments = edges.range(first..=last).copied().chain([first]);
        let moments: Vec<_> = moments.map(UnixSeconds).collect();
        for _ in 0..REPORTS {
            candidates.push(Candidate {
                step: Step::CarryOver(step()),
                from,
                answered: until,
                until,
                must: false,
                moments: moments.clone(),
                by: None,
                views: views.clone(),
            });
        }
    }
    candidates
}
