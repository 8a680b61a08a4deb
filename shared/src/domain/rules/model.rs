//! A naive model of the rules, to test against: a plain list of everything that ever happened, in
//! order. Each question is answered from scratch by reading the list, in the words of the contract,
//! without any of the rules' own concepts. It is slow and easy to believe.
//!
//! One workspace, any number of users and experiences. The clock is passed in. It may go back, as
//! between machines that disagree about the time: decisions keep their order, and only expiry
//! depends on the clock.

mod action;
mod answer;
mod failing;
mod history;
mod places;
mod reporting;

use std::cmp::Reverse;

pub use action::Action;
pub use answer::{Answer, BanState};
use history::{Event, History, How, Made, Report, Said, ScopeOf};
use places::PartOf;
use reporting::{expires, reported, says};

use super::{BanRequest, DecisionKind, Expiry, Identity, Scope, Terms, UnbanRequest};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, UserId};

/// How many seconds after its end a revision can still be reported.
const AN_HOUR: u64 = 3600;

/// For how many seconds a call can be repeated.
const TEN_MINUTES: u64 = 600;

/// Everything that ever happened in a workspace.
#[derive(Clone, Debug, Default)]
pub struct Model {
    history: History,
    /// Who was erased, when, and what was known then, to recognise late reports.
    erased: Vec<(UserId, UnixSeconds, History)>,
    parts: Vec<PartOf>,
}

/// Events.
impl Model {
    /// An experience is linked: by its first call of any kind but `/is-banned`, or by the operator.
    pub fn link(&mut self, experience: ExperienceId, now: UnixSeconds) {
        self.history.add(now, Event::Linked(experience));
    }

    /// `POST /ban-async` by an API key (with its `Idempotency-Key`, if there is one); without a
    /// key, a call is never a repeat. A new ban, if the call makes one, gets `identity`.
    pub fn ban(
        &mut self,
        request: &BanRequest,
        by: Option<&str>,
        identity: Identity,
        now: UnixSeconds,
    ) -> Answer {
        let BanRequest { user, scope, .. } = *request;
        let experience = self.acts_in(request.place, now);
        self.link(experience, now);
        let in_force = self.in_force(user, experience, scope, now).cloned();
        let current = in_force.as_ref().map(|ban| self.history.current(ban));

        let said = by.map(|by| Said::ban(by, request));
        if let (Some(said), Some(current)) = (&said, &current) {
            let may_report = request.overwrite && request.applied;
            let universal = current.terms.universal;
            let place = ScopeOf::new(user, scope, experience);
            if !may_report
                && request.universal.unwrap_or(universal) == universal
                && self.is_repeat(said, &[place], now)
            {
                return Answer::Ok;
            }
        }
        if !request.overwrite {
            let global = self.in_force(user, experience, Scope::Global, now);
            let global = global.filter(|_| scope == Scope::Experience);
            if let Some(ban) = in_force.as_ref().or(global) {
                return Answer::AlreadyBanned(Box::new(self.state(ban, experience, now)));
            }
        } else if request.applied {
            if let Some(applied) = self.reported_by(request, now) {
                if !self.is_of_root_beside(request, applied, now) {
                    self.report(user, experience, applied, now);
                }
                return Answer::Ok;
            }
            if self.reports_erased(request, now) {
                // What the experience had applied of a newer ban is no longer in place.
                if !self.history.holding(user, experience, now).is_empty() {
                    self.report(user, experience, Report::NotBanned, now);
                }
                return Answer::Ok;
            }
        } else if current.is_some_and(|current| says(request, &current, now)) {
            return Answer::Ok;
        }

        // No decision on a ban precedes the last one, even if its clock is behind.
        let last = in_force.as_ref().map(|ban| self.history.updated(ban));
        let at = last.map_or(now, |last| last.max(now));
        let terms = Terms {
            moderator: request.moderator,
            private_reason: request.private_reason.clone(),
            public_reason: request.public_reason.clone(),
            expires: expires(request.length, at),
            universal: request
                .universal
                .unwrap_or(current.is_none_or(|current| current.terms.universal)),
        };
        if terms.expires <= Expiry::At(now) {
            return Answer::ExpiryPassed;
        }
        let decided = current.map(|current| current.number);
        self.called(said, now);
        let applied = if let (Some(ban), Some(number)) = (&in_force, decided) {
            let applied = Report::Banned(ban.guid(), number + 1);
            self.history.add(at, Event::Changed(ban.guid(), terms));
            applied
        } else {
            let made = Made {
                identity,
                user,
                scope,
                experience,
                terms,
                at: now,
            };
            self.history.add(now, Event::Made(made));
            Report::Banned(identity.guid, 1)
        };
        if request.applied {
            self.report(user, experience, applied, now);
        }
        Answer::Ok
    }

    /// `POST /ban-async?isAppeal=true`.
    pub fn appeal(&mut self, request: &BanRequest, by: Option<&str>, now: UnixSeconds) -> Answer {
        let BanRequest { user, scope, .. } = *request;
        let experience = self.acts_in(request.place, now);
        self.link(experience, now);
        let said = by.map(|by| Said::appeal(by, request));
        let Some(ban) = self.in_force(user, experience, scope, now) else {
            let place = ScopeOf::new(user, scope, experience);
            let is_repeat = |said| self.is_repeat(said, &[place], now);
            return if said.as_ref().is_some_and(is_repeat) {
                Answer::Ok
            } else {
                Answer::NotFound
            };
        };
        let guid = ban.guid();
        self.called(said, now);
        self.history.add(now, Event::Ended(guid, How::Appealed));
        if request.applied {
            self.report(user, experience, Report::NotBanned, now);
        }
        Answer::Ok
    }

    /// `POST /unban-async`.
    pub fn unban(&mut self, request: &UnbanRequest, by: Option<&str>, now: UnixSeconds) -> Answer {
        let UnbanRequest { user, place, .. } = *request;
        let experience = self.acts_in(place, now);
        self.link(experience, now);
        let was_never_banned = self.history.reaching(user, experience).is_empty();
        if was_never_banned && self.history.reported(user, experience) == Report::NotBanned {
            return Answer::NotFound;
        }
        let reason = request.reason.as_deref().unwrap_or_default();
        let is_report = request.report_only
            || reason == "Ban was appealed."
            || reason == "Ban automatically expired."
            || reason.starts_with("[luauCRON]");
        let holding = self.history.holding(user, experience, now);
        let holding: Vec<_> = holding.into_iter().map(Made::guid).collect();

        let said = by.map(|by| Said::unban(by, request));
        if !holding.is_empty() && !is_report {
            self.called(said, now);
            for guid in holding {
                self.history.add(now, Event::Ended(guid, How::Lifted));
            }
            if request.applied {
                self.report(user, experience, Report::NotBanned, now);
            }
            return Answer::Ok;
        }
        // A game server that sends nothing else reports the unban that is pending there, unless it
        // repeats the call that lifted the ban.
        let is_bare = request.from_game && request.reason.is_none() && request.moderator.is_none();
        let scopes = [Scope::Experience, Scope::Global];
        let scopes = scopes.map(|scope| ScopeOf::new(user, scope, experience));
        let is_repeat = said.is_some_and(|said| self.is_repeat(&said, &scopes, now));
        if is_report || (is_bare && !is_repeat) {
            self.report(user, experience, Report::NotBanned, now);
        }
        Answer::Ok
    }

    /// The user is erased: nothing that happened to them is known any more.
    pub fn erase(&mut self, user: UserId, now: UnixSeconds) {
        self.erased.push((user, now, self.history.clone()));
        self.history.erase(user);
    }

    /// Records a call that decides something.
    fn called(&mut self, said: Option<Said>, now: UnixSeconds) {
        self.history.add(now, Event::Called(said));
    }

    fn is_repeat(&self, said: &Said, scopes: &[ScopeOf], now: UnixSeconds) -> bool {
        self.history.is_repeat(said, now.minus(TEN_MINUTES), scopes)
    }

    fn report(&mut self, user: UserId, experience: ExperienceId, report: Report, now: UnixSeconds) {
        self.history
            .add(now, Event::Reported(user, experience, report));
    }
}

/// Questions.
impl Model {
    /// `POST /is-banned`: the ban in force, else the latest. The user is banned if it is active.
    #[must_use]
    pub fn is_banned(
        &self,
        user: UserId,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Option<BanState> {
        let looks_in = self.looks_in(experience.into());
        let counting = looks_in.iter().filter_map(|at| {
            let ban = self.history.counting(user, *at, now)?;
            let is_global = ban.scope == Scope::Global;
            Some((self.history.current(ban).until, is_global, ban.guid(), ban))
        });
        let counting =
            counting.max_by_key(|(until, is_global, guid, _)| (*until, *is_global, *guid));
        let latest = || {
            let bans = looks_in
                .iter()
                .filter_map(|at| self.history.reaching(user, *at).pop());
            bans.max_by_key(|ban| ban.guid())
        };
        let shown = counting.map(|(.., ban)| ban).or_else(latest)?;
        Some(self.state(shown, self.acts_in(experience.into(), now), now))
    }

    /// `GET /pending-bans`, oldest first.
    #[must_use]
    pub fn pending_bans(&self, experience: ExperienceId, now: UnixSeconds) -> Vec<BanState> {
        let experience = self.acts_in(experience.into(), now);
        if !self.history.is_linked(experience) {
            return Vec::new();
        }
        let users = self.history.users().into_iter();
        let mut list: Vec<_> = users
            .filter_map(|user| self.history.counting(user, experience, now))
            .map(|ban| self.state(ban, experience, now))
            .filter(|ban| !ban.applied)
            .map(|ban| self.with_failures(ban, experience, now))
            .collect();
        list.sort_by_key(|ban| ban.guid);
        list
    }

    /// `GET /pending-unbans`: the bans last reported, ordered by the time since which the user is
    /// free.
    #[must_use]
    pub fn pending_unbans(&self, experience: ExperienceId, now: UnixSeconds) -> Vec<BanState> {
        let experience = self.acts_in(experience.into(), now);
        if !self.history.is_linked(experience) {
            return Vec::new();
        }
        let mut list = Vec::new();
        for user in self.history.users() {
            if let Report::Banned(guid, _) = self.history.reported(user, experience)
                && self.history.holding(user, experience, now).is_empty()
                && let Some(applied) = self.history.bans().find(|ban| ban.guid() == guid)
            {
                list.push((self.history.free_since(user, experience), guid, applied));
            }
        }
        list.sort_by_key(|(since, guid, _)| (*since, *guid));
        list.into_iter()
            .map(|(_, _, applied)| self.state(applied, experience, now))
            .map(|ban| self.with_failures(ban, experience, now))
            .collect()
    }

    /// `GET /bans`: all bans, newest first, each as seen from its own experience.
    #[must_use]
    pub fn bans(&self, now: UnixSeconds) -> Vec<BanState> {
        let bans = self.history.bans();
        let mut list: Vec<_> = bans
            .map(|ban| self.state(ban, ban.experience, now))
            .collect();
        list.sort_by_key(|ban| Reverse(ban.guid));
        list
    }

    /// The decisions in order, each with the ban it was made on.
    pub fn decided(&self) -> impl Iterator<Item = (Guid, DecisionKind)> {
        self.history.decided()
    }

    /// The revision that the experience last reported; none for "not banned".
    #[must_use]
    pub fn reported(&self, user: UserId, experience: ExperienceId) -> Option<(Guid, u32)> {
        match self.history.reported(user, experience) {
            Report::Banned(guid, revision) => Some((guid, revision)),
            Report::NotBanned => None,
        }
    }

    /// All bans that were ever in force on the user in the experience.
    #[must_use]
    pub fn reaching(&self, user: UserId, experience: ExperienceId) -> Vec<Guid> {
        let bans = self.history.reaching(user, experience).into_iter();
        bans.map(Made::guid).collect()
    }

    fn in_force(
        &self,
        user: UserId,
        experience: ExperienceId,
        scope: Scope,
        now: UnixSeconds,
    ) -> Option<&Made> {
        let holding = self.history.holding(user, experience, now);
        holding.into_iter().find(|ban| ban.scope == scope)
    }

    /// The revision that a ban call with `overwrite` and `applied` reports as applied: of those
    /// with equal terms that were in force within the last hour, the last one.
    fn reported_by(&self, request: &BanRequest, now: UnixSeconds) -> Option<Report> {
        let experiences = self.may_report(request.place, now);
        let scope = (self.acts_in(request.place, now), experiences.as_slice());
        reported(&self.history, request, scope, now.minus(AN_HOUR), now)
    }

    /// Whether a report is of an Experience ban of the root that the place is about to join, or has
    /// just left. Then it is not recorded.
    fn is_of_root_beside(&self, request: &BanRequest, report: Report, now: UnixSeconds) -> bool {
        let Some(root) = self.root_beside(request.place, now) else {
            return false;
        };
        matches!(report, Report::Banned(guid, _) if self.history.is_made_in(guid, root))
    }

    /// Whether such a call reports a revision that was erased within the last hour and could still
    /// be reported then.
    fn reports_erased(&self, request: &BanRequest, now: UnixSeconds) -> bool {
        let lately = |at: UnixSeconds| now <= at.plus(AN_HOUR);
        let mut erased = self.erased.iter();
        erased.any(|(user, at, history)| {
            let is_theirs = *user == request.user && lately(*at);
            let experiences = self.may_report(request.place, now);
            let scope = (self.acts_in(request.place, now), experiences.as_slice());
            is_theirs && reported(history, request, scope, at.minus(AN_HOUR), now).is_some()
        })
    }

    fn state(&self, ban: &Made, experience: ExperienceId, now: UnixSeconds) -> BanState {
        let current = self.history.current(ban);
        let applied = Report::Banned(ban.guid(), current.number);
        BanState {
            guid: ban.guid(),
            uid: ban.identity.uid,
            user: ban.user,
            scope: ban.scope,
            made_in: ban.experience,
            terms: current.terms.clone(),
            revision: current.number,
            created: ban.at,
            updated: self.history.updated(ban),
            active: current.holds(now),
            appealed: self.history.is_appealed(ban),
            applied: self.history.reported(ban.user, experience) == applied,
            failures: None,
        }
    }
}
