//! What a dry run would have written so far about users with several bans, so that it judges each
//! like the real run.

use std::collections::{HashMap, HashSet};

use super::found::Own;
use crate::domain::ids::{ExperienceId, UserId};
use crate::domain::rules::{Ban, Standing};
use crate::store::dynamo::schema::Key;

/// The writes that were not made.
#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    users: HashSet<UserId>,
    here: HashMap<(UserId, ExperienceId), Option<Ban>>,
    global: HashMap<UserId, Option<Ban>>,
    own: HashMap<(String, String), Own>,
    /// How many bans got an identity.
    named: u64,
}

impl Rehearsal {
    /// For these users; the others have one ban each, and nothing about them is kept.
    pub fn of(users: HashSet<UserId>) -> Self {
        Self {
            users,
            ..Self::default()
        }
    }

    /// A number that no other ban has in this run.
    pub const fn number(&mut self) -> u64 {
        self.named = self.named.saturating_add(1);
        self.named
    }

    /// Records what a ban would have changed.
    pub fn wrote(
        &mut self,
        (user, experience): (UserId, ExperienceId),
        after: &Standing,
        key: Key,
        own: Own,
    ) {
        if !self.users.contains(&user) {
            return;
        }
        self.here.insert((user, experience), after.here.ban.clone());
        self.global.insert(user, after.global.clone());
        self.own.insert((key.pk, key.sk), own);
    }

    /// What would be at this key.
    pub fn own(&self, key: &Key) -> Option<Own> {
        self.own.get(&(key.pk.clone(), key.sk.clone())).cloned()
    }

    /// The standing as it would be.
    pub fn standing(
        &self,
        user: UserId,
        experience: ExperienceId,
        mut standing: Standing,
    ) -> Standing {
        if let Some(ban) = self.here.get(&(user, experience)) {
            standing.here.ban.clone_from(ban);
        }
        if let Some(ban) = self.global.get(&user) {
            standing.global.clone_from(ban);
        }
        standing
    }
}
