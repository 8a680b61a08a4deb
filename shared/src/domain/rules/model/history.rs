//! The list of everything that ever happened, and queries on it.

use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, UserId};
use crate::domain::rules::{
    BanRequest, DecisionKind, Expiry, Identity, Length, Scope, Terms, UnbanRequest,
};

/// Everything that ever happened in a workspace, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct History(pub(super) Vec<(UnixSeconds, Event)>);

#[derive(Clone, Debug)]
pub(super) enum Event {
    Linked(ExperienceId),
    /// A call was made; it caused the events up to the next one.
    Called(Option<Said>),
    Made(Made),
    /// A ban was given new terms.
    Changed(Guid, Terms),
    /// A ban was ended by a decision.
    Ended(Guid, How),
    /// An experience reported what it has done to a user.
    Reported(UserId, ExperienceId, Report),
    /// An experience tried in vain to apply what is pending for the user.
    Failed(UserId, ExperienceId),
}

/// The content of a call, and its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The API key, with the `Idempotency-Key` if there is one.
    by: String,
    words: Words,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Words {
    Ban(BanRequest),
    Appeal(BanRequest),
    Unban(UnbanRequest),
}

impl Said {
    /// Without `experienceUniversal`, a ban means its default.
    pub(super) fn ban(by: &str, request: &BanRequest) -> Self {
        let universal = Some(request.universal.unwrap_or(true));
        let request = request.clone();
        let words = Words::Ban(BanRequest {
            universal,
            ..request
        });
        Self::new(by, words)
    }

    /// An appeal ends a ban, whatever terms come with it.
    pub(super) fn appeal(by: &str, request: &BanRequest) -> Self {
        let words = Words::Appeal(BanRequest {
            overwrite: false,
            private_reason: String::new(),
            public_reason: String::new(),
            length: Length::Permanent,
            universal: None,
            ..request.clone()
        });
        Self::new(by, words)
    }

    /// The kind of caller matters if neither reason nor moderator is given.
    pub(super) fn unban(by: &str, request: &UnbanRequest) -> Self {
        let is_bare = request.reason.is_none() && request.moderator.is_none();
        let words = Words::Unban(UnbanRequest {
            from_game: request.from_game && is_bare,
            ..request.clone()
        });
        Self::new(by, words)
    }

    fn new(by: &str, words: Words) -> Self {
        let by = by.to_owned();
        Self { by, words }
    }
}

/// Where a user's bans follow each other: in one experience, or globally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeOf(UserId, Option<ExperienceId>);

impl ScopeOf {
    pub(super) fn new(user: UserId, scope: Scope, experience: ExperienceId) -> Self {
        Self(user, (scope == Scope::Experience).then_some(experience))
    }
}

/// A ban as it was made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) identity: Identity,
    pub(super) user: UserId,
    pub(super) scope: Scope,
    pub(super) experience: ExperienceId,
    pub(super) terms: Terms,
    pub(super) at: UnixSeconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Lifted,
    Appealed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// Banned, by this revision of this ban.
    Banned(Guid, u32),
    NotBanned,
}

/// One revision of a ban: its terms, decided at `from` and in force until `until`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Revision<'a> {
    pub(super) number: u32,
    pub(super) terms: &'a Terms,
    pub(super) from: UnixSeconds,
    pub(super) until: Expiry,
    /// Whether a decision ended it. Then it has ended by every clock, even a slow one.
    pub(super) is_over: bool,
}

impl Revision<'_> {
    pub(super) fn holds(&self, now: UnixSeconds) -> bool {
        !self.is_over && self.terms.expires > Expiry::At(now)
    }
}

impl Made {
    pub(super) fn guid(&self) -> Guid {
        self.identity.guid
    }
}

impl History {
    pub(super) fn add(&mut self, now: UnixSeconds, event: Event) {
        self.0.push((now, event));
    }

    /// Removes everything that names the user.
    pub(super) fn erase(&mut self, user: UserId) {
        let theirs: Vec<Guid> = self
            .bans()
            .filter(|ban| ban.user == user)
            .map(Made::guid)
            .collect();
        self.0.retain(|(_, event)| match event {
            Event::Linked(_) | Event::Called(_) => true,
            Event::Made(ban) => ban.user != user,
            Event::Changed(guid, _) | Event::Ended(guid, _) => !theirs.contains(guid),
            Event::Reported(who, ..) | Event::Failed(who, _) => *who != user,
        });
    }

    /// The decisions, in order.
    pub(super) fn decided(&self) -> impl Iterator<Item = (Guid, DecisionKind)> {
        self.0.iter().filter_map(|(_, event)| match event {
            Event::Made(ban) => Some((ban.guid(), DecisionKind::Made)),
            Event::Changed(guid, _) => Some((*guid, DecisionKind::Changed)),
            Event::Ended(guid, How::Lifted) => Some((*guid, DecisionKind::Lifted)),
            Event::Ended(guid, How::Appealed) => Some((*guid, DecisionKind::Appealed)),
            _ => None,
        })
    }

    /// Whether the same call was made before, not earlier than `since`, and decided something, and
    /// there was no decision since in any scope in which it decided. All those are among `scopes`.
    pub(super) fn is_repeat(&self, said: &Said, since: UnixSeconds, scopes: &[ScopeOf]) -> bool {
        let mut events = self.0.iter().enumerate();
        events.any(|(first, (at, event))| {
            let is_same = matches!(event, Event::Called(Some(before)) if before == said);
            if !is_same || *at < since {
                return false;
            }
            let mut later = self.0.split_at(first + 1).1.iter();
            let its = later
                .by_ref()
                .take_while(|(_, event)| !matches!(event, Event::Called(_)));
            let its: Vec<_> = its
                .filter_map(|(_, event)| self.decided_in(event))
                .collect();
            let later: Vec<_> = later
                .filter_map(|(_, event)| self.decided_in(event))
                .collect();
            let is_latest = |scope| scopes.contains(scope) && !later.contains(scope);
            !its.is_empty() && its.iter().all(is_latest)
        })
    }

    /// The scope of a decision; none if the event is not a decision.
    fn decided_in(&self, event: &Event) -> Option<ScopeOf> {
        let guid = match event {
            Event::Made(ban) => ban.guid(),
            Event::Changed(guid, _) | Event::Ended(guid, _) => *guid,
            _ => return None,
        };
        let ban = self.bans().find(|ban| ban.guid() == guid)?;
        Some(ScopeOf::new(ban.user, ban.scope, ban.experience))
    }

    pub(super) fn is_linked(&self, experience: ExperienceId) -> bool {
        let mut events = self.0.iter();
        events.any(|(_, event)| matches!(event, Event::Linked(linked) if *linked == experience))
    }

    /// All bans, as they were made.
    pub(super) fn bans(&self) -> impl Iterator<Item = &Made> {
        self.0.iter().filter_map(|(_, event)| match event {
            Event::Made(ban) => Some(ban),
            _ => None,
        })
    }

    /// Whether the ban is an Experience ban made in this experience.
    pub(super) fn is_made_in(&self, guid: Guid, experience: ExperienceId) -> bool {
        let mut bans = self.bans();
        bans.any(|ban| {
            ban.guid() == guid && ban.scope == Scope::Experience && ban.experience == experience
        })
    }

    pub(super) fn users(&self) -> Vec<UserId> {
        let mut users: Vec<_> = self.bans().map(|ban| ban.user).collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// The experience's last report on the user.
    pub(super) fn reported(&self, user: UserId, experience: ExperienceId) -> Report {
        let mut last = Report::NotBanned;
        for (_, event) in &self.0 {
            if let Event::Reported(who, whence, report) = event
                && (*who, *whence) == (user, experience)
            {
                last = *report;
            }
        }
        last
    }

    /// The user's bans that apply to this experience, ended or not, as they were made.
    pub(super) fn reaching(&self, user: UserId, experience: ExperienceId) -> Vec<&Made> {
        self.reaching_any(user, &[experience])
    }

    /// The same for several experiences.
    pub(super) fn reaching_any(&self, user: UserId, experiences: &[ExperienceId]) -> Vec<&Made> {
        let mut bans: Vec<_> = self.bans().filter(|ban| ban.user == user).collect();
        bans.retain(|ban| ban.scope == Scope::Global || experiences.contains(&ban.experience));
        bans
    }

    /// Those of them in force. In one scope that can only be the last: the others had ended when it
    /// was made, possibly by a clock that was ahead.
    pub(super) fn holding(
        &self,
        user: UserId,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Vec<&Made> {
        let bans = self.reaching(user, experience);
        let is_last = |at: usize, ban: &Made| {
            let mut later = bans.iter().skip(at + 1);
            !later.any(|later| later.scope == ban.scope)
        };
        let holding = bans.iter().enumerate();
        holding
            .filter(|(at, ban)| is_last(*at, ban) && self.current(ban).holds(now))
            .map(|(_, ban)| *ban)
            .collect()
    }

    /// The one that keeps the user out: of two in force, the one that ends last, on a tie the
    /// Global one.
    pub(super) fn counting(
        &self,
        user: UserId,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Option<&Made> {
        let mut bans = self.holding(user, experience, now);
        let last_end = bans.iter().map(|ban| self.current(ban).until).max()?;
        bans.retain(|ban| self.current(ban).until == last_end);
        let global = bans.iter().copied().find(|ban| ban.scope == Scope::Global);
        global.or(bans.pop())
    }

    /// The end of the last of the user's bans.
    pub(super) fn free_since(&self, user: UserId, experience: ExperienceId) -> Option<Expiry> {
        self.reaching(user, experience)
            .into_iter()
            .map(|ban| self.current(ban).until)
            .max()
    }

    /// The last revision of a ban.
    pub(super) fn current<'a>(&'a self, ban: &'a Made) -> Revision<'a> {
        self.revisions(ban).1
    }

    /// All earlier revisions of a ban, and the last.
    pub(super) fn revisions<'a>(&'a self, ban: &'a Made) -> (Vec<Revision<'a>>, Revision<'a>) {
        let mut earlier = Vec::new();
        let until = ban.terms.expires;
        let mut last = Revision {
            number: 1,
            terms: &ban.terms,
            from: ban.at,
            until,
            is_over: false,
        };
        for (at, event) in &self.0 {
            match event {
                Event::Changed(guid, terms) if *guid == ban.guid() => {
                    earlier.push(Revision {
                        until: last.until.min(Expiry::At(*at)),
                        is_over: true,
                        ..last
                    });
                    let number = last.number + 1;
                    last = Revision {
                        number,
                        terms,
                        from: *at,
                        until: terms.expires,
                        is_over: false,
                    };
                }
                Event::Ended(guid, _) if *guid == ban.guid() => {
                    last.until = last.until.min(Expiry::At(*at));
                    last.is_over = true;
                }
                _ => {}
            }
        }
        (earlier, last)
    }

    /// The time of the last decision on a ban.
    pub(super) fn updated(&self, ban: &Made) -> UnixSeconds {
        let mut last = ban.at;
        for (at, event) in &self.0 {
            if let Event::Changed(guid, _) | Event::Ended(guid, _) = event
                && *guid == ban.guid()
            {
                last = last.max(*at);
            }
        }
        last
    }

    pub(super) fn is_appealed(&self, ban: &Made) -> bool {
        self.0.iter().any(|(_, event)| match event {
            Event::Ended(guid, how) => *guid == ban.guid() && *how == How::Appealed,
            _ => false,
        })
    }
}
