//! Random calls in a small world, so that they collide often.

use shared::domain::ids::{ExperienceId, ModeratorId, UserId};
use shared::domain::rules::model::Action;
use shared::domain::rules::{BanRequest, Length, Scope, UnbanRequest};

use super::expected::second;

/// All users.
pub const USERS: [u64; 3] = [1_001, 1_002, 1_003];

/// A seeded random generator.
pub struct RandomCalls(fastrand::Rng);

impl RandomCalls {
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    pub fn coin(&mut self) -> bool {
        self.0.bool()
    }

    fn place(&mut self, experiences: &[ExperienceId]) -> (UserId, ExperienceId) {
        let user = UserId::new(*self.0.choice(&USERS).unwrap()).unwrap();
        (user, *self.0.choice(experiences).unwrap())
    }

    /// A random ban call, from a small set.
    pub fn ban(&mut self, experiences: &[ExperienceId]) -> BanRequest {
        let (user, experience) = self.place(experiences);
        let length = match self.below(7) {
            0..3 => Length::Permanent,
            3..5 => Length::For(self.0.u64(2..4)),
            5 => Length::Until(second().plus(self.0.u64(2..4))),
            _ => Length::For(3_600),
        };
        let wordings = [
            (5_001, "aimbot", "Cheating"),
            (5_002, "aimbot", "Cheating"),
            (5_001, "twice", "No"),
        ];
        let (moderator, private_reason, public_reason) = wordings[self.below(3)];
        BanRequest {
            user,
            place: experience.into(),
            scope: if self.below(5) < 3 {
                Scope::Experience
            } else {
                Scope::Global
            },
            overwrite: self.coin(),
            applied: self.coin(),
            moderator: ModeratorId::new(moderator).unwrap(),
            private_reason: private_reason.to_owned(),
            public_reason: public_reason.to_owned(),
            length,
            universal: [None, None, Some(true), Some(false)][self.below(4)],
        }
    }

    /// One to three calls on different users of one experience, with the same flags.
    pub fn bulk(&mut self, experiences: &[ExperienceId], is_unban: bool) -> Vec<Action> {
        let experience = *self.0.choice(experiences).unwrap();
        let (applied, report_only) = (self.coin(), self.below(5) == 0);
        let (is_appeal, from_game) = (self.below(6) == 0, self.coin());
        let mut users = USERS;
        self.0.shuffle(&mut users);
        let users = &users[..=self.below(3)];
        users
            .iter()
            .map(|user| {
                let user = UserId::new(*user).unwrap();
                if is_unban {
                    Action::Unban(UnbanRequest {
                        user,
                        applied,
                        report_only,
                        from_game,
                        ..self.unban(&[experience])
                    })
                } else {
                    let request = BanRequest {
                        user,
                        applied,
                        ..self.ban(&[experience])
                    };
                    match is_appeal {
                        true => Action::Appeal(request),
                        false => Action::Ban(request),
                    }
                }
            })
            .collect()
    }

    /// A random unban call, from a small set.
    pub fn unban(&mut self, experiences: &[ExperienceId]) -> UnbanRequest {
        let (user, experience) = self.place(experiences);
        let reason = [None, Some("sorry"), Some("[luauCRON]: ended")][self.below(3)];
        UnbanRequest {
            user,
            place: experience.into(),
            reason: reason.map(str::to_owned),
            moderator: None,
            applied: self.coin(),
            report_only: self.below(5) == 0,
            from_game: self.coin(),
        }
    }
}
