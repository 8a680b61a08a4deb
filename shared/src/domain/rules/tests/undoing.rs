//! Undoing what one of two deciders did, on random histories of one user in one experience.

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

/// Who decides. What the leaked key does is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Leaked,
    Other,
    FirstUndo,
}

/// What somebody does.
#[derive(Clone, Debug)]
enum Act {
    Ban { scope: Scope, terms: u8 },
    Unban,
    Appeal(Scope),
    Wait(u64),
}

const SCOPES: [Scope; 2] = [Scope::Experience, Scope::Global];

/// A user's standing, all that was decided, and what held in each scope after each decision.
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
                        rules::make(standing, &request, Identity { guid, uid }, now)
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

    /// Undoes what `who` has decided, in all scopes; gives how many decisions that took.
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

    /// What holds in a scope: which ban, on what terms.
    fn holding(&self, scope: Scope) -> Option<(Guid, rules::Terms)> {
        let ban = self.standing.in_force(scope, self.now())?;
        Some((ban.guid, ban.terms.clone()))
    }

    /// What should hold once the leaked key's decisions are undone: what was there before its
    /// last ones, as far as nobody else has decided after them.
    fn expected(&self, scope: Scope) -> Option<(Guid, rules::Terms)> {
        let mut chain = self.history.iter().filter(|(_, d)| d.ban.scope == scope);
        let kept = chain.rfind(|(who, _)| *who != Who::Leaked);
        // Where nobody else has decided, nothing stood before.
        let ban: Option<&Ban> = kept.map(|(_, decision)| &decision.ban);
        let ban = ban.filter(|ban| ban.holds(self.now()))?;
        Some((ban.guid, ban.terms.clone()))
    }
}

fn request(scope: Scope, terms: u8) -> BanRequest {
    BanRequest {
        user: MALLORY,
        experience: ARENA,
        scope,
        overwrite: true,
        completed: false,
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
        experience: ARENA,
        reason: None,
        moderator: None,
        completed: false,
        confirm_only: false,
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
    fn after_an_undo_holds_what_held_before_and_later_decisions_of_others_stand(acts in acts()) {
        let mut world = play(&acts);
        let expected = SCOPES.map(|scope| world.expected(scope));
        let before = world.clone();
        world.undo(Who::Leaked, Who::FirstUndo);
        prop_assert_eq!(SCOPES.map(|scope| world.holding(scope)), expected);
        prop_assert_eq!(world.standing.here.report, before.standing.here.report);
    }

    #[test]
    fn where_only_the_key_decided_all_is_as_before_the_window(
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
    fn an_undo_of_an_undo_brings_back_what_it_undid(acts in acts()) {
        let mut world = play(&acts);
        let before = SCOPES.map(|scope| world.holding(scope));
        world.undo(Who::Leaked, Who::FirstUndo);
        world.undo(Who::FirstUndo, Who::Other);
        prop_assert_eq!(SCOPES.map(|scope| world.holding(scope)), before);
    }

    #[test]
    fn an_undo_that_is_repeated_decides_nothing_more(acts in acts()) {
        let mut world = play(&acts);
        world.undo(Who::Leaked, Who::FirstUndo);
        prop_assert_eq!(world.undo(Who::Leaked, Who::FirstUndo), 0);
    }

    #[test]
    fn the_decisions_on_a_ban_keep_their_numbers_apart_and_without_a_gap(acts in acts()) {
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
fn a_ban_restored_on_the_terms_that_were_reported_owes_nothing() {
    let mut world = World::default();
    let ban = Act::Ban {
        scope: Scope::Experience,
        terms: 0,
    };
    world.act(Who::Other, &ban);
    let revision = world.standing.here.ban.as_ref().unwrap().current();
    let confirmed = rules::confirm(&world.standing, revision);
    world.store(Who::Other, confirmed);
    world.act(Who::Leaked, &Act::Unban);
    assert!(world.standing.owed().unban_at(world.now()).is_some());
    world.undo(Who::Leaked, Who::FirstUndo);
    let owed = world.standing.owed();
    assert_eq!((owed.ban, owed.unban), (None, None));
    assert_eq!(world.history.last().unwrap().1.kind, DecisionKind::Restored);
}

#[test]
fn a_change_that_is_undone_is_a_new_revision_on_the_old_terms() {
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
