//! Runs one workspace on the product and on the model in parallel.

mod reporting;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use end_to_end::{Workspace, eventually};
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::ReportedAttempt;
use shared::domain::rules::model::{Action, BanState, Model};
use shared::store::ErasureSource;

use super::expected::{self, Flags, second};
use super::places::OpenJoin;
use super::random::{RandomCalls, USERS};

const EXPERIENCES: [u64; 4] = [7_001, 7_002, 7_003, 7_004];

/// More possible worlds than this mean that the test is wrong.
const WORLDS: usize = 64;

/// The workspace's only API key, as the model knows it.
pub(super) const BY: Option<&str> = Some("key");

/// Counts of what came up in a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub successes: usize,
    pub refusals: usize,
    pub expiries: usize,
    pub late: usize,
    pub in_bulk: usize,
    pub pending: usize,
    pub joining: usize,
}

/// A list entry that an experience got.
#[derive(Clone)]
struct ListEntry {
    experience: ExperienceId,
    ban: Value,
    is_unban: bool,
    at_step: usize,
}

/// A workspace, its possible models, and the list entries its experiences got.
pub struct Comparison<'a> {
    pub(super) workspace: Workspace<'a>,
    pub(super) worlds: Vec<Model>,
    pub(super) random: RandomCalls,
    /// How many experiences have come; the others come later.
    come: usize,
    pub(super) open_join: Option<OpenJoin>,
    shown: Vec<ListEntry>,
    expiries: BTreeSet<u64>,
    steps: usize,
    pub(super) log: Vec<String>,
    pub(super) seen: Seen,
}

impl<'a> Comparison<'a> {
    pub async fn new(workspace: Workspace<'a>, seed: u64) -> Self {
        let mut comparison = Self {
            workspace,
            worlds: vec![Model::default()],
            random: RandomCalls::new(seed),
            come: 0,
            open_join: None,
            shown: Vec::new(),
            expiries: BTreeSet::new(),
            steps: 0,
            log: vec![format!("seed {seed}")],
            seen: Seen::default(),
        };
        comparison.come().await;
        comparison.come().await;
        comparison
    }

    /// Takes a random step.
    pub async fn step(&mut self) {
        self.steps += 1;
        match self.random.below(25) {
            22.. => self.step_of_join().await,
            20..22 => self.bulk().await,
            0..7 => {
                let ban = self.random.ban(&self.experiences());
                self.call(Action::Ban(ban)).await;
            }
            7 => {
                let ban = self.random.ban(&self.experiences());
                self.call(Action::Appeal(ban)).await;
            }
            8..11 => {
                let unban = self.random.unban(&self.experiences());
                self.call(Action::Unban(unban)).await;
            }
            11..17 => self.report_something().await,
            17 => self.come().await,
            18 if self.random.below(3) == 0 => self.erase().await,
            _ => self.wait_for_an_expiry().await,
        }
    }

    /// Every experience reports everything pending; then nothing is pending.
    pub async fn report_everything(&mut self) {
        self.abandon_join().await;
        self.settle().await;
        for experience in self.experiences() {
            let lists = self.fetch(experience).await;
            for shown in lists {
                if self.random.coin() {
                    self.name(&shown, ReportedAttempt::Applied).await;
                } else {
                    self.report(&shown).await;
                }
            }
        }
        self.compare().await;
        for experience in self.experiences() {
            // What has only now expired is pending again.
            let left = self.fetch(experience).await;
            assert!(
                left.iter().all(|shown| shown.is_unban),
                "{}",
                self.log.join("\n")
            );
        }
    }

    /// Another experience makes its first call.
    async fn come(&mut self) {
        if self.come < EXPERIENCES.len() {
            self.come += 1;
            let experience = *self.experiences().last().unwrap();
            self.log.push(format!("{experience} comes"));
            self.workspace.pending_bans(experience.get()).await;
            let now = second();
            self.worlds
                .iter_mut()
                .for_each(|model| model.link(experience, now));
        }
    }

    /// A user is erased.
    async fn erase(&mut self) {
        self.settle().await;
        let user = UserId::new(USERS[self.random.below(USERS.len())]).unwrap();
        avoid_end_of_second().await;
        let (store, prefix) = (self.workspace.app().store(), self.workspace.id().prefix());
        let before = second();
        let erased = store
            .erase_user(prefix, user, ErasureSource::Operator)
            .await;
        let after = second();
        self.log
            .push(format!("{before}..{after} erase {user}: {erased:?}"));
        let mut worlds = Vec::new();
        for at in before.0..=after.0 {
            for model in &self.worlds {
                let mut model = model.clone();
                model.erase(user, UnixSeconds(at));
                worlds.push(model);
            }
        }
        self.keep(worlds, "erasing a user");
    }

    /// Sends a call, replays it in every world for every second in which it may have been decided,
    /// and keeps the worlds that explain the answer.
    async fn call(&mut self, action: Action) {
        self.carry_over_before(&action).await;
        avoid_end_of_second().await;
        let before = second();
        let answer = self.workspace.send(expected::call(&action)).await;
        let after = second();
        let what = format!("{action:?}");
        self.log.push(format!("{before}..{after} {what}: {answer}"));
        let identity = expected::identity(&answer);
        let mut worlds = Vec::new();
        for at in before.0..=after.0 {
            for model in &self.worlds {
                let mut model = model.clone();
                let said = model.play(&action, BY, identity, UnixSeconds(at));
                if expected::is_answer(&answer, &said, &self.workspace) {
                    worlds.push(model);
                } else {
                    self.log.push(format!("  the model at {at}: {said:?}"));
                }
            }
        }
        self.keep(worlds, &what);
        if matches!(action, Action::Ban(_) | Action::Appeal(_)) {
            self.seen.successes += usize::from(answer.status == 200);
            self.seen.refusals += usize::from(answer.status == 409);
            let expires = answer.json()["ban"]["expires"].as_u64();
            self.expiries.extend(expires.filter(|at| *at > 0));
        }
    }

    pub(super) fn keep(&mut self, worlds: Vec<Model>, what: &str) {
        assert!(
            !worlds.is_empty(),
            "no model explains {what}:\n{}",
            self.log.join("\n")
        );
        assert!(
            worlds.len() <= WORLDS,
            "too many calls took longer than a second"
        );
        self.worlds = worlds;
    }

    /// Compares every route's answers with the model.
    pub async fn compare(&mut self) {
        self.settle().await;
        for experience in self.experiences() {
            for user in USERS.map(|user| UserId::new(user).unwrap()) {
                let (workspace, at) = (self.workspace.clone(), experience.get());
                let is_banned = |model: &Model, now| {
                    model.is_banned(user, experience, now).into_iter().collect()
                };
                self.agree(
                    &format!("is {user} banned in {at}?"),
                    Flags::Boolean,
                    is_banned,
                    async || {
                        let check = workspace.check(user.get(), at).await;
                        if check["guid"].is_null() {
                            Vec::new()
                        } else {
                            vec![check]
                        }
                    },
                )
                .await;
            }
            let fetched = self.fetch(experience).await;
            self.seen.pending += fetched.len();
            self.shown.extend(fetched);
        }
        let workspace = self.workspace.clone();
        self.agree("bans", Flags::Integer, Model::bans, async || {
            workspace.bans().await
        })
        .await;
    }

    /// Both lists of an experience, which must match the model.
    async fn fetch(&mut self, experience: ExperienceId) -> Vec<ListEntry> {
        let (workspace, at) = (self.workspace.clone(), experience.get());
        let bans = |model: &Model, now| {
            let mut list = model.pending_bans(experience, now);
            list.iter_mut().for_each(|ban| ban.applied = false);
            list
        };
        let bans = self
            .agree(
                &format!("pending bans in {at}"),
                Flags::Pending,
                bans,
                async || workspace.pending_bans(at).await,
            )
            .await;
        // A pending unban shows a ban that the experience has applied.
        let unbans = |model: &Model, now| {
            let mut list = model.pending_unbans(experience, now);
            list.iter_mut().for_each(|ban| ban.applied = true);
            list
        };
        let unbans = self
            .agree(
                &format!("pending unbans in {at}"),
                Flags::Pending,
                unbans,
                async || workspace.pending_unbans(at).await,
            )
            .await;
        let shown = |is_unban| {
            let at_step = self.steps;
            move |ban| ListEntry {
                experience,
                ban,
                is_unban,
                at_step,
            }
        };
        bans.into_iter()
            .map(shown(false))
            .chain(unbans.into_iter().map(shown(true)))
            .collect()
    }

    /// Asks until the answer matches one of the worlds, since lists may lag; keeps those worlds.
    async fn agree(
        &mut self,
        what: &str,
        flags: Flags,
        model: impl Fn(&Model, UnixSeconds) -> Vec<BanState>,
        ask: impl AsyncFn() -> Vec<Value>,
    ) -> Vec<Value> {
        avoid_end_of_second().await;
        let says = |world: &Model, at: u64| -> Vec<Value> {
            let bans = model(world, UnixSeconds(at));
            bans.iter()
                .map(|ban| expected::shown(ban, ban.applied, &self.workspace, flags))
                .collect()
        };
        let mut last = String::new();
        let wish = format!("{what} is as the model says");
        let agreed = eventually(&wish, async || {
            let before = second();
            let answer = ask().await;
            let after = second();
            let explains = |world: &&Model| {
                (before.0..=after.0).any(|at| expected::agrees(&says(world, at), &answer))
            };
            let worlds: Vec<_> = self.worlds.iter().filter(explains).cloned().collect();
            if worlds.is_empty() {
                let expected = says(&self.worlds[0], after.0);
                let difference = format!("{what}\n  {answer:?}\nmodel:\n  {expected:?}");
                if difference != last {
                    eprintln!("{}\n{difference}", self.log.join("\n"));
                    last = difference;
                }
                return None;
            }
            Some((worlds, answer))
        });
        let (worlds, answer) = agreed.await;
        self.keep(worlds, what);
        answer
    }

    /// What came up, including expiries.
    pub fn seen(&self) -> Seen {
        let over = self.expiries.range(..second().0).count();
        Seen {
            expiries: over,
            ..self.seen
        }
    }

    async fn settle(&self) {
        self.workspace.app().settle().await;
    }

    async fn wait_for_an_expiry(&mut self) {
        let now = second().0;
        let Some(next) = self
            .expiries
            .iter()
            .filter(|at| **at > now && **at < now + 4)
            .min()
        else {
            return;
        };
        self.log.push(format!("wait for {next}"));
        tokio::time::sleep(Duration::from_secs(next - now)).await;
    }

    pub(super) fn experiences(&self) -> Vec<ExperienceId> {
        let come = &EXPERIENCES[..self.come];
        come.iter()
            .map(|id| ExperienceId::new(*id).unwrap())
            .collect()
    }
}

/// Waits out the end of a second, so that few calls span two seconds.
pub(super) async fn avoid_end_of_second() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let left = 1_000 - since.subsec_millis();
    if left < 150 {
        tokio::time::sleep(Duration::from_millis(u64::from(left) + 5)).await;
    }
}
