//! Who was in which server, and why they left.

use std::cell::RefCell;
use std::time::Duration;

/// Why a stay ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Left,
    /// A script kicked the player, with this message.
    Kicked(String),
    /// Roblox removed the player when a server banned them, with this reason.
    Banned(String),
    /// Roblox did not let the user in, as its ban list has them, with this reason.
    Refused(String),
    ServerClosed,
}

/// A user in a server. Times are since the universe began.
#[derive(Clone, Debug)]
pub struct Stay {
    pub user: u64,
    pub place: u64,
    pub server: usize,
    pub from: Duration,
    pub end: Option<(Duration, End)>,
}

impl Stay {
    /// When it ended, or `now`.
    pub fn until(&self, now: Duration) -> Duration {
        self.end.as_ref().map_or(now, |(at, _)| *at)
    }
}

/// All stays, oldest first.
#[derive(Debug, Default)]
pub struct Stays(RefCell<Vec<Stay>>);

impl Stays {
    pub(crate) fn begin(&self, user: u64, place: u64, server: usize, now: Duration) {
        self.0.borrow_mut().push(Stay {
            user,
            place,
            server,
            from: now,
            end: None,
        });
    }

    pub(crate) fn end(&self, user: u64, server: usize, now: Duration, end: End) {
        let mut stays = self.0.borrow_mut();
        let open =
            |stay: &&mut Stay| stay.user == user && stay.server == server && stay.end.is_none();
        if let Some(stay) = stays.iter_mut().rev().find(open) {
            stay.end = Some((now, end));
        }
    }

    pub fn all(&self) -> Vec<Stay> {
        self.0.borrow().clone()
    }

    /// The stays of a user, oldest first.
    pub fn of(&self, user: u64) -> Vec<Stay> {
        let stays = self.0.borrow();
        stays
            .iter()
            .filter(|stay| stay.user == user)
            .cloned()
            .collect()
    }
}
