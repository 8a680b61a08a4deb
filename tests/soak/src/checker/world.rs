//! One possible course of events: the naive model, with what it has been told so far.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use end_to_end::requests::is_set;
use serde_json::Value;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, Guid, Uid};
use shared::domain::rules::model::{Answer, BanState, Model};
use shared::domain::rules::{BanRequest, DecisionKind, Identity, Length};

use super::evidence::{Evidence, Past, guid_of};
use super::shown::brief;
use crate::history::{Call, What};

/// Stands for the `Idempotency-Key` of a call without one.
const NO_NAME: &str = "";

/// A possible course of events on one user.
#[derive(Clone, Debug, Default)]
pub struct World {
    model: Model,
    /// How many decisions each ban has seen.
    seen: BTreeMap<Guid, usize>,
    /// The idempotency keys of the calls that succeeded.
    used: BTreeSet<String>,
}

/// What a call would come to.
#[derive(Clone, Debug)]
pub struct Played {
    /// The world afterwards.
    pub world: World,
    /// Whether it is another one.
    pub changed: bool,
}

impl World {
    /// The world after a call that was decided at `now`, a ban that it makes being called `name`; or
    /// why it cannot have been.
    pub fn play(
        &self,
        call: &Call,
        evidence: &Evidence,
        now: UnixSeconds,
        name: Identity,
    ) -> Result<Played, String> {
        let repeats = call.key.as_ref().is_some_and(|key| self.used.contains(key));
        // All actors of a workspace share its API key.
        let by_key = Some(call.key.as_deref().unwrap_or(NO_NAME));
        let mut world = self.clone();
        let (said, by, place) = match &call.what {
            What::Check(user, experience) => {
                let said = self.model.is_banned(*user, *experience, now);
                let reaching = self.model.reaching(*user, *experience);
                let body = call.body().unwrap_or(&Value::Null);
                let reports = !evidence.mirrored.contains(experience);
                return is_told(body, said.as_ref(), &reaching, reports).map(|()| self.unchanged());
            }
            What::Ban { request, .. } if is_past(request, now) => {
                (Answer::ExpiryPassed, None, None)
            }
            What::Ban { .. } | What::Unban(_) if repeats => (Answer::Ok, None, None),
            What::Ban { request, appeal } => {
                let by = Some(request.moderator.get());
                let said = if *appeal {
                    world.model.appeal(request, by_key, now)
                } else {
                    world.model.ban(request, by_key, name, now)
                };
                (said, by, Some((request.user, request.experience)))
            }
            What::Unban(request) => {
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
            Ok(Played { world, changed })
        } else {
            Ok(self.unchanged())
        }
    }

    fn unchanged(&self) -> Played {
        Played {
            world: self.clone(),
            changed: false,
        }
    }

    fn count(&self) -> usize {
        self.seen.values().sum()
    }

    /// What a ban may be called that is made now: any that its moderator made by the history. The one
    /// who made two may have made either first, since their names come from clocks.
    pub fn names(&self, call: &Call, evidence: &Evidence) -> Vec<Identity> {
        let made = match &call.what {
            What::Ban { request, .. } => evidence.made_by(request.moderator.get()),
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

    /// A decision is made; it must be the one that the history has in its place.
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
        let made = state.map(|ban| Past {
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
            Some(recorded) => format!(
                "its decision, {made}, is not in the history, which has {recorded} in its place"
            ),
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

    /// What tells this world from others with the same user.
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

    /// Everything in which the end is other than in this world.
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
                    if ban.active { "in force" } else { "over" },
                    brief(listed)
                ));
            }
        }
        let of_servers = |at: &&ExperienceId| !evidence.mirrored.contains(at);
        // What a mirror leaves pending is judged with what Roblox holds.
        for experience in evidence.experiences.iter().filter(of_servers) {
            let guids = |list: Vec<BanState>| list.into_iter().map(|ban| ban.guid).collect();
            let owed: Vec<Guid> = guids(self.model.pending_bans(*experience, now));
            let listed = evidence.pending_bans.get(experience);
            if listed != Some(&owed) {
                wrong.push(format!(
                    "{experience} should have the bans {owed:?} pending, but has {listed:?}"
                ));
            }
            let owed: Vec<Guid> = guids(self.model.pending_unbans(*experience, now));
            let listed = evidence.pending_unbans.get(experience);
            if listed != Some(&owed) {
                wrong.push(format!(
                    "{experience} should have the unbans of {owed:?} pending, but has {listed:?}"
                ));
            }
        }
        for experience in &evidence.experiences {
            let said = self.model.is_banned(user, *experience, now);
            let reaching = self.model.reaching(user, *experience);
            let told = evidence.checks.get(experience).unwrap_or(&Value::Null);
            let reports = !evidence.mirrored.contains(experience);
            if let Err(why) = is_told(told, said.as_ref(), &reaching, reports) {
                wrong.push(format!("{experience} asks about the user: {why}"));
            }
        }
        wrong
    }

    /// An experience that is linked from the beginning.
    pub fn linked(evidence: &Evidence) -> Self {
        let mut world = Self::default();
        for experience in &evidence.experiences {
            world.model.link(*experience, UnixSeconds(0));
        }
        world
    }
}

/// Whether the edge refuses the call because its instant has passed. What may be a late confirmation
/// it lets through.
fn is_past(request: &BanRequest, now: UnixSeconds) -> bool {
    let may_be_late = request.overwrite && request.completed;
    matches!(request.length, Length::Until(at) if at <= now) && !may_be_late
}

/// Whether a call was answered as the model says.
fn is_answer(call: &Call, said: &Answer, reports: bool) -> Result<(), String> {
    let expected = match said {
        Answer::Ok => 200,
        Answer::AlreadyBanned(_) => 409,
        Answer::ExpiryPassed => 400,
        Answer::NotFound => 404,
    };
    if call.status() != Some(expected) {
        return Err(format!("{expected} was to be answered"));
    }
    let Answer::AlreadyBanned(ban) = said else {
        return Ok(());
    };
    let shown = call.body().and_then(|body| body.get("ban"));
    is_told(shown.unwrap_or(&Value::Null), Some(ban), &[], reports)
}

/// Whether an answer tells of this ban, or of none. Which ban that is over is told when none is in
/// force depends on the clocks that named them, so any that was in force will do.
///
/// Whether it is reported is left open where it is not the calls alone that `reports`.
fn is_told(
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
                Err("no ban holds".to_owned())
            } else if told.is_none_or(|told| !reaching.contains(&told)) {
                Err("one of the bans that are over was to be told".to_owned())
            } else {
                Ok(())
            }
        }
        Some(ban) => {
            let number = |name: &str| body.get(name).and_then(Value::as_u64);
            let completed = body.get("experienceBanCompleted").is_some_and(is_set);
            let reason = body.get("privateReason").and_then(Value::as_str);
            let right = banned
                && told == Some(ban.guid)
                && number("expires") == Some(ban.terms.expires.seconds())
                && number("moderatorId") == Some(ban.terms.moderator.get())
                && reason == Some(ban.terms.private_reason.as_str())
                && (completed == ban.completed || !reports);
            if right {
                Ok(())
            } else {
                Err(format!(
                    "the ban {} by {}, until {}, {}, holds",
                    ban.guid,
                    ban.terms.moderator,
                    ban.terms.expires.seconds(),
                    if ban.completed {
                        "reported"
                    } else {
                        "not reported"
                    },
                ))
            }
        }
    }
}
