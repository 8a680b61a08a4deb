//! Random sequences of calls, on which the rules and the naive model always agree.

use proptest::prelude::*;

use super::steps::{Play, ban, steps, unban};
use super::{Call, EXPERIENCES, UnbanRequest, report, unbanned_in};

proptest! {
    #[test]
    fn rules_agree_with_the_model_after_every_step(steps in steps()) {
        Play::through(&steps)?;
    }

    /// However far the experiences are behind, they need to work through their lists only once.
    #[test]
    fn nothing_is_pending_after_an_experience_processes_its_lists(steps in steps()) {
        let mut world = Play::through(&steps)?.world;
        let decided = world.decided();
        for experience in EXPERIENCES {
            for pending in world.store.pending_bans(experience, world.now) {
                world.call(&Call::Ban(report(&pending, experience)))?;
            }
            for pending in world.store.pending_unbans(experience, world.now) {
                let request = UnbanRequest { user: pending.user, ..unbanned_in(experience) };
                world.call(&Call::Unban(request))?;
            }
            prop_assert!(world.pending_bans(experience).is_empty());
            prop_assert!(world.pending_unbans(experience).is_empty());
        }
        prop_assert_eq!(decided, world.decided());
    }

    /// The same call twice, as after a timeout, leads to the same state as once.
    #[test]
    fn repeated_ban_call_changes_nothing(steps in steps(), request in ban()) {
        let mut world = Play::through(&steps)?.world;
        world.call(&Call::Ban(request.clone()))?;
        let mut twice = world.clone();
        twice.call(&Call::Ban(request))?;
        prop_assert_eq!(world.store, twice.store);
    }

    #[test]
    fn an_unban_report_never_changes_a_decision(steps in steps(), request in unban()) {
        let mut world = Play::through(&steps)?.world;
        // To carry a ban over is a decision.
        world.settle(request.user, request.place)?;
        let decided = world.decided();
        world.call(&Call::Unban(UnbanRequest { report_only: true, ..request }))?;
        prop_assert_eq!(decided, world.decided());
    }
}
