//! Tests of the rules. Every call is made twice: on a small store that applies the rules, and on
//! the naive model. After each, both must answer every question alike.

mod against_the_model;
mod banning;
mod clocks;
mod erasing;
mod importing;
mod pending;
mod repeating;
mod reporting;
mod steps;
mod store;
mod unbanning;
mod undoing;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use store::Store;

use super::model::{Answer, BanState, Model};
use super::{BanRequest, Expiry, Identity, Length, Scope, UnbanRequest};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{ExperienceId, Guid, ModeratorId, Uid, UserId};

const MALLORY: UserId = UserId::new(1_001).unwrap();
const OSCAR: UserId = UserId::new(1_002).unwrap();
const USERS: [UserId; 2] = [MALLORY, OSCAR];

const ARENA: ExperienceId = ExperienceId::new(1).unwrap();
const BEACH: ExperienceId = ExperienceId::new(2).unwrap();
const CASTLE: ExperienceId = ExperienceId::new(3).unwrap();
const EXPERIENCES: [ExperienceId; 3] = [ARENA, BEACH, CASTLE];

const ALICE: ModeratorId = ModeratorId::new(5_001).unwrap();
const BOB: ModeratorId = ModeratorId::new(5_002).unwrap();

const BOT: &str = "bot";
const CONSOLE: &str = "console";

const START: UnixSeconds = UnixSeconds(1_728_802_934);
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

#[derive(Clone, Debug)]
enum Call {
    Ban(BanRequest),
    Appeal(BanRequest),
    Unban(UnbanRequest),
    Poll(ExperienceId),
}

/// A workspace, run by the rules and by the model.
#[derive(Clone, Debug)]
struct World {
    now: UnixSeconds,
    /// The calling API key; without one, no call is a repeat.
    key: Option<&'static str>,
    uids: u64,
    store: Store,
    model: Model,
}

impl World {
    /// A workspace without any events.
    fn empty() -> Self {
        Self {
            now: START,
            key: None,
            uids: 0,
            store: Store::default(),
            model: Model::default(),
        }
    }

    /// A workspace in which the three experiences have polled before.
    fn linked() -> Self {
        let mut world = Self::empty();
        for experience in EXPERIENCES {
            world.call(&Call::Poll(experience)).unwrap();
        }
        world
    }

    /// Makes a call, and fails if rules and model disagree on its answer or on the state
    /// afterwards.
    fn call(&mut self, call: &Call) -> Result<Answer, TestCaseError> {
        let (now, key) = (self.now, self.key);
        // Every call uses up a number, so there are gaps.
        self.uids += 1;
        let uid = Uid(self.uids);
        let identity = Identity {
            guid: Guid::mint(UnixMillis::from_millis(now.0 * 1000), uid),
            uid,
        };
        let (store, model) = (&mut self.store, &mut self.model);
        let (by_rules, by_model) = match call {
            Call::Ban(request) => (
                store.ban(request, key, identity, now),
                model.ban(request, key, identity, now),
            ),
            Call::Appeal(request) => (
                store.appeal(request, key, now),
                model.appeal(request, key, now),
            ),
            Call::Unban(request) => (
                store.unban(request, key, now),
                model.unban(request, key, now),
            ),
            Call::Poll(experience) => {
                store.link(*experience);
                model.link(*experience, now);
                (Answer::Ok, Answer::Ok)
            }
        };
        prop_assert_eq!(&by_rules, &by_model, "answer by rules, by model");
        self.agree()?;
        Ok(by_rules)
    }

    /// A user is erased.
    fn erase(&mut self, user: UserId) -> Result<(), TestCaseError> {
        self.store.erase(user, self.now);
        self.model.erase(user, self.now);
        self.agree()
    }

    /// Fails if rules and model disagree on any question.
    fn agree(&self) -> Result<(), TestCaseError> {
        let (store, model, now) = (&self.store, &self.model, self.now);
        for experience in EXPERIENCES {
            for user in USERS {
                prop_assert_eq!(
                    store.is_banned(user, experience, now),
                    model.is_banned(user, experience, now),
                    "is {} banned in {}: by rules, by model",
                    user,
                    experience
                );
            }
            let (bans, unbans) = (
                store.pending_bans(experience, now),
                store.pending_unbans(experience, now),
            );
            prop_assert!(
                bans.iter()
                    .all(|ban| unbans.iter().all(|unban| unban.user != ban.user)),
                "a ban and an unban of one user are pending in {}",
                experience
            );
            let (model_bans, model_unbans) = (
                model.pending_bans(experience, now),
                model.pending_unbans(experience, now),
            );
            prop_assert_eq!(
                bans,
                model_bans,
                "bans pending in {}: by rules, by model",
                experience
            );
            prop_assert_eq!(
                unbans,
                model_unbans,
                "unbans pending in {}: by rules, by model",
                experience
            );
        }
        prop_assert_eq!(
            store.bans(now),
            model.bans(now),
            "bans on record: by rules, by model"
        );
        store.records_count_their_decisions()
    }
}

/// For tests of single sentences.
impl World {
    #[track_caller]
    fn ban(&mut self, request: &BanRequest) -> Answer {
        self.call(&Call::Ban(request.clone())).unwrap()
    }

    #[track_caller]
    fn appeal(&mut self, request: &BanRequest) -> Answer {
        self.call(&Call::Appeal(request.clone())).unwrap()
    }

    #[track_caller]
    fn unban(&mut self, request: &UnbanRequest) -> Answer {
        self.call(&Call::Unban(request.clone())).unwrap()
    }

    #[track_caller]
    fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus(seconds);
        self.agree().unwrap();
    }

    /// The ban shown for Mallory.
    #[track_caller]
    fn shown(&self, experience: ExperienceId) -> BanState {
        self.store.is_banned(MALLORY, experience, self.now).unwrap()
    }

    fn is_banned(&self, experience: ExperienceId) -> bool {
        self.store
            .is_banned(MALLORY, experience, self.now)
            .is_some_and(|ban| ban.active)
    }

    fn pending_bans(&self, experience: ExperienceId) -> Vec<Guid> {
        self.store
            .pending_bans(experience, self.now)
            .into_iter()
            .map(|ban| ban.guid)
            .collect()
    }

    fn pending_unbans(&self, experience: ExperienceId) -> Vec<Guid> {
        self.store
            .pending_unbans(experience, self.now)
            .into_iter()
            .map(|ban| ban.guid)
            .collect()
    }

    /// What is pending, in words, for tables.
    fn owes(&self, experience: ExperienceId) -> &'static str {
        match (
            self.pending_bans(experience).len(),
            self.pending_unbans(experience).len(),
        ) {
            (0, 0) => "nothing",
            (1, 0) => "ban",
            (0, 1) => "unban",
            _ => "more than one",
        }
    }

    /// All bans, newest first, without the experiences' reports.
    fn decided(&self) -> Vec<BanState> {
        let mut bans = self.store.bans(self.now);
        for ban in &mut bans {
            ban.applied = false;
        }
        bans
    }
}

/// A permanent Experience ban of Mallory.
fn ban_in(experience: ExperienceId) -> BanRequest {
    BanRequest {
        user: MALLORY,
        experience,
        scope: Scope::Experience,
        overwrite: false,
        applied: false,
        moderator: ALICE,
        private_reason: "aimbot, see clip 7".to_owned(),
        public_reason: "Cheating".to_owned(),
        length: Length::Permanent,
        universal: None,
    }
}

/// A permanent Global ban of Mallory.
fn ban_all_from(experience: ExperienceId) -> BanRequest {
    BanRequest {
        scope: Scope::Global,
        ..ban_in(experience)
    }
}

/// The same ban, with this length.
fn lasting(length: u64, request: BanRequest) -> BanRequest {
    BanRequest {
        length: Length::For(length),
        ..request
    }
}

/// The same ban, whether or not one is in force.
fn overwriting(request: BanRequest) -> BanRequest {
    BanRequest {
        overwrite: true,
        ..request
    }
}

/// What an experience sends when it has applied a ban from its list.
fn report(ban: &BanState, experience: ExperienceId) -> BanRequest {
    BanRequest {
        user: ban.user,
        experience,
        scope: ban.scope,
        overwrite: true,
        applied: true,
        moderator: ban.terms.moderator,
        private_reason: ban.terms.private_reason.clone(),
        public_reason: ban.terms.public_reason.clone(),
        length: match ban.terms.expires {
            Expiry::At(at) => Length::Until(at),
            Expiry::Never => Length::Permanent,
        },
        universal: Some(ban.terms.universal),
    }
}

/// A moderator's decision to unban Mallory.
fn unban_in(experience: ExperienceId) -> UnbanRequest {
    UnbanRequest {
        user: MALLORY,
        experience,
        reason: None,
        moderator: Some(ALICE),
        applied: false,
        report_only: false,
        from_game: false,
    }
}

/// What an experience sends when it has applied an unban of Mallory.
fn unbanned_in(experience: ExperienceId) -> UnbanRequest {
    UnbanRequest {
        report_only: true,
        ..unban_in(experience)
    }
}
