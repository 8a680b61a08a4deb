//! Random sequences of calls: the rules and the naive model never part.

use proptest::prelude::*;

use super::steps::{Play, ban, steps, unban};
use super::{Call, EXPERIENCES, UnbanRequest, confirmation, unbanned_in};

proptest! {
    #[test]
    fn rules_and_model_answer_alike_after_every_step(steps in steps()) {
        Play::through(&steps)?;
    }

    /// However the experiences have lagged behind, they need only work through their lists once.
    #[test]
    fn an_experience_that_works_through_its_lists_owes_nothing(steps in steps()) {
        let mut world = Play::through(&steps)?.world;
        let decided = world.decided();
        for experience in EXPERIENCES {
            for owed in world.store.pending_bans(experience, world.now) {
                world.call(&Call::Ban(confirmation(&owed, experience)))?;
            }
            for owed in world.store.pending_unbans(experience, world.now) {
                let request = UnbanRequest { user: owed.user, ..unbanned_in(experience) };
                world.call(&Call::Unban(request))?;
            }
            prop_assert!(world.pending_bans(experience).is_empty());
            prop_assert!(world.pending_unbans(experience).is_empty());
        }
        prop_assert_eq!(decided, world.decided());
    }

    /// The same call twice at once, as after a timeout, leads to the same state as once.
    #[test]
    fn a_ban_call_that_is_repeated_changes_nothing_more(steps in steps(), request in ban()) {
        let mut world = Play::through(&steps)?.world;
        world.call(&Call::Ban(request.clone()))?;
        let mut twice = world.clone();
        twice.call(&Call::Ban(request))?;
        prop_assert_eq!(world.store, twice.store);
    }

    #[test]
    fn an_unban_report_never_changes_a_decision(steps in steps(), request in unban()) {
        let mut world = Play::through(&steps)?.world;
        let decided = world.decided();
        world.call(&Call::Unban(UnbanRequest { confirm_only: true, ..request }))?;
        prop_assert_eq!(decided, world.decided());
    }
}
