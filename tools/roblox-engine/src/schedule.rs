//! Virtual time, and what is to happen when.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Something that happens at a virtual time.
pub(crate) type Action = Box<dyn FnOnce()>;

struct Event {
    at: Duration,
    /// Events of the same time happen in the order in which they were added.
    number: u64,
    action: Action,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    /// The earliest event is the greatest, as the heap returns the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// The clock and the queue of a universe.
#[derive(Default)]
pub(crate) struct Schedule {
    elapsed: Cell<Duration>,
    added: Cell<u64>,
    queue: RefCell<BinaryHeap<Event>>,
}

impl Schedule {
    /// The virtual time since the universe began.
    pub fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    pub fn after(&self, delay: Duration, action: impl FnOnce() + 'static) {
        let number = self.added.get();
        self.added.set(number + 1);
        self.queue.borrow_mut().push(Event {
            at: self.elapsed.get() + delay,
            number,
            action: Box::new(action),
        });
    }

    /// Does the next event up to a time; returns false if there is none.
    pub fn step(&self, until: Duration) -> bool {
        let mut queue = self.queue.borrow_mut();
        if queue.peek().is_none_or(|event| event.at > until) {
            return false;
        }
        let Some(event) = queue.pop() else {
            return false;
        };
        drop(queue);
        self.elapsed.set(event.at.max(self.elapsed.get()));
        (event.action)();
        true
    }

    /// Does everything up to a time, and sets the clock to it.
    pub fn run_until(&self, until: Duration) {
        while self.step(until) {}
        self.elapsed.set(until.max(self.elapsed.get()));
    }
}
