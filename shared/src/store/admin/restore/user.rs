//! Restores one user: puts back what is lost, and reverses later decisions.

use std::collections::BTreeSet;

use futures::future::try_join;

use super::held::HeldItems;
use super::kinds::{self, Fate, fate_of, kind_of};
use super::log_again::{LOG_STAMPS, REPEATED};
use super::{Restored, Restoring};
use crate::domain::actor::Channel;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use crate::domain::rules::{self, Ban, DecisionKind, Outcome, Scope, Standing};
use crate::store::access::links::Link;
use crate::store::decisions::actor::Actor;
use crate::store::decisions::commit_with_retry::WriteContext;
use crate::store::decisions::write_policy::{CallerLimits, PolicyOutcome};
use crate::store::dynamo::database::DatabaseError;
use crate::store::dynamo::items::{self, BanItem, ExperienceItem, GlobalItem};
use crate::store::dynamo::schema::{Item, Key, StoredKind, attributes};

/// How far the version of an item that is put back moves: no write that was in progress when the
/// item was lost may find the version it requires.
const VERSIONS: u64 = 1_000_000;

impl Restoring {
    pub(super) async fn restore_user(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
    ) -> Result<Restored, ApiError> {
        let (mut copy, live) = try_join(
            self.copy.held_of(prefix, user),
            self.live.held_of(prefix, user),
        )
        .await?;
        let mut done = Restored {
            users: 1,
            largest_uid: copy.largest_uid().max(live.largest_uid()),
            ..Restored::default()
        };
        let is_absent = !copy.traces().is_empty() && copy.traces().is_disjoint(&live.traces());
        if is_absent && !self.brings_back(user) {
            done.leave_out(user);
            copy = HeldItems::default();
        }
        self.put_back_lost(prefix, &copy, &live, &mut done).await?;
        self.log_again(prefix, &copy, &live, &mut done).await?;
        // The experiences' items depend on the Global ban.
        self.restore_global(prefix, user, &copy, &live, &mut done)
            .await?;
        let experiences: BTreeSet<_> = copy
            .experiences()
            .union(&live.experiences())
            .copied()
            .collect();
        for experience in experiences {
            self.restore_here((prefix, user), experience, &copy, &live, &mut done)
                .await?;
        }
        Ok(done)
    }

    /// Puts back the records, the history and the other items beside the standing.
    pub(super) async fn put_back_lost(
        &self,
        prefix: WorkspacePrefix,
        copy: &HeldItems,
        live: &HeldItems,
        done: &mut Restored,
    ) -> Result<(), DatabaseError> {
        for (key, item) in &copy.0 {
            let kind = kind_of(item);
            let Some(present) = live.0.get(key) else {
                match fate_of(kind)? {
                    Fate::WithUser if kind == "protected" => {
                        self.create(item.clone(), done).await?;
                        done.protected.extend(key.1.parse::<UserId>().ok());
                    }
                    Fate::WithUser => {}
                    _ => {
                        let log = self.log_state(prefix).await?;
                        let item = log.as_logged(item.clone(), done);
                        self.put_back(prefix, item, done).await?;
                    }
                }
                continue;
            };
            if let Some(repaired) = repaired(item, present) {
                if !self.is_preview {
                    let put = self.live.database.putting(repaired)?;
                    self.live.database.put(put).await?;
                }
                done.count(kind);
            }
        }
        Ok(())
    }

    async fn restore_global(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        copy: &HeldItems,
        live: &HeldItems,
        done: &mut Restored,
    ) -> Result<(), ApiError> {
        let key = Key::global(prefix, user);
        let copied = copy.read::<GlobalItem>(&key);
        match (live.read::<GlobalItem>(&key), copied) {
            (None, None) => Ok(()),
            (None, Some(mut copied)) => {
                copied.version = copied.version.saturating_add(VERSIONS);
                let item = items::write(key.clone(), StoredKind::Global, copied)?;
                Ok(self.replace(live.get(&key), item, done).await?)
            }
            (Some(present), copied) => {
                let made_in = Ban::from(present.ban).made_in;
                let copied = copied.map(|item| Ban::from(item.ban));
                let scoped = (Scope::Global, made_in);
                self.decide_back((prefix, user), scoped, copied, live, done)
                    .await
            }
        }
    }

    async fn restore_here(
        &self,
        (prefix, user): (WorkspacePrefix, UserId),
        experience: ExperienceId,
        copy: &HeldItems,
        live: &HeldItems,
        done: &mut Restored,
    ) -> Result<(), ApiError> {
        let key = Key::experience(prefix, user, experience);
        let copied = copy.read::<ExperienceItem>(&key);
        match (live.read::<ExperienceItem>(&key), copied) {
            (None, None) => Ok(()),
            (None, Some(copied)) => {
                // What is pending depends on the current Global ban.
                let global = self.live.database.get(Key::global(prefix, user)).await?;
                let global = global.map(items::read::<GlobalItem>).transpose()?;
                let standing = Standing {
                    here: copied.here(),
                    global: global.map(|item| Ban::from(item.ban)),
                    global_mark: None,
                };
                let version = copied.version.saturating_add(VERSIONS);
                let now = UnixMillis::now().seconds();
                let item = ExperienceItem::new(prefix, experience, &standing, version, now);
                let item = items::write(key.clone(), StoredKind::Experience, item)?;
                Ok(self.replace(live.get(&key), item, done).await?)
            }
            (Some(_), copied) => {
                let copied = copied.and_then(|item| item.here().ban);
                let scoped = (Scope::Experience, experience);
                self.decide_back((prefix, user), scoped, copied, live, done)
                    .await
            }
        }
    }

    /// Writes an item where there is none, or over an unreadable one.
    async fn replace(
        &self,
        present: Option<&Item>,
        item: Item,
        done: &mut Restored,
    ) -> Result<(), DatabaseError> {
        if present.is_none() {
            return self.create(item, done).await;
        }
        done.count(kind_of(&item));
        if self.is_preview {
            return Ok(());
        }
        let put = self.live.database.putting(item)?;
        self.live.database.put(put).await
    }

    /// Restores a scope that the live table knows to the copied ban, by decisions.
    async fn decide_back(
        &self,
        (prefix, user): (WorkspacePrefix, UserId),
        (scope, experience): (Scope, ExperienceId),
        copied: Option<Ban>,
        live: &HeldItems,
        done: &mut Restored,
    ) -> Result<(), ApiError> {
        if self.only_missing {
            return Ok(());
        }
        let record = copied.as_ref().map(|ban| Key::ban(prefix, user, ban.guid));
        let record = record.and_then(|key| live.read::<BanItem>(&key));
        let last = record.map(|record| Ban::from(record.ban));
        let outcome_of = |standing: &Standing, now| -> Outcome {
            let (copied, last) = (copied.as_ref(), last.as_ref());
            // The standing may be newer than its record, if the record is damaged.
            let standing_ban = standing.latest_in(scope);
            let last = [last, copied, standing_ban]
                .into_iter()
                .flatten()
                .filter(|ban| copied.is_some_and(|copied| copied.guid == ban.guid))
                .max_by_key(|ban| ban.decisions);
            rules::restore(standing, scope, copied, last, REASON, now)
        };
        let decisions = if self.is_preview {
            let snapshot = self.live.standing(prefix, user, experience).await?;
            outcome_of(&snapshot.standing, UnixMillis::now().seconds()).decisions
        } else {
            let call = WriteContext {
                user,
                prefix,
                link: Link::linked(experience),
                actor: Actor {
                    key_id: self.name.clone(),
                    channel: Channel::Cli,
                    moderator: None,
                    principal: Some(self.principal.clone()),
                    request_id: uuid::Uuid::new_v4().to_string(),
                },
                limits: CallerLimits::Unbound,
                idempotency: None,
                digest: None,
                dry_run: None,
            };
            let committing = self.live.commit_with_retry(&call, |snapshot, now| {
                let outcome = outcome_of(&snapshot.standing, now.seconds());
                let call = &call;
                async move {
                    if outcome.decisions.is_empty() {
                        return Ok(PolicyOutcome::nothing(outcome));
                    }
                    Ok(PolicyOutcome::new(
                        outcome,
                        self.live.lift_policy(call).await?,
                    ))
                }
            });
            committing.await?.decisions
        };
        for decision in decisions {
            let count = match decision.kind {
                DecisionKind::Lifted => &mut done.lifted,
                DecisionKind::Restored => &mut done.restored,
                _ => &mut done.changed,
            };
            *count = count.saturating_add(1);
        }
        Ok(())
    }
}

/// The reason of a restore's decisions.
const REASON: &str = "Restored to an earlier state.";

/// The correct form of an item in the live table, if it was changed in a way that no decision
/// changes it. History never changes; a record changes with each decision on its ban.
fn repaired(copied: &Item, present: &Item) -> Option<Item> {
    match kinds::kind_of(copied) {
        "activity" | "decision" | "expiry" => {
            let mut repaired = copied.clone();
            for stamp in LOG_STAMPS.into_iter().chain([REPEATED]) {
                repaired.remove(stamp);
                let stamped = present
                    .get(stamp)
                    .map(|value| (stamp.to_owned(), value.clone()));
                repaired.extend(stamped);
            }
            // How long it is kept is a setting.
            repaired.remove(attributes::TTL);
            let ttl = present
                .get(attributes::TTL)
                .map(|ttl| (attributes::TTL.to_owned(), ttl.clone()));
            repaired.extend(ttl);
            (repaired != *present).then_some(repaired)
        }
        "ban" => {
            let read = |item: &Item| items::read::<BanItem>(item.clone()).map(|item| item.ban);
            let (Ok(was), present) = (read(copied), read(present)) else {
                return None;
            };
            let was = Ban::from(was);
            let is_damaged = match present.map(Ban::from) {
                Ok(ban) => ban.decisions == was.decisions && ban != was,
                Err(_) => true,
            };
            is_damaged.then(|| copied.clone())
        }
        _ => None,
    }
}
