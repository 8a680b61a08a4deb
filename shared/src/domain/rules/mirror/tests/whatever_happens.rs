//! After any sequence of decisions, crashes and game servers, Roblox holds what is wanted.

use proptest::prelude::*;

use super::super::Level;
use super::{PERMANENT, PLACES, Universe};
use crate::domain::ids::ExperienceId;
use crate::domain::rules::{Length, Scope};

/// A step of the sequence.
#[derive(Clone, Debug)]
enum Event {
    Ban(usize, bool, bool, Option<u64>),
    Lift(usize),
    /// A report says that the user is unbanned, though nothing was lifted.
    LetIn(usize),
    Wait(u64),
    /// The mirror is killed at this step, which reached Roblox or not.
    Killed(usize, bool),
    Drain,
    /// A game server applies what is pending in its place and reports it.
    GameServer(usize),
}

impl Universe {
    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Ban(place, global, universal, length) => {
                let scope = if global {
                    Scope::Global
                } else {
                    Scope::Experience
                };
                let length = length.map_or(PERMANENT, Length::For);
                self.ban(PLACES[place], scope, universal, length);
            }
            Event::Lift(place) => self.lift(PLACES[place]),
            Event::LetIn(place) => self.let_in(PLACES[place]),
            Event::Wait(seconds) => self.now = self.now.plus(seconds),
            Event::Killed(step, reaches) => self.mirror(step, reaches),
            Event::Drain => self.drain(),
            Event::GameServer(place) => self.game_server(PLACES[place]),
        }
    }

    fn let_in(&mut self, place: ExperienceId) {
        if self.standing(place).counting(self.now).is_none() {
            self.report(place, None, None);
        }
    }

    fn game_server(&mut self, place: ExperienceId) {
        let standing = self.standing(place);
        let Some(pending) = standing.pending().ban_at(self.now) else {
            return;
        };
        let ban = standing.counting(self.now).unwrap();
        let level = Level::of(ban, place);
        self.roblox
            .insert(level, (pending.revision, ban.terms.expires));
        self.report(place, Some(pending.revision), Some(level));
    }
}

fn events() -> impl Strategy<Value = Event> {
    let length = prop::option::of(1_u64..200);
    prop_oneof![
        4 => (0..3_usize, any::<bool>(), any::<bool>(), length)
            .prop_map(|(place, global, universal, length)| {
                Event::Ban(place, global, universal, length)
            }),
        3 => (0..3_usize).prop_map(Event::Lift),
        1 => (0..3_usize).prop_map(Event::LetIn),
        2 => (1_u64..150).prop_map(Event::Wait),
        3 => (0..4_usize, any::<bool>()).prop_map(|(step, reaches)| Event::Killed(step, reaches)),
        2 => Just(Event::Drain),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_roblox_ends_up_with_what_is_wanted(
        events in prop::collection::vec(events(), 1..25),
    ) {
        let mut universe = Universe::new();
        for event in &events {
            universe.happens(event);
        }
        universe.drain();
        universe.is_right()?;
        universe.is_exact()?;
        universe.asked();
        universe.drain();
        prop_assert_eq!(universe.asked(), vec![], "nothing is asked twice");
    }

    #[test]
    fn a_game_server_of_one_place_and_the_mirror_do_not_fight(
        events in prop::collection::vec(
            prop_oneof![3 => events(), 1 => Just(Event::GameServer(0))], 1..15,
        ),
    ) {
        let mut universe = Universe::new();
        for event in &events {
            universe.happens(event);
        }
        universe.drain();
        prop_assert!(universe.plan().is_empty());
        for place in PLACES {
            let pending = universe.standing(place).pending();
            prop_assert_eq!(pending.ban_at(universe.now), None);
            prop_assert_eq!(pending.unban_at(universe.now), None);
        }
    }
}
