//! Undoes the decisions of one of two actors, on random histories of one user in one experience.

mod restoring;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{ALICE, ARENA, BOB, HOUR, MALLORY, START};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{Guid, Uid};
use crate::domain::rules::{
    self, Ban, BanRequest, Decision, DecisionKind, Identity, Judgement, Length, Outcome, Scope,
    Standing, UnbanJudgement, UnbanRequest, UndoStep,
};

/// The actor of a decision. Those of the leaked key are undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Leaked,
    Other,
    FirstUndo,
}

/// A decision.
#[derive(Clone, Debug)]
enum Act {
    Ban { scope: Scope, terms: u8 },
    Unban,
    Appeal(Scope),
    Wait(u64),
}

const SCOPES: [Scope; 2] = [Scope::Experience, Scope::Global];

/// A user's standing, all decisions, and what was in force in each scope after each of them.
#[derive(Clone, Debug, Default)]
struct World {
    seconds: u64,
    standing: Standing,
    history: Vec<(Who, Decision)>,
}

impl World {
    fn now(&self) -> UnixSeconds {
        START.plus(self.seconds)
    }

    fn act(&mut self, who: Who, act: &Act) {
        let (now, standing) = (self.now(), &self.standing);
        let outcome = match act {
            Act::Wait(seconds) => {
                self.seconds += seconds;
                return;
            }
            Act::Ban { scope, terms } => {
                let request = request(*scope, *terms);
                match rules::judge_ban(standing, &request, None, &[], now) {
                    Ok(Judgement::Make) => {
                        let uid = Uid(self.history.len() as u64 + 1);
                        let moment = UnixMillis::from_millis(now.0 * 1000 + uid.0);
                        let guid = Guid::mint(moment, uid);
                        rules::make(standing, &request, ARENA, Identity { guid, uid }, now)
                    }
                    Ok(Judgement::Overwrite) => rules::overwrite(standing, &request, now),
                    _ => return,
                }
            }
            Act::Unban => match rules::judge_unban(standing, &unban(), None, now) {
                Ok(UnbanJudgement::Lift) => rules::lift(standing, &unban(), now),
                _ => return,
            },
            Act::Appeal(scope) => match rules::appeal(standing, *scope, false, None, now) {
                Ok(outcome) => outcome,
                Err(_) => return,
            },
        };
        self.store(who, outcome);
    }

    fn store(&mut self, who: Who, outcome: Outcome) -> usize {
        let count = outcome.decisions.len();
        self.standing = outcome.standing;
        let decisions = outcome.decisions.into_iter();
        self.history
            .extend(decisions.map(|decision| (who, decision)));
        count
    }

    /// Undoes the decisions of `who` in all scopes; returns how many decisions that took.
    fn undo(&mut self, who: Who, by: Who) -> usize {
        let mut count = 0;
        for scope in SCOPES {
            let history = self.history.clone();
            let steps: Vec<_> = history
                .iter()
                .filter(|(_, decision)| decision.ban.scope == scope)
                .map(|(decider, decision)| UndoStep {
                    after: &decision.ban,
                    before: decision.previous.as_ref(),
                    is_undone: *decider == who,
                })
                .collect();
            let outcome = rules::undo(&self.standing, scope, &steps, "undo", self.now());
            count += self.store(by, outcome);
        }
        count
    }

    /// The ban in force in a scope, and its terms.
    fn holding(&self, scope: Scope) -> Option<(Guid, rules::Terms)> {
        let ban = self.standing.in_force(scope, self.now())?;
        Some((ban.guid, ban.terms.clone()))
    }

    /// What should be in force once the leaked key's decisions are undone: the state before its
    /// last ones, as far as no later decision is the other actor's.
    fn expected(&self, scope: Scope) -> Option<(Guid, rules::Terms)> {
        let mut chain = self.history.iter().filter(|(_, d)| d.ban.scope == scope);
        let kept = chain.rfind(|(who, _)| *who != Who::Leaked);
        // If the other actor has not decided, there was nothing before.
        let ban: Option<&Ban> = kept.map(|(_, decision)| &decision.ban);
        let ban = ban.filter(|ban| ban.holds(self.now()))?;
        Some((ban.guid, ban.terms.clone()))
    }
}

fn request(scope: Scope, terms: u8) -> BanRequest {
    BanRequest {
        user: MALLORY,
        place: ARENA.into(),
        scope,
        overwrite: true,
        applied: false,
        moderator: if terms.is_multiple_of(2) { ALICE } else { BOB },
        private_reason: format!("private {}", terms / 2),
        public_reason: "public".to_owned(),
        length: match terms % 3 {
            0 => Length::Permanent,
            1 => Length::For(2 * HOUR),
            _ => Length::For(30 * 24 * HOUR),
        },
        universal: None,
    }
}

fn unban() -> UnbanRequest {
    UnbanRequest {
        user: MALLORY,
        place: ARENA.into(),
        reason: None,
        moderator: None,
        applied: false,
        report_only: false,
        from_game: false,
    }
}

fn act() -> impl Strategy<Value = Act> {
    let scope = prop::sample::select(SCOPES.to_vec());
    prop_oneof![
        4 => (scope.clone(), 0..6_u8).prop_map(|(scope, terms)| Act::Ban { scope, terms }),
        2 => Just(Act::Unban),
        1 => scope.prop_map(Act::Appeal),
        2 => prop_oneof![Just(1), Just(HOUR), Just(3 * HOUR)].prop_map(Act::Wait),
    ]
}

fn acts() -> impl Strategy<Value = Vec<(bool, Act)>> {
    prop::collection::vec((any::<bool>(), act()), 0..24)
}

fn play(acts: &[(bool, Act)]) -> World {
    let mut world = World::default();
    for (leaked, act) in acts {
        let who = if *leaked { Who::Leaked } else { Who::Other };
        world.act(who, act);
    }
    world
}

proptest! {
    #[test]
    fn undo_restores_the_previous_state_and_keeps_later_decisions_of_others(acts in acts()) {
        let mut world = play(&acts);
        let expected = SCOPES.map(|scope| world.expected(scope));
        let before = world.clone();
        world.undo(Who::Leaked, Who::FirstUndo);
        prop_assert_eq!(SCOPES.map(|scope| world.holding(scope)), expected);
        prop_assert_eq!(world.standing.here.report, before.standing.here.report);
    }

    #[test]
    fn undo_restores_the_state_before_the_window(
        before in acts(),
        acts in prop::collection::vec(act(), 0..16),
    ) {
        let mut world = play(&before.into_iter().map(|(_, act)| (false, act)).collect::<Vec<_>>());
        let as_it_was = world.clone();
        for act in &acts {
            world.act(Who::Leaked, act);
        }
        world.undo(Who::Leaked, Who::FirstUndo);
        let then = World { seconds: world.seconds, ..as_it_was };
        for scope in SCOPES {
            prop_assert_eq!(world.holding(scope), then.holding(scope));
        }
    }

    #[test]
    fn undo_of_an_undo_restores_the_decisions(acts in acts()) {
        let mut world = play(&acts);
        let before = SCOPES.map(|scope| world.holding(scope));
        world.undo(Who::Leaked, Who::FirstUndo);
        world.undo(Who::FirstUndo, Who::Other);
        prop_assert_eq!(SCOPES.map(|scope| world.holding(scope)), before);
    }

    #[test]
    fn repeated_undo_decides_nothing(acts in acts()) {
        let mut world = play(&acts);
        world.undo(Who::Leaked, Who::FirstUndo);
        prop_assert_eq!(world.undo(Who::Leaked, Who::FirstUndo), 0);
    }

    #[test]
    fn decisions_on_a_ban_are_numbered_without_gaps(acts in acts()) {
        let mut world = play(&acts);
        world.undo(Who::Leaked, Who::FirstUndo);
        world.undo(Who::FirstUndo, Who::Other);
        let numbers: BTreeSet<_> = world
            .history
            .iter()
            .map(|(_, decision)| (decision.ban.guid, decision.ban.decisions))
            .collect();
        prop_assert_eq!(numbers.len(), world.history.len());
        for (guid, number) in &numbers {
            prop_assert!(*number == 1 || numbers.contains(&(*guid, number - 1)));
        }
        for (_, decision) in &world.history {
            let is_restored = decision.kind == DecisionKind::Restored;
            prop_assert!(!is_restored || decision.ban.ending.is_none());
        }
    }
}

#[test]
fn ban_restored_with_reported_terms_is_not_pending() {
    let mut world = World::default();
    let ban = Act::Ban {
        scope: Scope::Experience,
        terms: 0,
    };
    world.act(Who::Other, &ban);
    let revision = world.standing.here.ban.as_ref().unwrap().current();
    let reported = rules::report(&world.standing, revision);
    world.store(Who::Other, reported);
    world.act(Who::Leaked, &Act::Unban);
    assert!(world.standing.pending().unban_at(world.now()).is_some());
    world.undo(Who::Leaked, Who::FirstUndo);
    let pending = world.standing.pending();
    assert_eq!((pending.ban, pending.unban), (None, None));
    assert_eq!(world.history.last().unwrap().1.kind, DecisionKind::Restored);
}

#[test]
fn undone_change_is_a_new_revision_with_the_old_terms() {
    let mut world = World::default();
    world.act(
        Who::Other,
        &Act::Ban {
            scope: Scope::Global,
            terms: 0,
        },
    );
    let terms = world.standing.global.as_ref().unwrap().terms.clone();
    world.act(
        Who::Leaked,
        &Act::Ban {
            scope: Scope::Global,
            terms: 2,
        },
    );
    world.undo(Who::Leaked, Who::FirstUndo);
    let ban = world.standing.global.as_ref().unwrap();
    assert_eq!((ban.revision, &ban.terms), (3, &terms));
}
