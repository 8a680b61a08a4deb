//! A naive model of the tables, the stream and the bucket.

use std::collections::{BTreeSet, VecDeque};

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::UserId;
use crate::store::snapshots::object::SnapshotObject;
use crate::store::snapshots::plan::SETTLED;
use crate::store::snapshots::state::SnapshotState;

/// A ban: when it ends by itself (0 = never), and whether it was lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelBan {
    pub user: u64,
    pub expires: u64,
    pub ended: bool,
}

impl ModelBan {
    pub fn blocks(self, now: u64) -> bool {
        !self.ended && (self.expires == 0 || now / 1000 < self.expires)
    }
}

/// An entry of the log.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub user: u64,
    pub logged: u64,
    pub position: u64,
    pub is_erased: bool,
}

#[derive(Debug, Default)]
pub struct World {
    pub now: u64,
    pub random: Vec<u8>,
    pub used: usize,
    /// The records of bans, each with its earlier states and the time at which each was replaced.
    pub bans: Vec<Vec<(u64, Option<ModelBan>)>>,
    /// Decisions that the stream has not passed on, oldest first.
    pub unlogged: VecDeque<u64>,
    pub log: Vec<Entry>,
    pub head: u64,
    pub epoch: u64,
    /// Users whose decision was lost to the failure queue.
    pub lost: BTreeSet<u64>,
    pub object: Option<SnapshotObject>,
    pub state: Option<SnapshotState>,
}

impl World {
    pub fn roll(&mut self, sides: u8) -> u8 {
        let byte = self.random.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        byte % sides
    }

    /// The users whom a ban blocks now.
    pub fn banned(&self) -> BTreeSet<u64> {
        let latest = self.bans.iter().filter_map(|states| states.last()?.1);
        latest
            .filter(|ban| ban.blocks(self.now))
            .map(|ban| ban.user)
            .collect()
    }

    pub fn decide(&mut self, ban: usize, new: ModelBan) {
        let now = self.now;
        match self.bans.get_mut(ban) {
            Some(states) => states.push((now, Some(new))),
            None => self.bans.push(vec![(now, Some(new))]),
        }
        self.unlogged.push_back(new.user);
    }

    pub fn log_next(&mut self) {
        if let Some(user) = self.unlogged.pop_front() {
            self.head += 1;
            self.log.push(Entry {
                user,
                logged: self.now,
                position: self.head,
                is_erased: false,
            });
        }
    }

    /// One thing that happens beside the builder.
    pub fn happen(&mut self) {
        match self.roll(12) {
            0..=2 => {
                let user = 1 + u64::from(self.roll(12));
                let expires = match self.roll(3) {
                    0 => self.now / 1000 + 1 + u64::from(self.roll(100)),
                    _ => 0,
                };
                let ban = ModelBan {
                    user,
                    expires,
                    ended: false,
                };
                self.decide(usize::MAX, ban);
            }
            3 | 4 => {
                let which = usize::from(self.roll(64));
                let latest = self.bans.get(which).and_then(|states| states.last()?.1);
                if let Some(ban) = latest {
                    let ended = !ban.ended;
                    // An undo makes a lifted ban one in force again.
                    self.decide(which, ModelBan { ended, ..ban });
                }
            }
            5 => self.erase(),
            6 => self.now += 1000 * u64::from(self.roll(90)),
            _ => self.log_next(),
        }
    }

    /// Erases a user, in the order of the store: the mark, the items, the mark.
    pub fn erase(&mut self) {
        let user = 1 + u64::from(self.roll(12));
        self.doubt();
        let now = self.now;
        for states in &mut self.bans {
            if states
                .last()
                .is_some_and(|(_, it)| it.is_some_and(|it| it.user == user))
            {
                states.push((now, None));
            }
        }
        for entry in self.log.iter_mut().filter(|entry| entry.user == user) {
            entry.is_erased = true;
        }
        self.unlogged.retain(|of| *of != user);
        self.lost.remove(&user);
        self.doubt();
    }

    fn doubt(&mut self) {
        let now = UnixSeconds(self.now / 1000);
        if let Some(state) = &mut self.state {
            state.doubt = Some(now);
            state.doubted_since.get_or_insert(now);
            state.due_at = state.due_at.min(now.plus(SETTLED));
        }
    }

    /// The users of the log after a position: what `/sync` names.
    fn named_after(&self, position: u64) -> BTreeSet<u64> {
        let after = self.log.iter().filter(|entry| entry.position > position);
        let after = after.filter(|entry| !entry.is_erased);
        after.map(|entry| entry.user).collect()
    }

    /// A banned user is listed, or named since, or the decision is not logged yet.
    pub fn check(&self) {
        let Some(object) = &self.object else {
            return;
        };
        let header = object.header();
        if header.epoch != self.epoch {
            return;
        }
        let listed = object.users().unwrap();
        let named = self.named_after(header.position);
        for user in self.banned() {
            let is_known = listed.contains(UserId::new(user).unwrap())
                || named.contains(&user)
                || self.unlogged.contains(&user)
                || self.lost.contains(&user);
            assert!(is_known, "user {user} is missing: {self:#?}");
        }
    }
}
