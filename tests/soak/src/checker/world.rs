//! One possible course of events: the naive model with the calls that have taken effect so far.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use end_to_end::requests::is_set;
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, Uid};
use shared::domain::rules::model::{Answer, BanState, Model};
use shared::domain::rules::{BanRequest, DecisionKind, Identity, Length};

use super::display::brief;
use super::evidence::{Evidence, RecordedDecision, guid_of};
use crate::history::{Operation, RecordedCall};

/// Stands for the `Idempotency-Key` of a call without one.
const NO_IDEMPOTENCY_KEY: &str = "";

#[derive(Clone, Debug, Default)]
pub struct World {
    model: Model,
    /// How many decisions each ban has seen.
    seen: BTreeMap<Guid, usize>,
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
    /// The world after a call decided at `now` that names a new ban `name`; or why the call cannot
    /// have happened then.
    pub fn play(
        &self,
        call: &RecordedCall,
        evidence: &Evidence,
        now: UnixSeconds,
        name: Identity,
    ) -> Result<Effect, String> {
        let repeats = call.key.as_ref().is_some_and(|key| self.used.contains(key));
        // All clients of a workspace share its API key.
        let by_key = Some(call.key.as_deref().unwrap_or(NO_IDEMPOTENCY_KEY));
        let mut world = self.clone();
        let (said, by, place) = match &call.operation {
            Operation::Check(user, experience) => {
                let said = self.model.is_banned(*user, *experience, now);
                let reaching = self.model.reaching(*user, *experience);
                let body = call.body().unwrap_or(&Value::Null);
                let reports = !evidence.mirrored.contains(experience);
                return matches_ban(body, said.as_ref(), &reaching, reports)
                    .map(|()| self.unchanged());
            }
            Operation::Ban { request, .. } if is_past(request, now) => {
                (Answer::ExpiryPassed, None, None)
            }
            Operation::Ban { .. } | Operation::Unban(_) if repeats => (Answer::Ok, None, None),
            Operation::Ban { request, appeal } => {
                let by = Some(request.moderator.get());
                let said = if *appeal {
                    world.model.appeal(request, by_key, now)
                } else {
                    world.model.ban(request, by_key, name, now)
                };
                (said, by, Some((request.user, request.experience)))
            }
            Operation::Unban(request) => {
                let by = request.moderator.map(shared::domain::ids::ModeratorId::get);
                let said = world.model.unban(request, by_key, now);
                (said, by, Some((request.user, request.experience)))
            }
            _ => return Ok(self.unchanged()),
        };
        if !call.is_open() {
            let reports = place.is_none_or(|(_, at)| !evidence.mirrored.contains(&at));
            is_answer(call, &said, reports)?;
        }
        let decided: Vec<_> = world.model.decided().skip(self.count()).collect();
        for (guid, kind) in &decided {
            world.record(evidence, *guid, *kind, by, now)?;
        }
        let reports = |model: &Model| place.map(|(user, at)| model.reported(user, at));
        let mut changed = !decided.is_empty() || reports(&world.model) != reports(&self.model);
        if let (Some(key), Answer::Ok) = (&call.key, &said) {
            changed |= world.used.insert(key.clone());
        }
        if changed {
            Ok(Effect { world, changed })
        } else {
            Ok(self.unchanged())
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
    pub fn names(&self, call: &RecordedCall, evidence: &Evidence) -> Vec<Identity> {
        let made = match &call.operation {
            Operation::Ban { request, .. } => evidence.made_by(request.moderator.get()),
            _ => Vec::new(),
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
        by: Option<u64>,
        now: UnixSeconds,
    ) -> Result<(), String> {
        let at = self.seen.entry(guid).or_default();
        let recorded = evidence.decisions.get(&guid).and_then(|past| past.get(*at));
        *at += 1;
        let bans = self.model.bans(now);
        let state = bans.iter().find(|ban| ban.guid == guid);
        let made = state.map(|ban| RecordedDecision {
            kind,
            by,
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
            let next = left.find(|past| past.by == Some(by))?;
            Some(format!("{next} of the ban {guid}"))
        })
    }

    /// Distinguishes this world from others of the same user.
    pub fn digest(&self, evidence: &Evidence) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.seen.hash(&mut hasher);
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
        let mut wrong = Vec::new();
        for (guid, past) in &evidence.decisions {
            let seen = self.seen.get(guid).copied().unwrap_or_default();
            for extra in past.iter().skip(seen) {
                wrong.push(format!(
                    "the history of the ban {guid} has {extra}, which no call decided"
                ));
            }
        }
        for ban in self.model.bans(now) {
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
            let pending: Vec<Guid> = guids(self.model.pending_bans(*experience, now));
            let listed = evidence.pending_bans.get(experience);
            if listed != Some(&pending) {
                wrong.push(format!(
                    "{experience} should have the bans {pending:?} pending, but has {listed:?}"
                ));
            }
            let pending: Vec<Guid> = guids(self.model.pending_unbans(*experience, now));
            let listed = evidence.pending_unbans.get(experience);
            if listed != Some(&pending) {
                wrong.push(format!(
                    "{experience} should have the unbans of {pending:?} pending, but has {listed:?}"
                ));
            }
        }
        for experience in &evidence.experiences {
            let said = self.model.is_banned(user, *experience, now);
            let reaching = self.model.reaching(user, *experience);
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

/// Whether a call was answered as the model says.
fn is_answer(call: &RecordedCall, said: &Answer, reports: bool) -> Result<(), String> {
    let expected = match said {
        Answer::Ok => 200,
        Answer::AlreadyBanned(_) => 409,
        Answer::ExpiryPassed => 400,
        Answer::NotFound => 404,
    };
    if call.status() != Some(expected) {
        return Err(format!("{expected} was expected"));
    }
    let Answer::AlreadyBanned(ban) = said else {
        return Ok(());
    };
    let shown = call.body().and_then(|body| body.get("ban"));
    matches_ban(shown.unwrap_or(&Value::Null), Some(ban), &[], reports)
}

/// Whether a response shows this ban, or none. Without an active ban, the clocks that named the
/// bans decide which one is shown, so any that was active is accepted.
///
/// `reports` is false where a mirror reports too; then the report may be either.
fn matches_ban(
    body: &Value,
    said: Option<&BanState>,
    reaching: &[Guid],
    reports: bool,
) -> Result<(), String> {
    let banned = body.get("isBanned").is_some_and(is_set);
    let told = guid_of(body);
    match said {
        None if banned || told.is_some() => Err("the user was never banned there".to_owned()),
        None if body.is_null() => Err("there was no answer".to_owned()),
        None => Ok(()),
        Some(ban) if !ban.active => {
            if banned {
                Err("no ban is active".to_owned())
            } else if told.is_none_or(|told| !reaching.contains(&told)) {
                Err("an ended ban was expected".to_owned())
            } else {
                Ok(())
            }
        }
        Some(ban) => {
            let number = |name: &str| body.get(name).and_then(Value::as_u64);
            let applied = body.get("experienceBanCompleted").is_some_and(is_set);
            let reason = body.get("privateReason").and_then(Value::as_str);
            let right = banned
                && told == Some(ban.guid)
                && number("expires") == Some(ban.terms.expires.seconds())
                && number("moderatorId") == Some(ban.terms.moderator.get())
                && reason == Some(ban.terms.private_reason.as_str())
                && (applied == ban.applied || !reports);
            if right {
                Ok(())
            } else {
                Err(format!(
                    "the ban {} by {}, until {}, {}, is active",
                    ban.guid,
                    ban.terms.moderator,
                    ban.terms.expires.seconds(),
                    if ban.applied {
                        "reported"
                    } else {
                        "not reported"
                    },
                ))
            }
        }
    }
}
