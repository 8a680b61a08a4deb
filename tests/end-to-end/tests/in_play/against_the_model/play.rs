//! One workspace, played on the product and on the model at once.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use end_to_end::{Call, Workspace, eventually};
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::model::{BanState, Model};
use shared::domain::rules::{BanRequest, UnbanRequest};
use shared::store::ErasureSource;

use super::dice::{Dice, USERS};
use super::wire::{self, Flags, second};

const EXPERIENCES: [u64; 4] = [7_001, 7_002, 7_003, 7_004];

/// How many seconds apart possible worlds may be kept before something is wrong with the test.
const WORLDS: usize = 64;

/// The workspace's one API key, as the model knows it.
const BY: Option<&str> = Some("key");

/// What came up in a play.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub successes: usize,
    pub refusals: usize,
    pub expiries: usize,
    pub late: usize,
    pub pending: usize,
}

/// Something that an experience was shown.
#[derive(Clone)]
struct Shown {
    experience: ExperienceId,
    ban: Value,
    is_unban: bool,
    at_step: usize,
}

/// A workspace, the models that may be true of it, and what was shown to its experiences.
pub struct Play<'a> {
    workspace: Workspace<'a>,
    worlds: Vec<Model>,
    dice: Dice,
    /// The experiences that are in the game yet; the others come later.
    joined: usize,
    shown: Vec<Shown>,
    expiries: BTreeSet<u64>,
    steps: usize,
    log: Vec<String>,
    seen: Seen,
}

impl<'a> Play<'a> {
    pub async fn new(workspace: Workspace<'a>, seed: u64) -> Self {
        let mut play = Self {
            workspace,
            worlds: vec![Model::default()],
            dice: Dice::new(seed),
            joined: 0,
            shown: Vec::new(),
            expiries: BTreeSet::new(),
            steps: 0,
            log: vec![format!("seed {seed}")],
            seen: Seen::default(),
        };
        play.join().await;
        play.join().await;
        play
    }

    /// One random step.
    pub async fn step(&mut self) {
        self.steps += 1;
        match self.dice.below(20) {
            0..7 => {
                let request = self.dice.ban(&self.experiences());
                self.ban(&request, false).await;
            }
            7 => {
                let request = self.dice.ban(&self.experiences());
                self.ban(&request, true).await;
            }
            8..11 => {
                let request = self.dice.unban(&self.experiences());
                self.unban(&request).await;
            }
            11..17 => self.confirm_something().await,
            17 => self.join().await,
            18 if self.dice.below(3) == 0 => self.forget().await,
            _ => self.wait_for_an_expiry().await,
        }
    }

    /// Every experience confirms all that is pending for it; then nothing is.
    pub async fn work_through_the_lists(&mut self) {
        self.settle().await;
        for experience in self.experiences() {
            let lists = self.fetch(experience).await;
            for shown in lists {
                self.confirm(&shown).await;
            }
        }
        self.compare().await;
        for experience in self.experiences() {
            // What has expired only now is pending anew.
            let left = self.fetch(experience).await;
            assert!(
                left.iter().all(|shown| shown.is_unban),
                "{}",
                self.log.join("\n")
            );
        }
    }

    /// Another experience makes its first call.
    async fn join(&mut self) {
        if self.joined < EXPERIENCES.len() {
            self.joined += 1;
            let experience = *self.experiences().last().unwrap();
            self.log.push(format!("{experience} joins"));
            self.workspace.pending_bans(experience.get()).await;
            let now = second();
            self.worlds
                .iter_mut()
                .for_each(|model| model.link(experience, now));
        }
    }

    /// A user is forgotten.
    async fn forget(&mut self) {
        self.settle().await;
        let user = UserId::new(USERS[self.dice.below(USERS.len())]).unwrap();
        away_from_the_edge().await;
        let (store, prefix) = (self.workspace.app().store(), self.workspace.id().prefix());
        let before = second();
        let forgotten = store
            .erase_user(prefix, user, ErasureSource::Operator)
            .await;
        let after = second();
        self.log
            .push(format!("{before}..{after} forget {user}: {forgotten:?}"));
        let mut worlds = Vec::new();
        for at in before.0..=after.0 {
            for model in &self.worlds {
                let mut model = model.clone();
                model.forget(user, UnixSeconds(at));
                worlds.push(model);
            }
        }
        self.keep(worlds, "forgetting a user");
    }

    async fn ban(&mut self, request: &BanRequest, appeal: bool) {
        let call = wire::ban_call(request, appeal);
        let what = format!("{request:?} appeal={appeal}");
        let play = |model: &mut Model, now, answer: &end_to_end::Answer| {
            if appeal {
                model.appeal(request, BY, now)
            } else {
                model.ban(request, BY, wire::identity(answer), now)
            }
        };
        let answer = self.call(&call, &what, play).await;
        self.seen.successes += usize::from(answer.status == 200);
        self.seen.refusals += usize::from(answer.status == 409);
        self.expiries.extend(
            answer.json()["ban"]["expires"]
                .as_u64()
                .filter(|at| *at > 0),
        );
    }

    async fn unban(&mut self, request: &UnbanRequest) {
        let call = wire::unban_call(request);
        self.call(&call, &format!("{request:?}"), |model, now, _| {
            model.unban(request, BY, now)
        })
        .await;
    }

    /// Sends a call, plays it in every world in every second in which it may have been decided,
    /// and keeps the worlds in which the answer is right.
    async fn call(
        &mut self,
        call: &Call,
        what: &str,
        play: impl Fn(
            &mut Model,
            UnixSeconds,
            &end_to_end::Answer,
        ) -> shared::domain::rules::model::Answer,
    ) -> end_to_end::Answer {
        away_from_the_edge().await;
        let before = second();
        let answer = self.workspace.send(call.clone()).await;
        let after = second();
        self.log.push(format!("{before}..{after} {what}: {answer}"));
        let mut worlds = Vec::new();
        for at in before.0..=after.0 {
            for model in &self.worlds {
                let mut model = model.clone();
                let said = play(&mut model, UnixSeconds(at), &answer);
                if wire::is_answer(&answer, &said, &self.workspace) {
                    worlds.push(model);
                } else {
                    self.log.push(format!("  the model at {at}: {said:?}"));
                }
            }
        }
        self.keep(worlds, what);
        answer
    }

    fn keep(&mut self, worlds: Vec<Model>, what: &str) {
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

    /// Holds every route's answers against the model.
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

    /// Both lists of an experience, which must be as the model says.
    async fn fetch(&mut self, experience: ExperienceId) -> Vec<Shown> {
        let (workspace, at) = (self.workspace.clone(), experience.get());
        let bans = |model: &Model, now| {
            let mut list = model.pending_bans(experience, now);
            list.iter_mut().for_each(|ban| ban.completed = false);
            list
        };
        let bans = self
            .agree(
                &format!("pending bans in {at}"),
                Flags::Integer,
                bans,
                async || workspace.pending_bans(at).await,
            )
            .await;
        // The ban whose unban is pending is one that the experience has applied.
        let unbans = |model: &Model, now| {
            let mut list = model.pending_unbans(experience, now);
            list.iter_mut().for_each(|ban| ban.completed = true);
            list
        };
        let unbans = self
            .agree(
                &format!("pending unbans in {at}"),
                Flags::Integer,
                unbans,
                async || workspace.pending_unbans(at).await,
            )
            .await;
        let shown = |is_unban| {
            let at_step = self.steps;
            move |ban| Shown {
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

    /// Asks until the answer is what one of the worlds says, since lists may trail; keeps these.
    async fn agree(
        &mut self,
        what: &str,
        flags: Flags,
        model: impl Fn(&Model, UnixSeconds) -> Vec<BanState>,
        ask: impl AsyncFn() -> Vec<Value>,
    ) -> Vec<Value> {
        away_from_the_edge().await;
        let says = |world: &Model, at: u64| -> Vec<Value> {
            let bans = model(world, UnixSeconds(at));
            bans.iter()
                .map(|ban| wire::shown(ban, ban.completed, &self.workspace, flags))
                .collect()
        };
        let mut last = String::new();
        let wish = format!("{what} is as the model says");
        let agreed = eventually(&wish, async || {
            let before = second();
            let answer = ask().await;
            let after = second();
            let explains =
                |world: &&Model| (before.0..=after.0).any(|at| says(world, at) == answer);
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

    /// What came up, with the seconds in which a ban ran out.
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

    /// An experience confirms what it was shown, just now or long ago.
    async fn confirm_something(&mut self) {
        if !self.shown.is_empty() {
            let lately = if self.dice.coin() { 8 } else { 1_000 };
            let back = self.dice.below(lately.min(self.shown.len()));
            let shown = self.shown[self.shown.len() - 1 - back].clone();
            self.seen.late += usize::from(shown.at_step + 3 < self.steps);
            self.confirm(&shown).await;
        }
    }

    async fn confirm(&mut self, shown: &Shown) {
        if shown.is_unban {
            let user = UserId::new(shown.ban["robloxId"].as_u64().unwrap()).unwrap();
            let said = self.dice.coin();
            let reason = (!said).then(|| "Ban automatically expired.".to_owned());
            let request = UnbanRequest {
                user,
                experience: shown.experience,
                reason,
                moderator: None,
                completed: false,
                confirm_only: said,
                from_game: true,
            };
            self.unban(&request).await;
        } else {
            let request = wire::confirmation(&shown.ban, shown.experience);
            self.ban(&request, false).await;
        }
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

    fn experiences(&self) -> Vec<ExperienceId> {
        let joined = &EXPERIENCES[..self.joined];
        joined
            .iter()
            .map(|id| ExperienceId::new(*id).unwrap())
            .collect()
    }
}

/// Waits out the end of a second, so that few calls are decided in one of two.
async fn away_from_the_edge() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let left = 1_000 - since.subsec_millis();
    if left < 150 {
        tokio::time::sleep(Duration::from_millis(u64::from(left) + 5)).await;
    }
}
