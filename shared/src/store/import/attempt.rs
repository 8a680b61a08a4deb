//! One attempt on a handful of bans: read what is stored of their users, judge each, and write
//! those that are new, with the versions that were read as conditions.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use futures::future::try_join_all;
use serde::Serialize;

use super::{Candidate, Import, ImportFailure, Incoming, NOTED, Origin, Verdict};
use crate::clock::Moment;
use crate::ids::{ExperienceId, Guid, Uid};
use crate::rules::{self, Ban, Identity, Outcome, Refusal, Scope, Standing};
use crate::store::bans::Snapshot;
use crate::store::commit::{self, Actor, Commit};
use crate::store::database::{BATCH_KEYS, DatabaseError};
use crate::store::items::{self, BanItem, ExperienceItem, GlobalItem};
use crate::store::schema::{Item, Key};

/// How many actions DynamoDB takes in one transaction.
const MOST_ACTIONS: usize = 100;

/// What was read.
struct Found(HashMap<(String, String), Item>);

/// A ban that is to be written.
struct Planned {
    ban: Ban,
    snapshot: Snapshot,
    outcome: Outcome,
    /// The other experiences that count as having applied it, with what they owe afterwards.
    elsewhere: Vec<(Snapshot, Standing)>,
    note: Option<Key>,
}

enum Judged {
    Write(Box<Planned>),
    Leave(Verdict),
}

#[derive(Serialize)]
struct NoteItem<'a> {
    digest: &'a str,
    ttl: u64,
}

impl Import {
    /// How many bans make up an attempt. Each takes four actions as a rule.
    pub const BATCH: usize = 25;

    /// What would become of these bans, of which no two are of one user.
    pub async fn judge(&self, candidates: &[Candidate]) -> Result<Vec<Verdict>, ImportFailure> {
        let found = self.read(candidates).await?;
        let now = Moment::now();
        let mut verdicts = Vec::new();
        for candidate in candidates {
            // The last name there can be: numbers are not taken for a look.
            let identity = self.identity(&candidate.incoming, now, 0);
            verdicts.push(match self.judged(candidate, identity, &found, now)? {
                Judged::Write(_) => Verdict::Added,
                Judged::Leave(verdict) => verdict,
            });
        }
        Ok(verdicts)
    }

    /// Brings in those of these bans that are new. No two of them are of one user. After a failure
    /// the same candidates can be tried again, together or one by one.
    pub async fn bring(&self, candidates: &mut [Candidate]) -> Result<Vec<Verdict>, ImportFailure> {
        let found = self.read(candidates).await?;
        let mut numbers = self.numbers_for(candidates, &found).await?;
        let now = Moment::now();
        let mut verdicts = Vec::new();
        let mut of_each = Vec::new();
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
                    of_each.push(self.writes(&planned, now)?);
                    candidate.tried = true;
                    verdicts.push(Verdict::Added);
                }
            }
        }
        for pack in packed(of_each) {
            self.store.database.transact(pack).await?;
        }
        Ok(verdicts)
    }

    async fn read(&self, candidates: &[Candidate]) -> Result<Found, DatabaseError> {
        let mut keys = HashSet::new();
        for candidate in candidates {
            let Incoming { user, made_in, .. } = candidate.incoming;
            keys.extend(
                self.experiences(&candidate.incoming)
                    .chain([made_in])
                    .map(|experience| Key::experience(self.tag, user, experience))
                    .chain([Key::global(self.tag, user), self.own_key(candidate)])
                    .map(|key| (key.pk, key.sk)),
            );
        }
        let keys: Vec<Key> = keys.into_iter().map(|(pk, sk)| Key { pk, sk }).collect();
        let reads = keys
            .chunks(BATCH_KEYS)
            .map(|some| self.store.database.batch_get(some.iter().cloned(), true));
        let items = try_join_all(reads).await?.into_iter().flatten();
        let named = items.filter_map(|item| Some((Key::of(&item)?, item)));
        Ok(Found(
            named.map(|(key, item)| ((key.pk, key.sk), item)).collect(),
        ))
    }

    /// Where it is seen whether the ban is there: its record, or the note of it.
    fn own_key(&self, candidate: &Candidate) -> Key {
        match candidate.incoming.origin {
            Origin::Known { guid, .. } => Key::ban(self.tag, candidate.user(), guid),
            Origin::New => candidate.incoming.note(self.tag),
        }
    }

    /// The experiences besides the ban's own that may count as having applied it.
    fn experiences(&self, incoming: &Incoming) -> impl Iterator<Item = ExperienceId> {
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
        let first = self.store.take_numbers(self.tag, needed).await?;
        Ok(first..first.saturating_add(needed))
    }

    /// Whether it may be written under a new number; one that comes to nothing leaves a gap.
    fn needs_number(&self, candidate: &Candidate, found: &Found) -> bool {
        self.kept(candidate.incoming.origin).is_none()
            && !self.protected.contains(&candidate.user())
            && found.get(&self.own_key(candidate)).is_none()
    }

    fn identity(&self, incoming: &Incoming, now: Moment, number: u64) -> Identity {
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
        moment: Moment,
    ) -> Result<Judged, DatabaseError> {
        let (incoming, now) = (&candidate.incoming, moment.seconds());
        let leave = |verdict| Ok(Judged::Leave(verdict));
        let there = if candidate.tried {
            Verdict::Added
        } else {
            Verdict::Unchanged
        };
        match (found.get(&self.own_key(candidate)), incoming.origin) {
            (Some(_), Origin::New) => return leave(there),
            (Some(item), Origin::Known { .. }) => {
                let stored = Ban::from(items::read::<BanItem>(item.clone())?.ban);
                let uid = self.kept(incoming.origin);
                let differing = incoming.differences(uid, &stored, now);
                let verdict = if differing.is_empty() {
                    there
                } else {
                    Verdict::Differs(differing)
                };
                return leave(verdict);
            }
            (None, _) => {}
        }
        if self.protected.contains(&incoming.user) {
            return leave(Verdict::Protected);
        }
        let ban = incoming.ban(identity, now);
        let snapshot = found.snapshot(self, incoming, incoming.made_in)?;
        if incoming.origin == Origin::New {
            if !ban.holds(now) {
                return leave(Verdict::Over);
            }
            if let Some(other) = snapshot.standing.in_force(ban.scope, now) {
                return leave(Verdict::AlreadyBanned(other.guid));
            }
        }
        let counts_as_applied = ban.holds(now) && self.applied_in.contains(&ban.made_in);
        let applied = incoming.applied || counts_as_applied;
        let outcome = match rules::import(&snapshot.standing, ban.clone(), applied, now) {
            Ok(outcome) => outcome,
            Err(Refusal::AlreadyBanned(other)) => return leave(Verdict::InTheWay(other.guid)),
            Err(_) => return Err(DatabaseError::Refused("an import was refused".to_owned())),
        };
        let mut elsewhere = Vec::new();
        if ban.holds(now) {
            for experience in self.experiences(incoming) {
                let there = found.snapshot(self, incoming, experience)?;
                let after = Standing {
                    here: there.standing.here.clone(),
                    global: outcome.standing.global.clone(),
                };
                elsewhere.push((there, rules::import_report(after, &ban, now)));
            }
        }
        Ok(Judged::Write(Box::new(Planned {
            note: (incoming.origin == Origin::New).then(|| incoming.note(self.tag)),
            ban,
            snapshot,
            outcome,
            elsewhere,
        })))
    }

    fn writes(
        &self,
        planned: &Planned,
        now: Moment,
    ) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &self.store.database.tables().bans;
        let actor = Actor {
            key_id: self.key_id.clone(),
            moderator: Some(planned.ban.terms.moderator),
            request_id: self.key_id.clone(),
        };
        let commit = Commit {
            snapshot: &planned.snapshot,
            outcome: &planned.outcome,
            permit: &self.permit,
            actor: &actor,
            now,
        };
        let mut writes = commit.writes(&self.store.database)?;
        for (snapshot, after) in &planned.elsewhere {
            if let Some(item) = commit::experience_item(snapshot, after, now.seconds()) {
                writes.push(commit::put_experience(table, snapshot, item)?);
            }
            let before = snapshot.standing.here.report;
            let own = before.filter(|report| report.made_in == snapshot.experience);
            if let Some(report) = own.filter(|_| before != after.here.report) {
                writes.push(commit::clear_applied(table, snapshot, report.guid)?);
            }
        }
        if let Some(key) = planned.note.clone() {
            let note = NoteItem {
                digest: &self.key_id,
                ttl: now.seconds().plus(NOTED).0,
            };
            writes.push(commit::put_new(table, items::write(key, "request", note)?)?);
        }
        Ok(writes)
    }
}

/// As few transactions as hold the writes of each ban together.
fn packed(of_each: Vec<Vec<TransactWriteItem>>) -> Vec<Vec<TransactWriteItem>> {
    let mut packs: Vec<Vec<TransactWriteItem>> = Vec::new();
    for writes in of_each {
        match packs.last_mut() {
            Some(pack) if pack.len().saturating_add(writes.len()) <= MOST_ACTIONS => {
                pack.extend(writes);
            }
            _ => packs.push(writes),
        }
    }
    packs
}

impl Found {
    fn get(&self, key: &Key) -> Option<&Item> {
        self.0.get(&(key.pk.clone(), key.sk.clone()))
    }

    fn snapshot(
        &self,
        import: &Import,
        incoming: &Incoming,
        experience: ExperienceId,
    ) -> Result<Snapshot, DatabaseError> {
        let (tag, user) = (import.tag, incoming.user);
        let here = self.get(&Key::experience(tag, user, experience)).cloned();
        let global = self.get(&Key::global(tag, user)).cloned();
        Ok(Snapshot::new(
            tag,
            user,
            experience,
            here.map(items::read::<ExperienceItem>).transpose()?,
            global.map(items::read::<GlobalItem>).transpose()?,
        ))
    }
}
