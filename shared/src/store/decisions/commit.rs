//! One outcome, one transaction: everything that a call changes is written together or not at all.
//!
//! What is pending for an experience depends on its own item and on the user's Global ban, which
//! lie in two partitions. So a write of the one always checks the version of the other, and neither
//! is decided on an outdated state. Experiences outside the transaction follow through the table's
//! stream (see `spread`).

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem, Update};
use serde::Serialize;

use crate::domain::actor::Channel;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::ids::{Guid, ModeratorId};
use crate::domain::rules::{Ban, Decision, DecisionKind, Expiry, Outcome, Standing};
use crate::store::decisions::actor::Actor;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::decisions::write_policy::WritePolicy;
use crate::store::dynamo::database::{Database, DatabaseError, number, refused, text};
use crate::store::dynamo::expression::expression;
use crate::store::dynamo::items::{self, ExperienceItem, GlobalItem, StoredBan};
use crate::store::dynamo::schema::{self, Key, StoredKind};
use crate::store::dynamo::versions::{
    EXISTS, IS_NEW, IS_VERSION, next_version, put_if_version, put_new,
};

/// What a call writes.
pub(in crate::store) struct Commit<'a> {
    pub snapshot: &'a Snapshot,
    pub outcome: &'a Outcome,
    pub policy: &'a WritePolicy,
    pub actor: &'a Actor,
    pub now: UnixMillis,
}

/// A decision in the history, append-only.
#[derive(Serialize)]
struct NewDecision<'a> {
    decision: DecisionKind,
    guid: String,
    number: u32,
    at: UnixSeconds,
    at_ms: u64,
    ban: StoredBan,
    previous: Option<StoredBan>,
    /// Whether the experience that the ban was made from had reported it when it was decided.
    applied: bool,
    /// The same for the replaced ban.
    previous_applied: bool,
    reason: Option<&'a str>,
    key_id: &'a str,
    channel: Channel,
    moderator: Option<ModeratorId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    request: &'a str,
    /// Hash key of the index of decisions by key.
    decided_by: String,
    /// When DynamoDB deletes it; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
}

/// The change to the record of one ban.
#[derive(Default)]
struct RecordChange<'a> {
    ban: Option<&'a Ban>,
    /// Why the last decision was made, if it gave a reason.
    reason: Option<&'a str>,
    /// Whether there must be no record of it yet.
    is_new: bool,
    applied: Applied,
}

/// The change to the report of the experience that the ban was made from.
#[derive(Default)]
enum Applied {
    #[default]
    AsItWas,
    Revision(u32),
    None,
}

impl Commit<'_> {
    /// The key of the first decision, which later shows whether the transaction happened.
    pub fn witness(&self) -> Option<Key> {
        self.outcome
            .decisions
            .first()
            .map(|decision| self.decision_key(decision))
    }

    /// Everything to be written; empty if the outcome changes nothing.
    pub fn writes(&self, database: &Database) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let table = &database.tables().bans;
        let mut writes = Vec::new();
        let here = self.here();
        let global_changes = self.outcome.standing.global != self.snapshot.standing.global;
        if global_changes {
            writes.extend(self.put_global(table)?);
        } else if here.is_some() {
            writes.push(check_global(table, self.snapshot)?);
        }
        if let Some(here) = here {
            writes.push(put_experience(table, self.snapshot, here)?);
        }
        writes.extend(self.rest(table)?);
        Ok(writes)
    }

    /// The same without the Global ban, for a transaction over several experiences, which checks it
    /// once. It requires the version of the experience's item even if that does not change.
    pub fn writes_here(&self, table: &str) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let item = match self.here() {
            Some(here) => put_experience(table, self.snapshot, here)?,
            None => check_experience(table, self.snapshot)?,
        };
        let mut writes = vec![item];
        writes.extend(self.rest(table)?);
        Ok(writes)
    }

    /// The records, the history and the caps.
    fn rest(&self, table: &str) -> Result<Vec<TransactWriteItem>, DatabaseError> {
        let mut writes = Vec::new();
        for (guid, change) in self.record_changes() {
            writes.push(self.update_record(table, guid, &change)?);
        }
        for decision in &self.outcome.decisions {
            writes.push(self.put_decision(table, decision)?);
        }
        writes.extend(self.policy.writes(table, self.now.seconds())?);
        Ok(writes)
    }

    /// The experience's item, if it changes. Changes by the clock alone do not count.
    fn here(&self) -> Option<ExperienceItem> {
        let after = &self.outcome.standing;
        let changes = *after != self.snapshot.standing;
        changes
            .then(|| experience_item(self.snapshot, after, self.now.seconds()))
            .flatten()
    }

    fn put_global(&self, table: &str) -> Result<Option<TransactWriteItem>, DatabaseError> {
        let Some(ban) = &self.outcome.standing.global else {
            return Ok(None);
        };
        let version = next_version(self.snapshot.global_version);
        let item = GlobalItem {
            version,
            ban: StoredBan::from(ban),
            mark: self.outcome.standing.global_mark.clone(),
        };
        let key = Key::global(self.snapshot.prefix, self.snapshot.user);
        let put = Put::builder().set_item(Some(items::write(key, StoredKind::Global, item)?));
        put_if_version(table, put, self.snapshot.global_version).map(Some)
    }

    fn record_changes(&self) -> BTreeMap<Guid, RecordChange<'_>> {
        let mut changes: BTreeMap<Guid, RecordChange<'_>> = BTreeMap::new();
        for decision in &self.outcome.decisions {
            let change = changes.entry(decision.ban.guid).or_default();
            change.ban = Some(&decision.ban);
            change.reason = decision.reason.as_deref();
            change.is_new |= decision.ban.decisions == 1;
        }
        let (before, after) = (
            self.snapshot.standing.here.report,
            self.outcome.standing.here.report,
        );
        if before != after {
            let own = |report: &crate::domain::rules::RevisionRef| {
                report.made_in == self.snapshot.experience
            };
            if let Some(report) = before.filter(own) {
                changes.entry(report.guid).or_default().applied = Applied::None;
            }
            if let Some(report) = after.filter(own) {
                changes.entry(report.guid).or_default().applied =
                    Applied::Revision(report.revision);
            }
        }
        changes
    }

    fn update_record(
        &self,
        table: &str,
        guid: Guid,
        change: &RecordChange<'_>,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let prefix = self.snapshot.prefix;
        let (mut sets, mut removes) = (Vec::new(), Vec::new());
        // An update would recreate an erased record as an item.
        let condition = if change.is_new { IS_NEW } else { EXISTS };
        let mut update = Update::builder()
            .table_name(table)
            .set_key(Some(Key::ban(prefix, self.snapshot.user, guid).item()))
            .condition_expression(condition);
        if let Some(ban) = change.ban {
            let shard = schema::ledger_shard(guid);
            sets.push(
                "kind = :kind, ban = :ban, guid_key = :guid, ledger = :ledger, \
                 experience_ledger = :experience_ledger",
            );
            let experience_ledger = schema::experience_ledger_partition(prefix, ban.made_in, shard);
            update = update
                .expression_attribute_values(":kind", text(StoredKind::Ban))
                .expression_attribute_values(":ban", items::attribute(StoredBan::from(ban))?)
                .expression_attribute_values(":guid", text(schema::padded_guid(guid)))
                .expression_attribute_values(
                    ":ledger",
                    text(schema::ledger_partition(prefix, shard)),
                )
                .expression_attribute_values(":experience_ledger", text(experience_ledger));
            let by = items::attribute(self.actor.decided_by())?;
            // A ban with one decision does not repeat who made it.
            sets.push(if change.is_new {
                "made_by = :by"
            } else {
                "last_by = :by"
            });
            update = update.expression_attribute_values(":by", by);
            if let Some(reason) = change.reason {
                sets.push("last_reason = :reason");
                update = update.expression_attribute_values(":reason", text(reason));
            } else if !change.is_new {
                removes.push("last_reason");
            }
            if let Some(at) = expires_later(ban, self.now.seconds()) {
                sets.push("due = :due, due_at = :due_at");
                update = update
                    .expression_attribute_values(":due", text(schema::expiries_of(guid)))
                    .expression_attribute_values(":due_at", number(at.0));
            } else if !change.is_new {
                removes.push("due, due_at");
            }
        }
        match change.applied {
            Applied::Revision(revision) => {
                sets.push("applied = :applied");
                update = update.expression_attribute_values(":applied", number(revision));
            }
            Applied::None => removes.push("applied"),
            Applied::AsItWas => {}
        }
        let update = update
            .update_expression(expression(&sets, &removes))
            .build()
            .map_err(refused)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn put_decision(
        &self,
        table: &str,
        decision: &Decision,
    ) -> Result<TransactWriteItem, DatabaseError> {
        let reported = |standing: &Standing, ban: &Ban| {
            let own = standing.here.report == Some(ban.current());
            own && ban.made_in == self.snapshot.experience
        };
        let previous = decision.previous.as_ref();
        let before = &self.snapshot.standing;
        let item = NewDecision {
            decision: decision.kind,
            guid: decision.ban.guid.to_string(),
            number: decision.ban.decisions,
            at: self.now.seconds(),
            at_ms: self.now.millis(),
            ban: StoredBan::from(&decision.ban),
            previous: previous.map(StoredBan::from),
            applied: reported(&self.outcome.standing, &decision.ban),
            previous_applied: previous.is_some_and(|ban| reported(before, ban)),
            reason: decision.reason.as_deref(),
            key_id: &self.actor.key_id,
            channel: self.actor.channel,
            moderator: self.actor.moderator,
            principal: self.actor.principal.as_deref(),
            request: &self.actor.request_id,
            decided_by: schema::decided_by(self.snapshot.prefix, &self.actor.key_id),
            ttl: self.policy.leaves(self.now.seconds()),
        };
        put_new(
            table,
            items::write(self.decision_key(decision), StoredKind::Decision, item)?,
        )
    }

    fn decision_key(&self, decision: &Decision) -> Key {
        let Snapshot { prefix, user, .. } = *self.snapshot;
        Key::decision(
            prefix,
            user,
            self.now,
            decision.ban.guid,
            decision.ban.decisions,
        )
    }
}

/// When a ban expires, if it is in force and has an end.
fn expires_later(ban: &Ban, now: UnixSeconds) -> Option<UnixSeconds> {
    match ban.terms.expires {
        Expiry::At(at) if ban.holds(now) => Some(at),
        _ => None,
    }
}

/// The item of the snapshot's experience under another standing, if that changes anything.
pub(in crate::store) fn experience_item(
    snapshot: &Snapshot,
    after: &Standing,
    now: UnixSeconds,
) -> Option<ExperienceItem> {
    let Snapshot {
        prefix,
        experience,
        here_item,
        ..
    } = snapshot;
    let version = next_version(here_item.as_ref().map(|item| item.version));
    let mut item = ExperienceItem::new(*prefix, *experience, after, version, now);
    if !snapshot.is_linked {
        item = item.without_pending();
    }
    let owes_the_same = match here_item {
        Some(stored) => item.owes_the_same(stored),
        None => item.owes_nothing(),
    };
    // A decision elsewhere may have made them stale.
    let drops_failures = after.here.failures.is_some() && !item.has_failures();
    let changes = after.here != snapshot.standing.here || !owes_the_same || drops_failures;
    changes.then_some(item)
}

/// Writes an experience's item on the version that was read.
pub(in crate::store) fn put_experience(
    table: &str,
    snapshot: &Snapshot,
    item: ExperienceItem,
) -> Result<TransactWriteItem, DatabaseError> {
    let key = Key::experience(snapshot.prefix, snapshot.user, snapshot.experience);
    let put = Put::builder().set_item(Some(items::write(key, StoredKind::Experience, item)?));
    put_if_version(
        table,
        put,
        snapshot.here_item.as_ref().map(|item| item.version),
    )
}

/// Requires the version of the Global ban that was read.
pub(in crate::store) fn check_global(
    table: &str,
    snapshot: &Snapshot,
) -> Result<TransactWriteItem, DatabaseError> {
    let key = Key::global(snapshot.prefix, snapshot.user);
    check_version(table, key, snapshot.global_version)
}

/// Requires the version of the experience's item that was read.
fn check_experience(table: &str, snapshot: &Snapshot) -> Result<TransactWriteItem, DatabaseError> {
    let key = Key::experience(snapshot.prefix, snapshot.user, snapshot.experience);
    let version = snapshot.here_item.as_ref().map(|item| item.version);
    check_version(table, key, version)
}

fn check_version(
    table: &str,
    key: Key,
    version: Option<u64>,
) -> Result<TransactWriteItem, DatabaseError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key.item()));
    let check = match version {
        None => check.condition_expression(IS_NEW),
        Some(version) => check
            .condition_expression(IS_VERSION)
            .expression_attribute_values(":version", number(version)),
    };
    Ok(TransactWriteItem::builder()
        .condition_check(check.build().map_err(refused)?)
        .build())
}
