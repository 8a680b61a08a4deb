//! The build against a naive model of everything around it: a table whose indexes lag, a stream that
//! logs late, an object and a state, and builders that are killed between any two calls.

mod world;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use self::world::{ModelBan, World};
use super::*;

const BEGIN: u64 = 1_800_000_000_000;

/// How long an index may lag, in milliseconds.
const LAG: u64 = SETTLED * 1000;

const USERS: u64 = 12;

/// The world as a builder sees it. Every call lets things happen before and after, and may be the
/// last.
struct Simulated {
    world: RefCell<World>,
    calls_left: Cell<u32>,
    /// How far behind the indexes are, in milliseconds.
    lag: Cell<u64>,
}

fn killed() -> ApiError {
    ApiError::Unavailable("killed".to_owned())
}

impl Simulated {
    fn step(&self) -> Result<(), ApiError> {
        self.let_happen();
        let left = self.calls_left.get().checked_sub(1).ok_or_else(killed)?;
        self.calls_left.set(left);
        Ok(())
    }

    fn let_happen(&self) {
        let mut world = self.world.borrow_mut();
        for _ in 0..world.roll(4) {
            world.happen();
        }
        world.check();
    }

    /// What the index shows of a record: its state at some moment within the lag.
    fn indexed(&self, ban: usize) -> Option<ModelBan> {
        let world = self.world.borrow();
        let seen = world.now.saturating_sub(self.lag.get());
        let states = world.bans.get(ban)?;
        states.iter().rev().find(|(since, _)| *since <= seen)?.1
    }
}

impl Source for Simulated {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_millis(self.world.borrow().now)
    }

    async fn state(&self) -> Result<Option<SnapshotState>, ApiError> {
        self.step()?;
        Ok(self.world.borrow().state.clone())
    }

    async fn replace(
        &self,
        before: &SnapshotState,
        after: &SnapshotState,
    ) -> Result<bool, ApiError> {
        self.step()?;
        let mut world = self.world.borrow_mut();
        let Some(state) = &mut world.state else {
            return Ok(false);
        };
        if (state.doubt, state.version()) != (before.doubt, before.version()) {
            return Ok(false);
        }
        *state = after.clone();
        Ok(true)
    }

    async fn remove(&self, _: &SnapshotState) -> Result<(), ApiError> {
        self.step()?;
        self.world.borrow_mut().object = None;
        self.step()?;
        self.world.borrow_mut().state = None;
        Ok(())
    }

    async fn object(&self) -> Result<Option<SnapshotObject>, ApiError> {
        self.step()?;
        Ok(self.world.borrow().object.clone())
    }

    async fn store(&self, object: SnapshotObject) -> Result<(), ApiError> {
        self.step()?;
        self.world.borrow_mut().object = Some(object);
        self.step()
    }

    async fn is_log_incomplete(&self) -> Result<bool, ApiError> {
        self.step()?;
        Ok(!self.world.borrow().lost.is_empty())
    }

    async fn head(&self) -> Result<LogPosition, ApiError> {
        self.step()?;
        let world = self.world.borrow();
        Ok(LogPosition {
            epoch: world.epoch,
            position: world.head,
        })
    }

    async fn position_at(&self, time: UnixMillis) -> Result<u64, ApiError> {
        self.step()?;
        let world = self.world.borrow();
        let before = world
            .log
            .iter()
            .filter(|entry| entry.logged < time.millis());
        Ok(before.map(|entry| entry.position).max().unwrap_or(0))
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<ChangedUsers, ApiError> {
        self.step()?;
        let world = self.world.borrow();
        // The reader waits at an entry that the index may not show yet, so it sees a prefix.
        let visible = world.now.saturating_sub(self.lag.get());
        let new = world.log.iter().filter(|entry| entry.position > after);
        let seen: Vec<_> = new
            .take_while(|entry| entry.logged <= visible)
            .filter(|entry| !entry.is_erased)
            .take(limit)
            .collect();
        let users = seen.iter().map(|entry| UserId::new(entry.user).unwrap());
        Ok(ChangedUsers {
            users: users.collect(),
            reached: seen.last().map_or(after, |entry| entry.position),
            is_full: seen.len() == limit,
        })
    }

    async fn banned_among(
        &self,
        users: BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, bool>, ApiError> {
        let mut checked = BTreeMap::new();
        for user in users {
            self.step()?;
            let is_banned = self.world.borrow().banned().contains(&user.get());
            checked.insert(user, is_banned);
        }
        Ok(checked)
    }

    async fn all_banned(&self) -> Result<Vec<UserId>, ApiError> {
        let (mut users, mut at) = (Vec::new(), 0);
        while at < self.world.borrow().bans.len() {
            if at % 3 == 0 {
                self.step()?;
            }
            let now = self.world.borrow().now;
            if let Some(ban) = self.indexed(at).filter(|ban| ban.blocks(now)) {
                users.push(UserId::new(ban.user).unwrap());
            }
            at += 1;
        }
        Ok(users)
    }
}

/// Runs a future that never waits.
fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a simulated call waits"),
    }
}

fn simulated(random: Vec<u8>) -> Simulated {
    let world = World {
        now: BEGIN,
        random,
        ..World::default()
    };
    Simulated {
        world: RefCell::new(world),
        calls_left: Cell::new(0),
        lag: Cell::new(0),
    }
}

fn order(world: &mut World) {
    let now = UnixSeconds(world.now / 1000);
    world.state.get_or_insert(SnapshotState {
        requested: now,
        due_at: now,
        doubt: None,
        doubted_since: None,
        built: None,
        removed: false,
    });
}

/// Builds that are killed at random calls, with everything else happening in between.
fn live(source: &Simulated) {
    for _ in 0..40 {
        {
            let mut world = source.world.borrow_mut();
            order(&mut world);
            let lag = u64::from(world.roll(61)) * 1000;
            source.lag.set(lag.min(LAG - 1));
            // Most builds come to their end.
            let calls = match world.roll(3) {
                0 => u32::from(world.roll(16)),
                _ => 10_000,
            };
            source.calls_left.set(calls);
            match world.roll(12) {
                // The stream gives up a change.
                0 => {
                    if let Some(user) = world.unlogged.pop_front() {
                        world.lost.insert(user);
                    }
                }
                // A restore.
                1 => {
                    world.epoch += 1;
                    if let Some(state) = &mut world.state {
                        state.built = None;
                    }
                }
                2 => world.object = None,
                _ => {}
            }
            world.now += 1000 * u64::from(world.roll(120));
        }
        let _ = run(build(source));
        source.let_happen();
    }
}

/// Lets everything settle, builds once more, and compares with what is in force.
fn settle(source: &Simulated) {
    {
        let mut world = source.world.borrow_mut();
        while !world.unlogged.is_empty() {
            world.log_next();
        }
        // Nothing else happens from here on.
        world.random.clear();
        world.now += 24 * 3600 * 1000;
        order(&mut world);
    }
    source.lag.set(LAG - 1);
    source.calls_left.set(100_000);
    let built = run(build(source)).unwrap();
    assert!(
        matches!(built, BuildOutcome::Built { is_full: true, .. }),
        "{built:?}"
    );
    let world = source.world.borrow();
    let listed = world.object.as_ref().unwrap().users().unwrap();
    let listed: BTreeSet<_> = listed.iter().map(UserId::get).collect();
    assert_eq!(listed, world.banned());
    assert!(listed.iter().all(|user| *user <= USERS));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever happens and whenever the builder is killed: who is banned by a logged decision is
    /// listed, or named since.
    #[test]
    fn banned_user_is_never_missing(random in prop::collection::vec(any::<u8>(), 200..2_500)) {
        let source = simulated(random);
        live(&source);
        settle(&source);
    }
}

/// A user who is erased and not banned again is in no snapshot that was begun a minute later.
#[test]
fn erased_user_is_gone_after_the_next_full_build() {
    let source = simulated(Vec::new());
    {
        let mut world = source.world.borrow_mut();
        order(&mut world);
        let ban = |user| ModelBan {
            user,
            expires: 0,
            ended: false,
        };
        world.decide(usize::MAX, ban(1));
        world.decide(usize::MAX, ban(2));
        world.log_next();
        world.log_next();
        world.now += LAG;
    }
    source.calls_left.set(1_000);
    source.lag.set(LAG - 1);
    let listed = || {
        source
            .world
            .borrow()
            .object
            .as_ref()
            .unwrap()
            .users()
            .unwrap()
    };
    let user = |id| UserId::new(id).unwrap();
    let is_full = || match run(build(&source)).unwrap() {
        BuildOutcome::Built { is_full, .. } => Some(is_full),
        _ => None,
    };
    assert_eq!(is_full(), Some(true));
    assert!(listed().contains(user(1)));
    {
        let mut world = source.world.borrow_mut();
        // The first roll of no more numbers is 0: user 1.
        world.erase();
        world.now += LAG - 1000;
    }
    assert_eq!(is_full(), None, "too early");
    source.world.borrow_mut().now += 1000;
    assert_eq!(is_full(), Some(true));
    assert!(!listed().contains(user(1)) && listed().contains(user(2)));
}

#[test]
fn ban_that_has_just_expired_still_counts() {
    let at = UnixSeconds;
    assert!(may_block(false, at(0), at(5)));
    assert!(may_block(false, at(100), at(109)));
    assert!(!may_block(false, at(100), at(110)));
    assert!(!may_block(true, at(0), at(5)));
}
