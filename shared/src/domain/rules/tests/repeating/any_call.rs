//! Properties of any repeated call, whatever happened before.

use proptest::sample::select;

use super::super::steps::{Play, ban, steps, unban};
use super::*;

fn deciding_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => ban().prop_filter("a confirmation has its own rules", |ban| !ban.may_report())
            .prop_map(Call::Ban),
        1 => ban().prop_map(Call::Appeal),
        3 => unban().prop_map(Call::Unban),
    ]
}

proptest! {
    /// Whatever happened before: a call that decided something and is repeated within ten minutes
    /// has the answer and the state of one call. A ban must still be in force.
    #[test]
    fn repeat_of_a_decision_has_the_answer_and_the_state_of_one_call(
        steps in steps(),
        call in deciding_call(),
        wait in select(vec![0, 1, 59, 61, REPEAT_LIMIT]),
    ) {
        let mut world = Play::through(&steps)?.world;
        world.key = Some(BOT);
        let decisions = world.store.history().count();
        let first = world.call(&call)?;
        prop_assume!(world.store.history().count() > decisions);
        let mut again = world.clone();
        again.now = again.now.plus(wait);
        // To carry a ban over is a decision, after which a call is no repeat.
        let (Call::Ban(BanRequest { place, .. })
        | Call::Appeal(BanRequest { place, .. })
        | Call::Unban(UnbanRequest { place, .. })) = &call else {
            unreachable!("it decides")
        };
        let place = |world: &World| world.store.resolved(*place, world.now);
        prop_assume!(place(&world) == place(&again));
        let is_in_force = |ban: &BanRequest| {
            let standing = again.store.standing(ban.user, crate::domain::ids::ExperienceId::of_root(ban.place));
            standing.in_force(ban.scope, again.now).is_some()
        };
        let counts = match &call {
            Call::Ban(ban) => is_in_force(ban),
            _ => true,
        };
        prop_assume!(counts);
        let second = again.call(&call)?;
        prop_assert_eq!(second, first);
        prop_assert_eq!(again.store, world.store);
    }

    /// Any call, made twice at once, has the answer and the state of one.
    #[test]
    fn any_call_twice_at_once_is_one(steps in steps(), call in deciding_call()) {
        let mut world = Play::through(&steps)?.world;
        world.key = Some(BOT);
        // While a place joins a game, the first report takes what it is about from the place, and the root has
        // nothing for a second one to find.
        let takes = |it: &UnbanRequest| {
            it.is_report() && world.store.resolved(it.place, world.now).other.is_some()
        };
        prop_assume!(!matches!(&call, Call::Unban(unban) if takes(unban)));
        let first = world.call(&call)?;
        let mut twice = world.clone();
        prop_assert_eq!(twice.call(&call)?, first);
        prop_assert_eq!(twice.store, world.store);
    }
}
