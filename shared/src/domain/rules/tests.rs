//! Tests of the rules. Every call is made twice: on a small store that applies the rules, and on
//! the naive model. After each, both must answer every question alike.

mod against_the_model;
mod banning;
mod carrying_over;
mod change_reports;
mod clocks;
mod erasing;
mod importing;
mod pending;
mod repeating;
mod reporting;
mod requests;
mod steps;
mod store;
mod unbanning;
mod undoing;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use requests::{ban_all_from, ban_in, lasting, overwriting, report, unban_in, unbanned_in};
use store::Store;

use super::model::{Answer, BanState, Model};
use super::{BanRequest, ChangeReport, Expiry, Identity, Length, Scope, UnbanRequest};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{ExperienceId, Guid, ModeratorId, PlaceId, Uid, UserId};
use crate::domain::places::{Join, Membership};

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
    Report(ExperienceId, ChangeReport),
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
        match call {
            Call::Ban(BanRequest { user, place, .. })
            | Call::Appeal(BanRequest { user, place, .. })
            | Call::Unban(UnbanRequest { user, place, .. }) => self.settle(*user, *place)?,
            Call::Report(experience, report) => self.settle(report.user, (*experience).into())?,
            Call::Poll(_) => {}
        }
        // Every call uses up a number, so there are gaps.
        let identity = self.identity();
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
            Call::Report(experience, report) => (
                store.change_report(*experience, report, now),
                Answer::Reported(model.change_report(*experience, report, now)),
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

    fn identity(&mut self) -> Identity {
        self.uids += 1;
        let uid = Uid(self.uids);
        Identity {
            guid: Guid::mint(UnixMillis::from_millis(self.now.0 * 1000), uid),
            uid,
        }
    }

    /// A call that names a joining place carries its user over first.
    fn settle(&mut self, user: UserId, place: PlaceId) -> Result<(), TestCaseError> {
        match self.store.resolved(place, self.now).settling() {
            Some((part, _)) => self.carry_over(user, part),
            None => Ok(()),
        }
    }

    fn carry_over(&mut self, user: UserId, part: ExperienceId) -> Result<(), TestCaseError> {
        let identity = self.identity();
        self.store.carry_over(user, part, identity, self.now);
        self.model.carry_over(user, part, identity, self.now);
        self.agree()
    }

    /// The next step of a join: it is announced, or completed once that is due, or the place leaves.
    fn join(&mut self, part: ExperienceId, root: ExperienceId) -> Result<(), TestCaseError> {
        let now = UnixMillis::from_millis(self.now.0 * 1000);
        let found = self.store.joins.get(&part);
        match found.and_then(|found| found.join()) {
            None => {
                for place in [part, root] {
                    self.call(&Call::Poll(place))?;
                }
                let join = Join {
                    root,
                    announced: now,
                    is_complete: false,
                };
                self.store.joins.insert(part, Membership::Part(join));
                self.model.announce(part, root, self.now);
            }
            Some(join) if join.is_complete => {
                let left = Membership::Left(root, now);
                self.store.joins.insert(part, left);
                self.model.leave(part, self.now);
            }
            Some(join) if now >= join.carries_from() => {
                for user in USERS {
                    self.carry_over(user, part)?;
                }
                let complete = Join {
                    is_complete: true,
                    ..join
                };
                self.store.joins.insert(part, Membership::Part(complete));
                self.model.complete(part);
            }
            Some(_) => {}
        }
        self.agree()
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
