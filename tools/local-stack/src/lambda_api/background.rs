//! Asynchronous calls.
//!
//! As in Lambda, a failed call is retried twice and then given up, with shorter pauses than Lambda's minutes.
//! Errors of the service, such as a restarting host, do not count as tries.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{Functions, SERVICE_FAILED};
use crate::runtime::{CallError, THROTTLED};

/// The most calls in progress; further ones are throttled.
const MOST: usize = 1000;

const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// The pause before a call is repeated that did not reach its function, and the most repeats.
const ABSENCE: (Duration, usize) = (Duration::from_millis(500), 120);

/// How many given-up calls to keep.
const REMEMBERED: usize = 1000;

/// The asynchronous calls of one host. Calls in progress end when the last clone is dropped.
#[derive(Debug, Clone, Default)]
pub struct Background {
    calls: Arc<watch::Sender<Calls>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

#[derive(Debug, Default)]
struct Calls {
    /// Whether calls are accepted and then lost.
    loses: bool,
    under_way: usize,
    ended: u64,
    given_up: Vec<GivenUp>,
}

/// A call whose tries have all failed.
#[derive(Debug, Clone)]
pub struct GivenUp {
    pub function: String,
    pub event: Bytes,
    pub error: CallError,
}

impl Background {
    /// Accepts and loses further calls, or stops doing so. No caller may depend on an asynchronous call.
    pub fn lose(&self, loses: bool) {
        self.calls.send_modify(|calls| calls.loses = loses);
    }

    /// Accepts a call; false if too many are in progress.
    pub(super) fn accept<F: Functions>(
        &self,
        functions: F,
        function: String,
        event: Bytes,
    ) -> bool {
        if self.calls.borrow().loses {
            return true;
        }
        let admitted = self.calls.send_if_modified(|calls| {
            let admitted = calls.under_way < MOST;
            calls.under_way += usize::from(admitted);
            admitted
        });
        if admitted {
            let place = Place(Arc::clone(&self.calls));
            let mut tasks = self.tasks.lock();
            while tasks.try_join_next().is_some() {}
            tasks.spawn(async move {
                if let Err(error) = carry_out(&functions, &function, &event).await {
                    place.give_up(GivenUp {
                        function,
                        event,
                        error,
                    });
                }
            });
        }
        admitted
    }

    /// Waits until no call is in progress. False on timeout.
    pub async fn settle(&self, timeout: Duration) -> bool {
        let mut calls = self.calls.subscribe();
        let settled = calls.wait_for(|calls| calls.under_way == 0);
        matches!(tokio::time::timeout(timeout, settled).await, Ok(Ok(_)))
    }

    /// How many calls have ended, including those given up.
    pub fn ended(&self) -> u64 {
        self.calls.borrow().ended
    }

    pub fn under_way(&self) -> usize {
        self.calls.borrow().under_way
    }

    /// The given-up calls, oldest first.
    pub fn given_up(&self) -> Vec<GivenUp> {
        self.calls.borrow().given_up.clone()
    }
}

async fn carry_out<F: Functions>(
    functions: &F,
    function: &str,
    event: &Bytes,
) -> Result<(), CallError> {
    let mut pauses = PAUSES.into_iter();
    let (absence, mut absences) = ABSENCE;
    loop {
        let Err(error) = functions.call(function, event.clone()).await else {
            return Ok(());
        };
        let is_absent = [SERVICE_FAILED, THROTTLED].contains(&error.kind.as_str());
        if is_absent && absences > 0 {
            absences -= 1;
            sleep(absence).await;
        } else if let Some(pause) = pauses.next() {
            sleep(pause).await;
        } else {
            return Err(error);
        }
    }
}

/// One call in progress, which ends when this is dropped.
struct Place(Arc<watch::Sender<Calls>>);

impl Place {
    fn give_up(&self, call: GivenUp) {
        let (function, error) = (&call.function, &call.error);
        eprintln!(
            "lambda: gave up a call of {function}: {}: {}",
            error.kind, error.message
        );
        self.0.send_modify(|calls| {
            if calls.given_up.len() < REMEMBERED {
                calls.given_up.push(call);
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_modify(|calls| {
            calls.under_way = calls.under_way.saturating_sub(1);
            calls.ended += 1;
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::runtime::Outcome;

    /// A function that waits for a permit.
    #[derive(Clone)]
    struct Waiting(Arc<Semaphore>);

    impl Functions for Waiting {
        fn knows(&self, _: &str) -> bool {
            true
        }

        async fn call(&self, _: &str, event: Bytes) -> Outcome {
            self.0.acquire().await.unwrap().forget();
            Ok(event)
        }
    }

    #[tokio::test]
    async fn calls_beyond_the_bound_are_refused_until_others_have_ended() {
        let background = Background::default();
        let permits = Arc::new(Semaphore::new(0));
        let function = Waiting(Arc::clone(&permits));
        let accept = || background.accept(function.clone(), String::new(), Bytes::new());
        assert!((0..MOST).all(|_| accept()));
        assert!(!accept());
        permits.add_permits(1);
        while background.under_way() == MOST {
            tokio::task::yield_now().await;
        }
        assert!(accept());
        assert!(!accept());
        permits.add_permits(MOST);
        assert!(background.settle(Duration::from_secs(5)).await);
        assert_eq!(background.ended(), MOST as u64 + 1);
    }

    #[tokio::test]
    async fn lost_calls_are_taken_on_and_never_made() {
        let background = Background::default();
        let function = Waiting(Arc::new(Semaphore::new(1)));
        let accept = || background.accept(function.clone(), String::new(), Bytes::new());
        background.lose(true);
        assert!(accept());
        assert_eq!(background.under_way(), 0);
        background.lose(false);
        assert!(accept());
        assert_eq!(background.under_way(), 1);
        assert!(background.settle(Duration::from_secs(5)).await);
        assert_eq!(background.ended(), 1);
    }

    #[tokio::test]
    async fn calls_under_way_end_with_their_host() {
        let background = Background::default();
        let function = Waiting(Arc::new(Semaphore::new(0)));
        let calls = Arc::clone(&background.calls);
        assert!(background.accept(function, String::new(), Bytes::new()));
        drop(background);
        let mut calls = calls.subscribe();
        let none = calls.wait_for(|calls| calls.under_way == 0);
        let ended = tokio::time::timeout(Duration::from_secs(5), none).await;
        assert!(ended.is_ok());
    }
}
