//! Carrying over what a universe owes, in order, until nothing is left or the time is up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use shared::api::invocation::LEASE;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::integrations::invoker::{Job, WorkerInvoker};
use shared::store::Queue;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::universe::Universe;
use crate::user::{self, Outcome, Work};

/// No user is begun with when less time is left: Secrets Manager and Roblox may take 2.3 s and 5 s, and
/// what was done is to be reported.
pub const AFTERWARDS: Duration = Duration::from_millis(14_500);

/// How many users are worked on at a time.
const AT_A_TIME: usize = 10;

/// How many users are looked at again in one round.
const DUE: u16 = 100;

/// The indexes trail what is written, so the end of the queue is looked at this often, with this
/// pause.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// How long at most is waited for users who were put off before the queue is looked at again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Works on a universe, unless somebody else does.
pub async fn run(universe: Arc<Universe>, invoker: &WorkerInvoker) -> Result<(), ApiError> {
    let (store, prefix) = (&universe.store, universe.prefix);
    let taking = store.take_universe_lease(prefix, universe.id, LEASE, UnixMillis::now());
    let Some(lease) = taking.await? else {
        return Ok(());
    };
    let mut drain = Drain {
        universe: Arc::clone(&universe),
        until: universe.ends.minus(AFTERWARDS).into(),
        put_off: HashMap::new(),
    };
    let worked = drain.work().await;
    store.release(lease).await?;
    // Whoever came while the lease was held went away again.
    if worked? || drain.finds_more().await? {
        let job = Job::Enforce {
            workspace: prefix,
            universe: universe.id.get(),
        };
        invoker.invoke(&job).await?;
    }
    Ok(())
}

struct Drain {
    universe: Arc<Universe>,
    until: Instant,
    /// Users who are not to be tried again before.
    put_off: HashMap<UserId, UnixMillis>,
}

impl Drain {
    /// Works until nothing is left to do now, or the time is up: then it says so.
    async fn work(&mut self) -> Result<bool, ApiError> {
        let universe = Arc::clone(&self.universe);
        universe.look().await?;
        let kept = universe
            .store
            .universe_pause(universe.prefix, universe.id)
            .await?;
        if let Some(until) = kept {
            universe.trouble.pause(until);
        }
        let mut looks = 0;
        while Instant::now() < self.until {
            if universe.stopped() == universe.experiences().len() {
                return Ok(false);
            }
            if let Some(until) = universe.trouble.paused(UnixMillis::now()) {
                if !self.sleep_until(until).await {
                    // The schedule wakes the universe when its time has come.
                    return Ok(false);
                }
                continue;
            }
            if self.round().await? {
                looks = 0;
                continue;
            }
            looks += 1;
            match self.next_due() {
                Some(due) if self.is_in_time(due) => {
                    let longest = UnixMillis::now().millis() + millis(LONGEST_PAUSE);
                    self.sleep_until(due.min(UnixMillis::from_millis(longest)))
                        .await;
                }
                _ if looks < LOOKS => tokio::time::sleep(PAUSE).await,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Goes once through the queue; says whether there was anything to do.
    async fn round(&mut self) -> Result<bool, ApiError> {
        let universe = Arc::clone(&self.universe);
        let (store, now) = (&universe.store, UnixMillis::now());
        let again = store.due_applications(universe.prefix, universe.id, now, DUE);
        let mut again = again.await?.into_iter();
        let mut queue = Queue::new(universe.prefix, &universe.sources(), now);
        let (mut seen, mut worked) = (HashSet::new(), false);
        let mut running = JoinSet::new();
        while Instant::now() < self.until && universe.trouble.paused(UnixMillis::now()).is_none() {
            while let Some(done) = running.try_join_next() {
                self.take(done);
            }
            let (since, user) = match again.next() {
                Some(user) => (None, user),
                None => match queue.next(store).await? {
                    Some((since, user)) => (Some(since), user),
                    None => break,
                },
            };
            if !seen.insert(user) || self.is_put_off(user) {
                continue;
            }
            match user::prepare(&universe, user, since).await? {
                Work::None => {}
                Work::PutOff(until) => self.put_off(user, until),
                Work::Ready(ready) => {
                    worked = true;
                    while running.len() >= AT_A_TIME {
                        self.take_next(&mut running).await;
                    }
                    if !ready.plan.steps.is_empty() {
                        universe.pace.turn().await;
                    }
                    running.spawn(user::carry_out(Arc::clone(&universe), ready, self.until));
                }
            }
        }
        while !running.is_empty() {
            self.take_next(&mut running).await;
        }
        Ok(worked)
    }

    async fn take_next(&mut self, running: &mut JoinSet<Outcome>) {
        if let Some(done) = running.join_next().await {
            self.take(done);
        }
    }

    fn take(&mut self, done: Result<Outcome, tokio::task::JoinError>) {
        let Ok(outcome) = done else {
            self.universe.tally.blame("the work on a user broke off");
            return;
        };
        if let Some(until) = outcome.put_off {
            self.put_off(outcome.user, until);
        }
    }

    fn put_off(&mut self, user: UserId, until: UnixMillis) {
        self.universe.tally.count(|counts| counts.put_off += 1);
        self.put_off.insert(user, until);
    }

    fn is_put_off(&mut self, user: UserId) -> bool {
        let now = UnixMillis::now();
        self.put_off.retain(|_, until| *until > now);
        self.put_off.contains_key(&user)
    }

    fn next_due(&mut self) -> Option<UnixMillis> {
        let now = UnixMillis::now();
        self.put_off.retain(|_, until| *until > now);
        self.put_off.values().min().copied()
    }

    /// Whether a time comes before this call has to end.
    fn is_in_time(&self, due: UnixMillis) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        due.millis() < UnixMillis::now().millis() + millis(left)
    }

    /// Sleeps; says whether the time came before this call has to end.
    async fn sleep_until(&self, due: UnixMillis) -> bool {
        let in_time = self.is_in_time(due);
        if in_time {
            let pause = due.millis().saturating_sub(UnixMillis::now().millis());
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        in_time
    }

    /// Whether somebody is pending who was not put off.
    async fn finds_more(&mut self) -> Result<bool, ApiError> {
        let universe = Arc::clone(&self.universe);
        if universe.trouble.paused(UnixMillis::now()).is_some() {
            return Ok(false);
        }
        let mut queue = Queue::new(universe.prefix, &universe.sources(), UnixMillis::now());
        while let Some((_, user)) = queue.next(&universe.store).await? {
            if !self.is_put_off(user) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
