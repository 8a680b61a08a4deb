//! Machines with different clocks: decisions keep their order.

use super::*;

#[test]
fn clock_skew_does_not_revive_a_replaced_ban() {
    for scope in [Scope::Experience, Scope::Global] {
        let mut world = World::linked();
        let ban = BanRequest {
            scope,
            ..overwriting(ban_in(ARENA))
        };
        world.ban(&lasting(MINUTE, ban.clone()));
        world.wait(MINUTE);
        world.ban(&ban);
        let second = world.shown(ARENA).guid;
        // By this clock the first one has not expired.
        world.now = world.now.minus(1);
        world.agree().unwrap();
        assert_eq!(world.ban(&lasting(HOUR, ban)), Answer::Ok);
        let shown = world.shown(ARENA);
        assert_eq!((shown.guid, shown.revision), (second, 2), "{scope:?}");
    }
}

#[test]
fn repeat_is_recognised_despite_clock_skew() {
    let mut world = World::linked();
    world.ban(&ban_in(ARENA));
    world.wait(10);
    let changed = |length| BanRequest {
        moderator: BOB,
        ..overwriting(lasting(length, ban_in(ARENA)))
    };
    world.ban(&changed(MINUTE));
    world.now = world.now.minus(2);
    let call = changed(HOUR);
    world.ban(&call);
    for _ in 0..3 {
        world.wait(2);
        world.ban(&call);
        assert_eq!(world.shown(ARENA).revision, 3);
    }
}
