//! One attempt on a few bans: reads what is stored about their users, judges each, and writes the
//! new ones on the versions that were read.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use super::found::{Found, Own};
use super::rehearsal::Rehearsal;
use super::{Candidate, Import, ImportFailure, ImportVerdict, Incoming, Origin};
use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{ExperienceId, Guid, Uid};
use crate::domain::lock::lock;
use crate::domain::rules::{self, Ban, Identity, Outcome, Refusal, Scope, Standing};
use crate::store::decisions::actor::Actor;
use crate::store::decisions::commit::{self, Commit};
use crate::store::decisions::snapshot::Snapshot;
use crate::store::dynamo::database::{DatabaseError, TRANSACTION_ACTIONS, refused};
use crate::store::dynamo::schema::Key;
use crate::store::dynamo::versions::EXISTS;

/// How many other experiences report a ban in the ban's own transaction. Each takes up to two
/// actions, and the ban up to twenty.
const REPORTS_WITH_BAN: usize = (TRANSACTION_ACTIONS - 20) / 2;

/// A ban that will be written.
struct Planned {
    ban: Ban,
    snapshot: Snapshot,
    outcome: Outcome,
    /// The other experiences that count as having applied it, with their new standings.
    elsewhere: Vec<(Snapshot, Standing)>,
    /// The note to write, and the run that wrote the existing one.
    note: Option<(Key, Option<String>)>,
    /// The claim of its guid.
    claim: Option<Key>,
    verdict: ImportVerdict,
}

enum Judged {
    Write(Box<Planned>),
    Leave(ImportVerdict),
}

impl Import {
    /// How many bans an attempt has. Each usually takes five actions.
    pub const BATCH: usize = 20;

    /// The results that these bans would have. Each is of a different user.
    pub async fn judge(
        &self,
        candidates: &[Candidate],
    ) -> Result<Vec<ImportVerdict>, ImportFailure> {
        let found = self.read(candidates).await?;
        let now = UnixMillis::now();
        let mut verdicts = Vec::new();
        for candidate in candidates {
            // A dry run takes no numbers.
            let number = self.rehearsed(Rehearsal::number);
            let identity = self.identity(&candidate.incoming, now, number);
            verdicts.push(match self.judged(candidate, identity, &found, now)? {
                Judged::Write(planned) => self.rehearse(candidate, *planned),
                Judged::Leave(verdict) => verdict,
            });
        }
        Ok(verdicts)
    }

    /// Imports the new ones of these bans. Each is of a different user. After a failure the same
    /// candidates can be tried again, together or one by one.
    pub async fn bring(
        &self,
        candidates: &mut [Candidate],
    ) -> Result<Vec<ImportVerdict>, ImportFailure> {
        let found = self.read(candidates).await?;
        let mut numbers = self.numbers_for(candidates, &found).await?;
        let now = UnixMillis::now();
        let mut verdicts = Vec::new();
        let (mut of_each, mut later) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let number = if self.needs_number(candidate, &found) {
                numbers.next().unwrap_or_default()
            } else {
                0
            };
            let identity = self.identity(&candidate.incoming, now, number);
            match self.judged(candidate, identity, &found, now)? {
                Judged::Leave(verdict) => verdicts.push(verdict),
                Judged::Write(planned) => {
                    of_each.push(self.writes(&planned, found.has_checked_guids, now)?);
                    let rest = planned.elsewhere.iter().skip(REPORTS_WITH_BAN);
                    later.extend(rest.map(|(there, _)| {
                        (planned.ban.user, there.experience, planned.ban.current())
                    }));
                    candidate.tried = true;
                    verdicts.push(planned.verdict);
                }
            }
        }
        for pack in packed(of_each) {
            let written = self.store.database.transact(pack).await;
            if matches!(written, Err(DatabaseError::Conflict)) {
                self.meet_another();
            }
            written?;
        }
        // If this is interrupted, the ban stays pending in the rest, where it can be applied again.
        for (user, experience, ban) in later {
            let report =
                self.store
                    .report_applied(self.prefix, user, experience, Some(ban), &self.key_id);
            report.await?;
        }
        Ok(verdicts)
    }

    pub(super) fn rehearsed<T>(&self, act: impl FnOnce(&mut Rehearsal) -> T) -> T {
        act(&mut lock(&self.rehearsal))
    }

    /// Records what is not written.
    fn rehearse(&self, candidate: &Candidate, planned: Planned) -> ImportVerdict {
        let user_and_place = (candidate.user(), planned.ban.made_in);
        let own = if planned.note.is_some() {
            Own::Note(self.key_id.clone())
        } else {
            Own::Record(Box::new(planned.ban))
        };
        let key = self.own_key(candidate);
        let standing = &planned.outcome.standing;
        self.rehearsed(|rehearsal| rehearsal.wrote(user_and_place, standing, key, own));
        planned.verdict
    }

    /// The experiences besides the ban's own that may count as having applied it.
    pub(super) fn experiences(&self, incoming: &Incoming) -> impl Iterator<Item = ExperienceId> {
        let (scope, made_in) = (incoming.scope, incoming.made_in);
        let all = self.applied_in.iter().copied();
        all.filter(move |experience| scope == Scope::Global && *experience != made_in)
    }

    async fn numbers_for(
        &self,
        candidates: &[Candidate],
        found: &Found,
    ) -> Result<std::ops::Range<u64>, DatabaseError> {
        let needed = candidates
            .iter()
            .filter(|candidate| self.needs_number(candidate, found))
            .count();
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        if needed == 0 {
            return Ok(0..0);
        }
        let first = self.store.take_numbers(self.prefix, needed).await?;
        Ok(first..first.saturating_add(needed))
    }

    /// Whether it may be written under a new number; an unused number leaves a gap.
    fn needs_number(&self, candidate: &Candidate, found: &Found) -> bool {
        let is_new = found.get(&self.own_key(candidate)).is_none();
        self.kept(candidate.incoming.origin).is_none()
            && !self.protected.contains(&candidate.user())
            && (is_new || (self.again && candidate.incoming.origin == Origin::New))
    }

    fn identity(&self, incoming: &Incoming, now: UnixMillis, number: u64) -> Identity {
        let uid = self.kept(incoming.origin).unwrap_or(Uid(number));
        let guid = match incoming.origin {
            Origin::Known { guid, .. } => guid,
            Origin::New => Guid::mint(now, uid),
        };
        Identity { guid, uid }
    }

    fn judged(
        &self,
        candidate: &Candidate,
        identity: Identity,
        found: &Found,
        moment: UnixMillis,
    ) -> Result<Judged, DatabaseError> {
        let (incoming, now) = (&candidate.incoming, moment.seconds());
        let leave = |verdict| Ok(Judged::Leave(verdict));
        let written = if incoming.is_replaced() {
            ImportVerdict::Replaced
        } else {
            ImportVerdict::Added
        };
        let there = if candidate.tried {
            written.clone()
        } else {
            ImportVerdict::Unchanged
        };
        let mut snapshot = found.snapshot(self, incoming, incoming.made_in)?;
        snapshot.standing = self.rehearsed(|rehearsal| {
            let standing = snapshot.standing.clone();
            rehearsal.standing(incoming.user, incoming.made_in, standing)
        });
        let mut earlier_note = None;
        match self.own(candidate, found)? {
            None => {}
            Some(Own::Note(run)) => {
                let holds = snapshot.standing.in_force(incoming.scope, now).is_some();
                if !self.again || run == self.key_id || incoming.is_replaced() || holds {
                    return leave(there);
                }
                earlier_note = Some(run);
            }
            Some(Own::Record(stored)) => {
                let uid = self.kept(incoming.origin);
                let differing = incoming.differences(uid, &stored, now);
                let is_lifted = differing.iter().all(|field| LIFTED.contains(field));
                if differing.is_empty() {
                    return leave(there);
                }
                if !self.again || !is_lifted || incoming.ending.is_some() {
                    return leave(ImportVerdict::Differs(differing));
                }
                // An earlier run of this kind may have restored it.
                if stored.holds(now) {
                    return leave(there);
                }
                if self.protected.contains(&incoming.user) {
                    return leave(ImportVerdict::Protected);
                }
                return Ok(reinstated(snapshot, &stored, now));
            }
        }
        if self.protected.contains(&incoming.user) {
            return leave(ImportVerdict::Protected);
        }
        if let Some(other) = found.taken.get(&identity.guid)
            && *other != incoming.user
        {
            return leave(ImportVerdict::Taken(*other));
        }
        if let Some(winner) = &incoming.replaced_by
            && let Some(other) = snapshot.standing.in_force(incoming.scope, now)
            && other.terms != *winner
        {
            return leave(match incoming.origin {
                Origin::New => ImportVerdict::AlreadyBanned(other.guid),
                Origin::Known { .. } => ImportVerdict::InTheWay(other.guid),
            });
        }
        let ban = incoming.ban(identity, now);
        if incoming.origin == Origin::New && !incoming.is_replaced() {
            if !ban.holds(now) {
                return leave(ImportVerdict::Over);
            }
            if let Some(other) = snapshot.standing.in_force(ban.scope, now) {
                return leave(ImportVerdict::AlreadyBanned(other.guid));
            }
        }
        let counts_as_applied = ban.holds(now) && self.applied_in.contains(&ban.made_in);
        let applied = (incoming.applied && !incoming.is_replaced()) || counts_as_applied;
        let outcome = if incoming.is_replaced() {
            rules::import_replaced(&snapshot.standing, ban.clone())
        } else {
            match rules::import(&snapshot.standing, ban.clone(), applied, now) {
                Ok(outcome) => outcome,
                Err(Refusal::AlreadyBanned(other)) => {
                    return leave(ImportVerdict::InTheWay(other.guid));
                }
                Err(_) => return Err(DatabaseError::Refused("an import was refused".to_owned())),
            }
        };
        let elsewhere = self.elsewhere(incoming, &ban, &outcome, found, now)?;
        let is_new = incoming.origin == Origin::New;
        Ok(Judged::Write(Box::new(Planned {
            note: is_new.then(|| (incoming.note(self.prefix), earlier_note)),
            claim: incoming.claim(self.prefix),
            ban,
            snapshot,
            outcome,
            elsewhere,
            verdict: written,
        })))
    }

    /// The other experiences that count as having applied a ban, with their new standings.
    fn elsewhere(
        &self,
        incoming: &Incoming,
        ban: &Ban,
        outcome: &Outcome,
        found: &Found,
        now: UnixSeconds,
    ) -> Result<Vec<(Snapshot, Standing)>, DatabaseError> {
        if !ban.holds(now) {
            return Ok(Vec::new());
        }
        let experiences = self.experiences(incoming);
        let elsewhere = experiences.map(|experience| {
            let there = found.snapshot(self, incoming, experience)?;
            let after = Standing {
                here: there.standing.here.clone(),
                global: outcome.standing.global.clone(),
                global_mark: outcome.standing.global_mark.clone(),
            };
            Ok((there, rules::import_report(after, ban, now)))
        });
        elsewhere.collect()
    }

    fn writes(
        &self,
        planned: &Planned,
        has_checked_guids: bool,
        now: UnixMillis,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &self.store.database.tables().bans;
        let actor = Actor {
            key_id: self.key_id.clone(),
            channel: Channel::Cli,
            moderator: Some(planned.ban.terms.moderator),
            principal: self.principal.clone(),
            request_id: self.key_id.clone(),
        };
        let commit = Commit {
            snapshot: &planned.snapshot,
            outcome: &planned.outcome,
            policy: &self.policy,
            actor: &actor,
            now,
        };
        let mut writes = commit.writes(&self.store.database)?;
        for (snapshot, after) in planned.elsewhere.iter().take(REPORTS_WITH_BAN) {
            if let Some(item) = commit::experience_item(snapshot, after, now.seconds()) {
                writes.push(commit::put_experience(table, snapshot, item)?);
            }
            let before = snapshot.standing.here.report;
            let own = before.filter(|report| report.made_in == snapshot.experience);
            if let Some(report) = own.filter(|_| before != after.here.report) {
                writes.push(clear_applied(table, snapshot, report.guid)?);
            }
        }
        if let Some((key, earlier)) = planned.note.clone() {
            writes.push(self.note(key, earlier.as_deref(), now.seconds())?);
        }
        if let Some(key) = planned.claim.clone() {
            writes.push(self.claim(key, has_checked_guids, now.seconds())?);
        }
        Ok(writes)
    }
}

/// Records that the experience a ban was made from no longer reports it.
fn clear_applied(
    table: &str,
    snapshot: &Snapshot,
    guid: Guid,
) -> Result<TransactWriteItem, DatabaseError> {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(Key::ban(snapshot.prefix, snapshot.user, guid).item()))
        .update_expression("REMOVE applied")
        .condition_expression(EXISTS);
    Ok(TransactWriteItem::builder()
        .update(update.build().map_err(refused)?)
        .build())
}

/// The fields that differ if a ban was only lifted since.
const LIFTED: [&str; 2] = ["isActive", "updated"];

/// A lifted ban, restored.
fn reinstated(snapshot: Snapshot, stored: &Ban, now: UnixSeconds) -> Judged {
    match rules::reinstate(&snapshot.standing, stored, now) {
        Ok((ban, outcome)) => Judged::Write(Box::new(Planned {
            ban,
            snapshot,
            outcome,
            elsewhere: Vec::new(),
            note: None,
            claim: None,
            verdict: ImportVerdict::Added,
        })),
        Err(other) => Judged::Leave(ImportVerdict::InTheWay(other.guid)),
    }
}

/// The fewest transactions that keep the writes of each ban together.
fn packed(of_each: Vec<Vec<TransactWriteItem>>) -> Vec<Vec<TransactWriteItem>> {
    let mut packs: Vec<Vec<TransactWriteItem>> = Vec::new();
    for writes in of_each {
        match packs.last_mut() {
            Some(pack) if pack.len().saturating_add(writes.len()) <= TRANSACTION_ACTIONS => {
                pack.extend(writes);
            }
            _ => packs.push(writes),
        }
    }
    packs
}
