//! Restoring: whatever was decided after the copy, the bans of the copy are in force.

use super::*;

/// The newest state of a ban in the history.
fn last(world: &World, ban: &Ban) -> Option<Ban> {
    let of_ban = world
        .history
        .iter()
        .map(|(_, decision)| &decision.ban)
        .filter(|other| other.guid == ban.guid);
    of_ban.max_by_key(|ban| ban.decisions).cloned()
}

/// Restores both scopes; returns how many decisions that took.
fn restore(world: &mut World, copy: &Standing) -> usize {
    let mut count = 0;
    for scope in SCOPES {
        let copied = copy.latest_in(scope);
        let last = copied.and_then(|ban| last(world, ban));
        let (standing, now) = (&world.standing, world.now());
        let outcome = rules::restore(standing, scope, copied, last.as_ref(), "restore", now);
        count += world.store(Who::FirstUndo, outcome);
    }
    count
}

proptest! {
    #[test]
    fn only_the_bans_of_the_copy_are_in_force_again(before in acts(), since in acts()) {
        let mut world = play(&before);
        let copy = world.clone();
        for (leaked, act) in &since {
            world.act(if *leaked { Who::Leaked } else { Who::Other }, act);
        }
        let report = world.standing.here.report;
        restore(&mut world, &copy.standing);
        let then = World { seconds: world.seconds, ..copy.clone() };
        prop_assert_eq!(
            SCOPES.map(|scope| world.holding(scope)),
            SCOPES.map(|scope| then.holding(scope))
        );
        prop_assert_eq!(world.standing.here.report, report);
        prop_assert_eq!(restore(&mut world, &copy.standing), 0, "a second run decides nothing");
    }

    #[test]
    fn restore_gives_each_decision_its_own_number(before in acts(), since in acts()) {
        let mut world = play(&before);
        let copy = world.standing.clone();
        for (_, act) in &since {
            world.act(Who::Other, act);
        }
        restore(&mut world, &copy);
        let numbers: BTreeSet<_> = world
            .history
            .iter()
            .map(|(_, decision)| (decision.ban.guid, decision.ban.decisions))
            .collect();
        prop_assert_eq!(numbers.len(), world.history.len());
    }

    #[test]
    fn a_restore_is_undone_like_any_other_decision(before in acts(), since in acts()) {
        let mut world = play(&before);
        let copy = world.standing.clone();
        for (_, act) in &since {
            world.act(Who::Other, act);
        }
        let expected = SCOPES.map(|scope| world.holding(scope));
        restore(&mut world, &copy);
        world.undo(Who::FirstUndo, Who::Other);
        prop_assert_eq!(SCOPES.map(|scope| world.holding(scope)), expected);
    }
}
