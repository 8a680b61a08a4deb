//! How a function may have seen a place that joins another one when it acted on a call that names it, and
//! which users were carried over.
//!
//! Functions learn of a join at different times, because each uses a link for a while without reading
//! it again, and they judge its phases by their own clocks. So a call near a change may have seen either
//! side of it; all other calls have seen exactly one.

use std::ops::RangeInclusive;

use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::ExperienceId;
use shared::domain::rules::model::Model;

use super::Finding;
use crate::history::{History, JoinRecord, Millis};
use crate::plan::{ANNOUNCED, LINK_TTL};

/// How late a function's use of a link may end, beyond its time.
const SLACK: Millis = 300;

/// How long after its clock was read a carry-over may be written.
pub const WRITTEN_WITHIN: Millis = 6_000;

/// How the name of each join begins.
const NAMED: &str = "join-";

/// What a function knew of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Alone,
    Announced,
    Settling,
    Joined {
        /// Whether the place had not left yet.
        is_current: bool,
    },
    Left,
}

/// A place, its root, and what a function knew of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenPlace {
    pub part: ExperienceId,
    pub root: ExperienceId,
    pub view: View,
}

impl SeenPlace {
    /// Makes the model act as a function with this view.
    pub fn show(&self, model: &mut Model, now: UnixSeconds) {
        let (long_ago, part) = (UnixSeconds(0), self.part);
        let announced = match self.view {
            View::Announced => now,
            _ => long_ago,
        };
        model.announce(part, self.root, announced);
        match self.view {
            View::Alone => model.leave(part, long_ago),
            View::Left => model.leave(part, now),
            View::Joined { .. } => model.complete(part),
            View::Announced | View::Settling => {}
        }
    }
}

/// What a link said of its place, and from when until when some function may have read that.
struct LinkState<'a> {
    said: Said<'a>,
    from: Millis,
    to: Millis,
}

enum Said<'a> {
    Alone,
    Joining(&'a JoinRecord),
    Joined(&'a JoinRecord),
    Left,
}

/// The joins of a workspace.
#[derive(Clone, Debug)]
pub struct Places<'a> {
    pub joins: Vec<&'a JoinRecord>,
    skew: Millis,
}

impl<'a> Places<'a> {
    pub fn of(history: &'a History, workspace: usize) -> Self {
        let joins = history.joins.iter();
        Self {
            joins: joins.filter(|join| join.workspace == workspace).collect(),
            skew: history.skew,
        }
    }

    /// What a function may have known of the place while it acted, at some time between the two; nothing
    /// for a place that never joins another.
    pub fn views(&self, place: ExperienceId, from: Millis, to: Millis) -> Vec<SeenPlace> {
        let Some(first) = self.joins.iter().find(|join| join.part == place) else {
            return Vec::new();
        };
        let mut views = Vec::new();
        for state in self.states(place) {
            let is_possible = state.from <= to && from <= state.to.saturating_add(LINK_TTL + SLACK);
            if !is_possible {
                continue;
            }
            match state.said {
                Said::Alone => views.push(View::Alone),
                Said::Left => views.push(View::Left),
                Said::Joined(join) => views.push(View::Joined {
                    is_current: join.left.is_none_or(|(left, _)| left > to),
                }),
                Said::Joining(join) => {
                    let settles = settles(join);
                    if from.saturating_sub(self.skew) < settles {
                        views.push(View::Announced);
                    }
                    if to.saturating_add(self.skew) >= settles {
                        views.push(View::Settling);
                    }
                }
            }
        }
        let mut distinct: Vec<SeenPlace> = Vec::new();
        for view in views {
            let seen = SeenPlace {
                part: place,
                root: first.root,
                view,
            };
            if !distinct.contains(&seen) {
                distinct.push(seen);
            }
        }
        distinct
    }

    /// What every function knows of each place that joins another, once nothing has changed for long.
    pub fn at_rest(&self, at: Millis) -> Vec<SeenPlace> {
        let mut places: Vec<_> = self.joins.iter().map(|join| join.part).collect();
        places.sort_unstable();
        places.dedup();
        let last = |place| self.views(place, at, at).pop();
        places.into_iter().filter_map(last).collect()
    }

    fn states(&self, place: ExperienceId) -> Vec<LinkState<'a>> {
        let mut states = Vec::new();
        let mut before = Said::Alone;
        let mut since = 0;
        let joins = self.joins.iter().copied();
        for join in joins.filter(|join| join.part == place) {
            states.push(LinkState {
                said: before,
                from: since,
                to: join.written.1,
            });
            let ended = join.completed.or(join.left);
            states.push(LinkState {
                said: Said::Joining(join),
                from: join.written.0,
                to: ended.map_or(Millis::MAX, |(_, to)| to),
            });
            if let Some((completed, _)) = join.completed {
                states.push(LinkState {
                    said: Said::Joined(join),
                    from: completed,
                    to: join.left.map_or(Millis::MAX, |(_, to)| to),
                });
            }
            before = Said::Left;
            since = join.left.map_or(Millis::MAX, |(left, _)| left);
        }
        states.push(LinkState {
            said: before,
            from: since,
            to: Millis::MAX,
        });
        states
    }
}

/// From when on calls that name the place act in its root.
pub const fn settles(join: &JoinRecord) -> Millis {
    join.announced.saturating_add(ANNOUNCED)
}

/// When users may have been carried over; never, if the place left long before it settled.
pub fn carries(join: &JoinRecord, skew: Millis) -> Option<RangeInclusive<Millis>> {
    let ended = join.completed.or(join.left);
    let to = ended.map_or(Millis::MAX, |(_, to)| to);
    let margin = skew.saturating_add(WRITTEN_WITHIN);
    let range = settles(join).saturating_sub(skew)..=to.saturating_add(margin);
    (!range.is_empty()).then_some(range)
}

/// The name of the join that decided an event.
pub fn join_of(event: &Value) -> Option<&str> {
    let key = event.pointer("/actor/key")?.as_str()?;
    key.starts_with(NAMED).then_some(key)
}

/// Whether a join decided an event.
pub fn is_carry_over(event: &Value) -> bool {
    join_of(event).is_some()
}

/// Every carry-over belongs to a join that had settled, ends a ban of the part or decides in the root; and
/// a place that has joined has no ban of its own in force.
pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, end) in history.final_states.iter().enumerate() {
        let places = Places::of(history, workspace);
        let mut found = |sentence: String| {
            findings.push(Finding {
                sentence: format!("in workspace {workspace} {sentence}"),
                proof: Vec::new(),
            });
        };
        for event in &end.log {
            let Some(name) = join_of(event) else { continue };
            let Some(join) = places.joins.iter().find(|join| join.name() == name) else {
                found(format!("no join has the name of {event}"));
                continue;
            };
            let carries = carries(join, history.skew);
            let at = event.get("created").and_then(Value::as_u64);
            let at = at.unwrap_or_default().saturating_mul(1_000);
            let is_in =
                |range: RangeInclusive<Millis>| at + 1_000 >= *range.start() && at <= *range.end();
            if !carries.is_some_and(is_in) {
                found(format!(
                    "a user was carried over outside of {name}: {event}"
                ));
            }
            let place = event.pointer("/data/experienceId").and_then(Value::as_u64);
            let ends = event.get("event").and_then(Value::as_str) == Some("GAME_UNBANNED");
            let expected = if ends { join.part } else { join.root };
            if place != Some(expected.get()) {
                found(format!("{name} decided in another place: {event}"));
            }
        }
        for seen in places.at_rest(end.at) {
            if !matches!(seen.view, View::Joined { .. }) {
                continue;
            }
            for ban in &end.bans {
                let at = ban.get("experienceId").and_then(Value::as_u64);
                let flag = |name: &str| ban.get(name).is_some_and(end_to_end::requests::is_set);
                if at == Some(seen.part.get()) && flag("isActive") && !flag("isGlobal") {
                    found(format!(
                        "a ban of a joined place was not carried over: {ban}"
                    ));
                }
            }
        }
    }
    findings
}
