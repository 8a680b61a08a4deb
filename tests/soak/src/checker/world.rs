//! One possible course of events: the naive model with the calls that have taken effect so far.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use end_to_end::requests::is_set;
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, Uid};
use shared::domain::rules::model::{Answer, BanState, Model};
use shared::domain::rules::{BanRequest, DecisionKind, Identity, Length};

use super::carry_over::CarryOver;
use super::display::brief;
use super::evidence::{Decider, Evidence, RecordedDecision};
use super::places::{SeenPlace, View};
use super::replies::{is_answer, matches_ban};
use super::search::Step;
use crate::history::{Operation, RecordedCall};

/// Stands for the `Idempotency-Key` of a call without one.
const NO_IDEMPOTENCY_KEY: &str = "";

#[derive(Clone, Debug, Default)]
pub struct World {
    model: Model,
    /// How many decisions each ban has seen.
    seen: BTreeMap<Guid, usize>,
    /// Where each ban was made, which depends on how its function saw the place.
    made_in: BTreeMap<Guid, ExperienceId>,
    /// The idempotency keys of successful calls.
    used: BTreeSet<String>,
}

/// The effect of a call.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The world afterwards.
    pub world: World,
    /// Whether the world differs from before.
    pub changed: bool,
}

impl World {
    /// The world after a step at `now` that names a new ban `name`, by a function that saw the place in
    /// question like this; or why it cannot have happened then.
    pub fn play(
        &self,
        step: &Step<'_>,
        evidence: &Evidence,
        now: UnixSeconds,
        name: Identity,
        seen: Option<&SeenPlace>,
    ) -> Result<Effect, String> {
        let mut world = self.clone();
        if let Some(seen) = seen {
            seen.show(&mut world.model, now);
        }
        match step {
            Step::Call(call) => world.play_call(call, evidence, now, name, seen),
            Step::CarryOver(carried) => world.carry_over(carried, evidence, now, name),
        }
    }

    /// Carries the user over from a place to its root.
    fn carry_over(
        &self,
        carried: &CarryOver,
        evidence: &Evidence,
        now: UnixSeconds,
        name: Identity,
    ) -> Result<Effect, String> {
        let mut world = self.clone();
        world
            .model
            .carry_over(evidence.user, carried.part, name, now);
        let by = Decider::Join(carried.name.clone());
        let decided: Vec<_> = world.model.decided().skip(self.count()).collect();
        for (guid, kind) in &decided {
            world.record(evidence, *guid, *kind, &by, now)?;
        }
        Ok(self.or_unchanged(world, evidence, !decided.is_empty()))
    }

    fn play_call(
        &self,
        call: &RecordedCall,
        evidence: &Evidence,
        now: UnixSeconds,
        name: Identity,
        seen: Option<&SeenPlace>,
    ) -> Result<Effect, String> {
        let repeats = call.key.as_ref().is_some_and(|key| self.used.contains(key));
        // All clients of a workspace share its API key.
        let by_key = Some(call.key.as_deref().unwrap_or(NO_IDEMPOTENCY_KEY));
        let mut world = self.clone();
        let (said, by) = match &call.operation {
            Operation::Check(user, experience) => {
                let said = self.model.is_banned(*user, *experience, now);
                let reaching = reaching(&self.model, evidence, *experience, seen);
                let body = call.body().unwrap_or(&Value::Null);
                let reports = !evidence.mirrored.contains(experience);
                matches_ban(body, said.as_ref(), &reaching, reports)?;
                self.lets_in(evidence, now, said.as_ref(), seen)?;
                return Ok(self.unchanged());
            }
            Operation::Ban { request, .. } if is_past(request, now) => (Answer::ExpiryPassed, None),
            Operation::Ban { .. } | Operation::Unban(_) if repeats => (Answer::Ok, None),
            Operation::Ban { request, appeal } => {
                let by = Some(request.moderator.get());
                let said = if *appeal {
                    world.model.appeal(request, by_key, now)
                } else {
                    world.model.ban(request, by_key, name, now)
                };
                (said, by)
            }
            Operation::Unban(request) => {
                let by = request.moderator.map(shared::domain::ids::ModeratorId::get);
                let said = world.model.unban(request, by_key, now);
                (said, by)
            }
            Operation::Report(experience, report) => {
                let status = world.model.change_report(*experience, report, now);
                let said = Answer::Reported(status);
                (said, None)
            }
            _ => return Ok(self.unchanged()),
        };
        if !call.is_open() {
            let place = call.operation.place();
            let reports = place.is_none_or(|at| !evidence.mirrored.contains(&at));
            is_answer(call, &said, reports)?;
        }
        let by = Decider::Moderator(by);
        let decided: Vec<_> = world.model.decided().skip(self.count()).collect();
        for (guid, kind) in &decided {
            world.record(evidence, *guid, *kind, &by, now)?;
        }
        let mut changed = !decided.is_empty();
        if let (Some(key), Answer::Ok) = (&call.key, &said) {
            changed |= world.used.insert(key.clone());
        }
        Ok(self.or_unchanged(world, evidence, changed))
    }

    /// The world afterwards, if it differs in anything that matters.
    fn or_unchanged(&self, world: Self, evidence: &Evidence, changed: bool) -> Effect {
        let reports = |model: &Model| {
            let places = evidence.experiences.iter();
            let reports = places.map(|at| model.reported(evidence.user, *at));
            reports.collect::<Vec<_>>()
        };
        if changed || reports(&world.model) != reports(&self.model) {
            let changed = true;
            Effect { world, changed }
        } else {
            self.unchanged()
        }
    }

    /// A user whom a ban of the place still blocks must not get in because the place has joined its root.
    fn lets_in(
        &self,
        evidence: &Evidence,
        now: UnixSeconds,
        said: Option<&BanState>,
        seen: Option<&SeenPlace>,
    ) -> Result<(), String> {
        let Some(joined) = seen.filter(|seen| seen.view == View::Joined { is_current: true })
        else {
            return Ok(());
        };
        let mut alone = self.model.clone();
        let view = View::Alone;
        SeenPlace { view, ..*joined }.show(&mut alone, now);
        match alone.is_banned(evidence.user, joined.part, now) {
            Some(ban) if ban.active && said.is_none_or(|said| !said.active) => Err(format!(
                "the ban {} of the place was not carried over, and its user let in",
                ban.guid
            )),
            _ => Ok(()),
        }
    }

    fn unchanged(&self) -> Effect {
        Effect {
            world: self.clone(),
            changed: false,
        }
    }

    fn count(&self) -> usize {
        self.seen.values().sum()
    }

    /// The possible names of a ban made now: any that its moderator made according to the history.
    /// If the moderator made two, either may be the first, since clocks make the names.
    pub fn names(&self, step: &Step<'_>, evidence: &Evidence) -> Vec<Identity> {
        let by = match step {
            Step::Call(call) => Decider::Moderator(call.operation.moderator()),
            Step::CarryOver(carried) => Decider::Join(carried.name.clone()),
        };
        let may_make = match step {
            Step::Call(call) => matches!(call.operation, Operation::Ban { .. }),
            Step::CarryOver(_) => true,
        };
        let made = if may_make {
            evidence.made_by(&by)
        } else {
            Vec::new()
        };
        let mut open: Vec<_> = made
            .into_iter()
            .filter(|name| !self.seen.contains_key(&name.guid))
            .collect();
        if open.is_empty() {
            open.push(Identity {
                guid: Guid::from(0),
                uid: Uid(0),
            });
        }
        open
    }

    /// Makes a decision, which must be the next one in the history.
    fn record(
        &mut self,
        evidence: &Evidence,
        guid: Guid,
        kind: DecisionKind,
        by: &Decider,
        now: UnixSeconds,
    ) -> Result<(), String> {
        let at = self.seen.entry(guid).or_default();
        let recorded = evidence.decisions.get(&guid).and_then(|past| past.get(*at));
        *at += 1;
        let bans = self.model.bans(now);
        let state = bans.iter().find(|ban| ban.guid == guid);
        self.made_in
            .extend(state.map(|state| (guid, state.made_in)));
        let made = state.map(|ban| RecordedDecision {
            kind,
            by: by.clone(),
            expires: ban.terms.expires.seconds(),
            reason: ban.terms.private_reason.clone(),
        });
        if made.is_some() && made.as_ref() == recorded {
            return Ok(());
        }
        let made = made.map_or_else(|| "nothing".to_owned(), |made| made.to_string());
        Err(match recorded {
            None => format!("its decision, {made}, is not in the history"),
            Some(recorded) => {
                format!("its decision, {made}, is not in the history, which has {recorded} instead")
            }
        })
    }

    /// A recorded decision of the moderator that has not been made yet.
    pub fn next_decision_of(&self, evidence: &Evidence, by: u64) -> Option<String> {
        evidence.decisions.iter().find_map(|(guid, past)| {
            let seen = self.seen.get(guid).copied().unwrap_or_default();
            let mut left = past.iter().skip(seen);
            let next = left.find(|past| past.by == Decider::Moderator(Some(by)))?;
            Some(format!("{next} of the ban {guid}"))
        })
    }

    /// Distinguishes this world from others of the same user.
    pub fn digest(&self, evidence: &Evidence) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.seen.hash(&mut hasher);
        self.made_in.hash(&mut hasher);
        self.used.hash(&mut hasher);
        for experience in &evidence.experiences {
            self.model
                .reported(evidence.user, *experience)
                .hash(&mut hasher);
        }
        hasher.finish()
    }

    /// All differences between this world and the final state.
    pub fn differences(&self, evidence: &Evidence) -> Vec<String> {
        let (user, now) = (evidence.user, evidence.at);
        let mut model = self.model.clone();
        evidence
            .places
            .iter()
            .for_each(|seen| seen.show(&mut model, now));
        let mut wrong = Vec::new();
        for (guid, past) in &evidence.decisions {
            let seen = self.seen.get(guid).copied().unwrap_or_default();
            for extra in past.iter().skip(seen) {
                wrong.push(format!(
                    "the history of the ban {guid} has {extra}, which no call decided"
                ));
            }
        }
        for ban in model.bans(now) {
            let Some(listed) = evidence.bans.get(&ban.guid) else {
                wrong.push(format!("the ban {} was made and is not listed", ban.guid));
                continue;
            };
            let flag = |name: &str| listed.get(name).is_some_and(is_set);
            if flag("isActive") != ban.active || flag("isAppealed") != ban.appealed {
                wrong.push(format!(
                    "the ban {} should be {}, but it is listed as {}",
                    ban.guid,
                    if ban.active { "active" } else { "ended" },
                    brief(listed)
                ));
            }
        }
        let of_servers = |at: &&ExperienceId| !evidence.mirrored.contains(at);
        // The mirror's checks cover what a mirror leaves pending.
        for experience in evidence.experiences.iter().filter(of_servers) {
            let guids = |list: Vec<BanState>| list.into_iter().map(|ban| ban.guid).collect();
            let pending: Vec<Guid> = guids(model.pending_bans(*experience, now));
            let listed = evidence.pending_bans.get(experience);
            if listed != Some(&pending) {
                wrong.push(format!(
                    "{experience} should have the bans {pending:?} pending, but has {listed:?}"
                ));
            }
            let pending: Vec<Guid> = guids(model.pending_unbans(*experience, now));
            let listed = evidence.pending_unbans.get(experience);
            if listed != Some(&pending) {
                wrong.push(format!(
                    "{experience} should have the unbans of {pending:?} pending, but has {listed:?}"
                ));
            }
        }
        for experience in &evidence.experiences {
            let said = model.is_banned(user, *experience, now);
            let seen = evidence.places.iter().find(|seen| seen.part == *experience);
            let reaching = reaching(&model, evidence, *experience, seen);
            let told = evidence.checks.get(experience).unwrap_or(&Value::Null);
            let reports = !evidence.mirrored.contains(experience);
            if let Err(why) = matches_ban(told, said.as_ref(), &reaching, reports) {
                wrong.push(format!("{experience} asks about the user: {why}"));
            }
        }
        wrong
    }

    /// A world whose experiences are all linked.
    pub fn linked(evidence: &Evidence) -> Self {
        let mut world = Self::default();
        for experience in &evidence.experiences {
            world.model.link(*experience, UnixSeconds(0));
        }
        world
    }
}

/// Whether the edge refuses the call because its expiry has passed. It lets a possible late report
/// through.
fn is_past(request: &BanRequest, now: UnixSeconds) -> bool {
    let may_be_late = request.overwrite && request.applied;
    matches!(request.length, Length::Until(at) if at <= now) && !may_be_late
}

/// All bans that were ever in force on the user where a function with this view looks.
fn reaching(
    model: &Model,
    evidence: &Evidence,
    place: ExperienceId,
    seen: Option<&SeenPlace>,
) -> Vec<Guid> {
    let root = seen.map(|seen| seen.root);
    let places = std::iter::once(place).chain(root);
    let reaching = places.map(|at| model.reaching(evidence.user, at));
    reaching.flatten().collect()
}
