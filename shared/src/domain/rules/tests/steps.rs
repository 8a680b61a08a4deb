//! Random steps in a small world, so that they collide often.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;

use super::{
    ALICE, ARENA, BEACH, BOB, BOT, CONSOLE, Call, EXPERIENCES, HOUR, MINUTE, START, USERS, World,
    report, unbanned_in,
};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, UserId};
use crate::domain::rules::model::BanState;
use crate::domain::rules::{
    BanRequest, Change, ChangeReport, Expiry, Length, ReportedAttempt, Scope, UnbanRequest,
};

/// The next step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Time passes.
    Wait(u64),
    /// Time passes until about a second in which something may change by the clock alone.
    WaitForEdge { which: Index, about: i64 },
    /// A call by one of two keys.
    Call(&'static str, Call),
    /// A call is repeated, as after a timeout.
    Again { back: Index },
    /// An experience reports something from its lists, just now or long ago.
    Report { back: Index, manner: Manner },
    /// A user is erased.
    Erase(UserId),
    /// A place takes the next step of its join, or leaves.
    Join,
}

/// The wording of a report.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    /// All fields as listed.
    Exact,
    /// Without the optional fields.
    Brief,
    /// With the remaining length of the ban.
    Relative,
    /// By `/reports`.
    Named,
    /// By `/reports`, as failed.
    Failed,
    /// By `/reports`, with the revision after the listed one.
    Newer,
}

/// An item that was listed to an experience, and when.
#[derive(Clone, Debug)]
enum Shown {
    Ban(ExperienceId, BanState, UnixSeconds),
    Unban(ExperienceId, BanState),
}

impl Shown {
    /// The report of it by `/reports`.
    fn named(&self, manner: Manner) -> Call {
        let (experience, ban, change) = match self {
            Self::Ban(experience, ban, _) => (experience, ban, Change::Ban),
            Self::Unban(experience, ban) => (experience, ban, Change::Unban),
        };
        let report = ChangeReport {
            user: ban.user,
            guid: ban.guid,
            revision: ban.revision + u32::from(matches!(manner, Manner::Newer)),
            change,
            attempt: match manner {
                Manner::Failed => ReportedAttempt::Failed { error: None },
                _ => ReportedAttempt::Applied,
            },
        };
        Call::Report(*experience, report)
    }
}

/// A world that remembers what was sent and listed.
#[derive(Clone, Debug)]
pub(super) struct Play {
    pub(super) world: World,
    sent: Vec<(&'static str, Call)>,
    shown: Vec<Shown>,
}

impl Play {
    pub(super) fn new() -> Self {
        Self {
            world: World::empty(),
            sent: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Runs the steps, and fails if rules and model disagree.
    pub(super) fn through(steps: &[Step]) -> Result<Self, TestCaseError> {
        let mut play = Self::new();
        for step in steps {
            play.step(step)?;
        }
        Ok(play)
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait(seconds) => self.wait_until(self.world.now.plus(*seconds))?,
            Step::WaitForEdge { which, about } => {
                let edges = self.world.store.edges().into_iter();
                let edges = edges.filter_map(|at| at.0.checked_add_signed(*about).map(UnixSeconds));
                let ahead: Vec<_> = edges.filter(|at| *at > self.world.now).collect();
                if !ahead.is_empty() {
                    self.wait_until(*which.get(&ahead))?;
                }
            }
            Step::Call(key, call) => self.send(key, call.clone())?,
            Step::Again { back } => {
                if let Some((key, call)) = from_the_end(&self.sent, *back) {
                    self.send(key, call)?;
                }
            }
            Step::Report { back, manner } => {
                if let Some(shown) = from_the_end(&self.shown, *back) {
                    self.report(&shown, *manner)?;
                }
            }
            Step::Erase(user) => self.world.erase(*user)?,
            Step::Join => self.world.join(BEACH, ARENA)?,
        }
        self.look();
        Ok(())
    }

    fn wait_until(&mut self, then: UnixSeconds) -> Result<(), TestCaseError> {
        self.world.now = then;
        self.world.agree()
    }

    fn send(&mut self, key: &'static str, call: Call) -> Result<(), TestCaseError> {
        self.world.key = Some(key);
        self.world.call(&call)?;
        self.sent.push((key, call));
        Ok(())
    }

    /// Reports a listed item. Whatever was decided meanwhile, that changes no decision: a report of
    /// an unban never does, and one of a ban not while it can be recognised.
    fn report(&mut self, shown: &Shown, manner: Manner) -> Result<(), TestCaseError> {
        let (user, place) = match shown {
            Shown::Ban(experience, ban, _) | Shown::Unban(experience, ban) => {
                (ban.user, *experience)
            }
        };
        self.world.settle(user, place.into())?;
        let decided = self.world.decided();
        let (call, is_report) = match shown {
            _ if matches!(manner, Manner::Named | Manner::Failed | Manner::Newer) => {
                (shown.named(manner), true)
            }
            Shown::Ban(experience, ban, at) => {
                let mut request = report(ban, *experience);
                match (manner, ban.terms.expires) {
                    (Manner::Brief, _) => request.universal = None,
                    (Manner::Relative, Expiry::At(at)) if at > self.world.now => {
                        request.length = Length::For(at.0 - self.world.now.0);
                    }
                    _ => {}
                }
                (Call::Ban(request), self.world.now <= at.plus(HOUR))
            }
            Shown::Unban(experience, ban) => {
                let says_so = UnbanRequest {
                    user: ban.user,
                    ..unbanned_in(*experience)
                };
                let reason = Some("Ban automatically expired.".to_owned());
                let sdk = UnbanRequest {
                    reason,
                    report_only: false,
                    ..says_so.clone()
                };
                (
                    Call::Unban(if matches!(manner, Manner::Exact) {
                        sdk
                    } else {
                        says_so
                    }),
                    true,
                )
            }
        };
        self.send(BOT, call)?;
        if is_report {
            prop_assert_eq!(
                decided,
                self.world.decided(),
                "a confirmation changed a decision"
            );
        }
        Ok(())
    }

    /// Every experience polls, and a player tries to join; they will act later on what they see.
    fn look(&mut self) {
        let now = self.world.now;
        let store = &self.world.store;
        for experience in EXPERIENCES {
            let joins = USERS
                .into_iter()
                .filter_map(|user| store.is_banned(user, experience, now));
            let bans = joins
                .filter(|ban| ban.active)
                .chain(store.pending_bans(experience, now));
            self.shown
                .extend(bans.map(|ban| Shown::Ban(experience, ban, now)));
            let unbans = store.pending_unbans(experience, now).into_iter();
            self.shown
                .extend(unbans.map(|ban| Shown::Unban(experience, ban)));
        }
    }
}

/// An element of the list; every second pick is among the last few.
fn from_the_end<T: Clone>(list: &[T], back: Index) -> Option<T> {
    let lately = if back.index(2) == 0 {
        list.len().min(8)
    } else {
        list.len()
    };
    let nearest = lately.checked_sub(1)?;
    list.get(list.len() - 1 - back.index(nearest + 1)).cloned()
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..60)
}

fn step() -> impl Strategy<Value = Step> {
    let waits = select(vec![
        1,
        5,
        30,
        MINUTE,
        MINUTE + 1,
        600,
        HOUR - 1,
        HOUR,
        HOUR + 1,
        9000,
    ]);
    let manner = select(vec![
        Manner::Exact,
        Manner::Brief,
        Manner::Relative,
        Manner::Named,
        Manner::Failed,
        Manner::Failed,
        Manner::Newer,
    ]);
    prop_oneof![
        2 => waits.prop_map(Step::Wait),
        2 => (any::<Index>(), -1..=1_i64)
            .prop_map(|(which, about)| Step::WaitForEdge { which, about }),
        10 => (select(&[BOT, CONSOLE][..]), call()).prop_map(|(key, call)| Step::Call(key, call)),
        3 => any::<Index>().prop_map(|back| Step::Again { back }),
        6 => (any::<Index>(), manner).prop_map(|(back, manner)| Step::Report { back, manner }),
        1 => select(&USERS[..]).prop_map(Step::Erase),
        2 => Just(Step::Join),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        1 => select(&EXPERIENCES[..]).prop_map(Call::Poll),
        6 => ban().prop_map(Call::Ban),
        1 => ban().prop_map(Call::Appeal),
        2 => unban().prop_map(Call::Unban),
    ]
}

/// A ban call, out of few.
pub(super) fn ban() -> impl Strategy<Value = BanRequest> {
    let scope = prop_oneof![3 => Just(Scope::Experience), 2 => Just(Scope::Global)];
    let wording = select(vec![
        (ALICE, "aimbot", "Cheating"),
        (BOB, "aimbot", "Cheating"),
        (ALICE, "aimbot, twice", "Cheating"),
        (ALICE, "aimbot", "Exploiting"),
    ]);
    let lengths = vec![5, 30, MINUTE, 600, HOUR, 9000];
    let length = prop_oneof![
        3 => Just(Length::Permanent),
        2 => select(lengths.clone()).prop_map(Length::For),
        2 => select(lengths).prop_map(|after| Length::Until(START.plus(after))),
    ];
    let universal = prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)];
    (
        select(&USERS[..]),
        select(&EXPERIENCES[..]),
        scope,
        any::<bool>(),
        any::<bool>(),
        (wording, length, universal),
    )
        .prop_map(|(user, experience, scope, overwrite, applied, terms)| {
            let ((moderator, private, public), length, universal) = terms;
            BanRequest {
                user,
                place: experience.into(),
                scope,
                overwrite,
                applied,
                moderator,
                private_reason: private.to_owned(),
                public_reason: public.to_owned(),
                length,
                universal,
            }
        })
}

/// An unban call, out of few.
pub(super) fn unban() -> impl Strategy<Value = UnbanRequest> {
    let reason = select(vec![None, None, Some("sorry"), Some("[luauCRON] ended")]);
    let moderator = select(vec![None, None, Some(ALICE)]);
    let flags = (any::<bool>(), prop::bool::weighted(0.2), any::<bool>());
    let place = (select(&USERS[..]), select(&EXPERIENCES[..]));
    (place, reason, moderator, flags).prop_map(
        |((user, experience), reason, moderator, (applied, report_only, from_game))| UnbanRequest {
            user,
            place: experience.into(),
            reason: reason.map(str::to_owned),
            moderator,
            applied,
            report_only,
            from_game,
        },
    )
}
