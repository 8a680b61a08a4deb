//! A store in memory that applies the rules like the database: one Global ban per user, one
//! [`Here`] per user and experience; each call reads both, and writes an outcome or nothing.

mod places;
mod reports;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::{HOUR, MINUTE};
use crate::domain::clock::UnixSeconds;
use crate::domain::ids::{ExperienceId, Guid, UserId};
use crate::domain::places::Membership;
use crate::domain::rules::model::{Answer, BanState};
use crate::domain::rules::{
    Ban, BanRequest, CallDigest, CallMark, Decision, Expiry, Here, Identity, Judgement,
    LATE_WINDOW, Outcome, REPEAT_LIMIT, Refusal, Revision, RevisionRef, Scope, Standing,
    UnbanJudgement, UnbanRequest, Wording, appeal, current_revision, decides, erased, judge_ban,
    judge_unban, lift, make, may_be_late, may_mean_erased, overwrite, report, report_erased,
    report_unbanned,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Store {
    globals: BTreeMap<UserId, (Ban, Option<CallMark>)>,
    heres: BTreeMap<(UserId, ExperienceId), Here>,
    linked: BTreeSet<ExperienceId>,
    records: BTreeMap<Guid, Ban>,
    history: Vec<(UnixSeconds, Decision)>,
    /// The erased wordings, and until when they are valid.
    erased: BTreeMap<Wording, UnixSeconds>,
    /// The places that are part of another one.
    pub(super) joins: BTreeMap<ExperienceId, Membership>,
}

/// Calls.
impl Store {
    pub(super) fn link(&mut self, experience: ExperienceId) {
        self.linked.insert(experience);
    }

    pub(super) fn ban(
        &mut self,
        request: &BanRequest,
        by: Option<&str>,
        identity: Identity,
        now: UnixSeconds,
    ) -> Answer {
        let call = by.map(|by| CallDigest::new(by, None, &request.meaning()));
        let call = call.as_ref();
        let standing = self.standing(request.user, self.acts_in(request.place, now));
        let late = if may_be_late(&standing, request, now) {
            self.late(request, now)
        } else {
            Vec::new()
        };
        let judged = judge_ban(&standing, request, call, &late, now);
        let outcome = if decides(&judged) && self.reports_erased(request, now) {
            Ok(Some(report_erased(&standing, now)))
        } else {
            let place = self.resolved(request.place, now);
            let is_of_root = |revision: RevisionRef| {
                let root = place.root_beside();
                request.scope == Scope::Experience && root == Some(revision.made_in)
            };
            judged.map(|judgement| match judgement {
                Judgement::Nothing => None,
                Judgement::Report(revision) if is_of_root(revision) => None,
                Judgement::Report(revision) => Some(report(&standing, revision)),
                Judgement::Overwrite => Some(overwrite(&standing, request, now).made_by(call, now)),
                Judgement::Make => {
                    let made = make(&standing, request, place.experience, identity, now);
                    Some(made.made_by(call, now))
                }
            })
        };
        self.finish(outcome, request.user, self.acts_in(request.place, now), now)
    }

    pub(super) fn erase(&mut self, user: UserId, now: UnixSeconds) {
        let decided = self.history.iter().filter_map(|(at, decision)| {
            let ban = decision.previous.as_ref()?;
            Some((ban, *at))
        });
        let globals = self.globals.values().map(|(ban, _)| ban);
        let standing = self.heres.values().filter_map(|here| here.ban.as_ref());
        let standing = standing.chain(globals).map(|ban| (ban, now));
        let theirs = decided.chain(standing).filter(|(ban, _)| ban.user == user);
        let erased: Vec<_> = theirs
            .flat_map(|(ban, over)| erased(ban, over, now))
            .collect();
        for (wording, until) in erased {
            let known = self.erased.entry(wording).or_insert(until);
            *known = until.max(*known);
        }
        self.globals.remove(&user);
        self.heres.retain(|(of, _), _| *of != user);
        self.records.retain(|_, ban| ban.user != user);
        self.history
            .retain(|(_, decision)| decision.ban.user != user);
    }

    fn reports_erased(&self, request: &BanRequest, now: UnixSeconds) -> bool {
        let experiences = self.experiences(request.place, now);
        let wordings = may_mean_erased(request, &experiences, now).into_iter();
        wordings
            .filter_map(|wording| self.erased.get(&wording))
            .any(|until| now <= *until)
    }

    pub(super) fn appeal(
        &mut self,
        request: &BanRequest,
        by: Option<&str>,
        now: UnixSeconds,
    ) -> Answer {
        let call = by.map(|by| CallDigest::new(by, None, &request.meaning_as_appeal()));
        let standing = self.standing(request.user, self.acts_in(request.place, now));
        let outcome = appeal(
            &standing,
            request.scope,
            request.applied,
            call.as_ref(),
            now,
        )
        .map(Some);
        self.finish(outcome, request.user, self.acts_in(request.place, now), now)
    }

    pub(super) fn unban(
        &mut self,
        request: &UnbanRequest,
        by: Option<&str>,
        now: UnixSeconds,
    ) -> Answer {
        let call = by.map(|by| CallDigest::new(by, None, &request.meaning()));
        let call = call.as_ref();
        let standing = self.standing(request.user, self.acts_in(request.place, now));
        let outcome = judge_unban(&standing, request, call, now).map(|judgement| match judgement {
            UnbanJudgement::Nothing => None,
            UnbanJudgement::Report => Some(report_unbanned(&standing)),
            UnbanJudgement::Lift => Some(lift(&standing, request, now).made_by(call, now)),
        });
        self.finish(outcome, request.user, self.acts_in(request.place, now), now)
    }

    fn finish(
        &mut self,
        outcome: Result<Option<Outcome>, Refusal>,
        user: UserId,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Answer {
        self.link(experience);
        match outcome {
            Ok(None) => Answer::Ok,
            Ok(Some(Outcome {
                standing,
                decisions,
            })) => {
                if let Some(global) = standing.global {
                    self.globals.insert(user, (global, standing.global_mark));
                }
                self.heres.insert((user, experience), standing.here);
                self.propagate(user);
                for decision in decisions {
                    self.records.insert(decision.ban.guid, decision.ban.clone());
                    self.history.push((now, decision));
                }
                Answer::Ok
            }
            Err(Refusal::AlreadyBanned(ban)) => {
                Answer::AlreadyBanned(Box::new(self.state(&ban, experience, now)))
            }
            Err(Refusal::ExpiryPassed(_)) => Answer::ExpiryPassed,
            Err(Refusal::NotFound) => Answer::NotFound,
        }
    }

    /// A decision reaches the user's other experiences.
    fn propagate(&mut self, user: UserId) {
        let theirs = self.heres.keys().filter(|(of, _)| *of == user);
        for (_, experience) in theirs.copied().collect::<Vec<_>>() {
            let standing = self.standing(user, experience).without_stale_failures();
            self.heres.insert((user, experience), standing.here);
        }
    }

    /// The revisions in the requested scope that a decision of the last hour ended.
    fn late(&self, request: &BanRequest, now: UnixSeconds) -> Vec<Revision> {
        let experiences = self.experiences(request.place, now);
        let other = self.resolved(request.place, now).other;
        let other = other.filter(|_| request.scope == Scope::Experience);
        let other = other.and_then(|other| self.standing(request.user, other).here.ban);
        let other = other.and_then(current_revision);
        let in_scope = |ban: &Ban| match request.scope {
            Scope::Global => ban.scope == Scope::Global,
            Scope::Experience => {
                ban.scope == Scope::Experience && experiences.contains(&ban.made_in)
            }
        };
        let lately = self
            .history
            .iter()
            .filter(|(at, _)| *at >= now.minus(LATE_WINDOW));
        lately
            .filter_map(|(at, decision)| Some((at, decision.previous.clone()?)))
            .filter(|(_, ban)| ban.user == request.user && ban.ending.is_none() && in_scope(ban))
            .map(|(at, ban)| match ban.terms.expires {
                Expiry::At(expired) => Revision {
                    until: expired.min(*at),
                    ban,
                },
                Expiry::Never => Revision { until: *at, ban },
            })
            .chain(other)
            .collect()
    }
}

/// Questions.
impl Store {
    pub(super) fn standing(&self, user: UserId, experience: ExperienceId) -> Standing {
        let global = self.globals.get(&user);
        Standing {
            here: self
                .heres
                .get(&(user, experience))
                .cloned()
                .unwrap_or_default(),
            global: global.map(|(ban, _)| ban.clone()),
            global_mark: global.and_then(|(_, mark)| mark.clone()),
        }
    }

    pub(super) fn history(&self) -> impl Iterator<Item = &Decision> {
        self.history.iter().map(|(_, decision)| decision)
    }

    pub(super) fn is_banned(
        &self,
        user: UserId,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Option<BanState> {
        let place = self.resolved(experience.into(), now);
        let mut standing = self.standing(user, place.experience);
        if let Some(besides) = place.besides {
            standing = standing.with_other(self.standing(user, besides).here, now);
        }
        let shown = standing.shown(now)?;
        Some(BanState {
            applied: standing.here.report == Some(shown.current()),
            ..self.state(shown, place.experience, now)
        })
    }

    pub(super) fn pending_bans(&self, experience: ExperienceId, now: UnixSeconds) -> Vec<BanState> {
        let experience = self.acts_in(experience.into(), now);
        let mut list: Vec<_> = self
            .standings(experience)
            .filter_map(|standing| {
                let pending = standing.pending().ban_at(now)?;
                let ban = self.recorded(pending.revision, experience, now);
                Some(with_failures(ban, &standing, now))
            })
            .collect();
        list.sort_by_key(|ban| ban.guid);
        list
    }

    pub(super) fn pending_unbans(
        &self,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> Vec<BanState> {
        let experience = self.acts_in(experience.into(), now);
        let mut pending: Vec<_> = self
            .standings(experience)
            .filter_map(|standing| Some((standing.pending().unban_at(now)?, standing)))
            .collect();
        pending.sort_by_key(|(pending, _)| (pending.due, pending.reported.guid));
        pending
            .into_iter()
            .map(|(pending, standing)| {
                let ban = self.recorded(pending.reported, experience, now);
                with_failures(ban, &standing, now)
            })
            .collect()
    }

    pub(super) fn bans(&self, now: UnixSeconds) -> Vec<BanState> {
        self.records
            .values()
            .rev()
            .map(|ban| self.state(ban, ban.made_in, now))
            .collect()
    }

    /// The times at which something may change by the clock alone: expiries and the ends of
    /// windows.
    pub(super) fn edges(&self) -> BTreeSet<UnixSeconds> {
        let mut edges = BTreeSet::new();
        for (at, decision) in &self.history {
            edges.extend([MINUTE, REPEAT_LIMIT, HOUR].map(|after| at.plus(after)));
            if let Expiry::At(at) = decision.ban.terms.expires {
                edges.extend([at, at.plus(HOUR)]);
            }
        }
        edges.extend(self.erased.values());
        for join in self.joins.values().filter_map(|it| it.join()) {
            let (announced, carries) = (join.announced.seconds(), join.carries_from().seconds());
            edges.extend([announced.plus(75), carries]);
        }
        edges
    }

    pub(super) fn records_count_their_decisions(&self) -> Result<(), TestCaseError> {
        for ban in self.records.values() {
            let decisions = self
                .history()
                .filter(|decision| decision.ban.guid == ban.guid)
                .count();
            prop_assert_eq!(usize::try_from(ban.decisions).unwrap(), decisions);
        }
        Ok(())
    }

    /// The standing of every user, if the experience is linked.
    fn standings(&self, experience: ExperienceId) -> impl Iterator<Item = Standing> {
        let here = self.heres.keys().map(|(user, _)| user);
        let users: BTreeSet<_> = self.globals.keys().chain(here).copied().collect();
        users
            .into_iter()
            .filter(move |_| self.linked.contains(&experience))
            .map(move |user| self.standing(user, experience))
    }

    fn recorded(
        &self,
        revision: RevisionRef,
        experience: ExperienceId,
        now: UnixSeconds,
    ) -> BanState {
        self.state(&self.records[&revision.guid], experience, now)
    }

    fn state(&self, ban: &Ban, experience: ExperienceId, now: UnixSeconds) -> BanState {
        let reported = self.standing(ban.user, experience).here.report;
        BanState {
            guid: ban.guid,
            uid: ban.uid,
            user: ban.user,
            scope: ban.scope,
            made_in: ban.made_in,
            terms: ban.terms.clone(),
            revision: ban.revision,
            created: ban.created,
            updated: ban.updated,
            active: ban.holds(now),
            appealed: ban.is_appealed(),
            applied: reported == Some(ban.current()),
            failures: None,
        }
    }
}

fn with_failures(ban: BanState, standing: &Standing, now: UnixSeconds) -> BanState {
    let failures = standing.failures_at(now);
    let failures = failures.map(|failures| (failures.count, failures.not_before));
    BanState { failures, ..ban }
}
