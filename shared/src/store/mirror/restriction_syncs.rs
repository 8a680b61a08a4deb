//! The state of users' restrictions, which the mirror saves before and after each request to Roblox.

mod item;

use std::collections::BTreeMap;

use crate::domain::actor::Channel;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::{ExperienceId, UniverseId, UserId, WorkspacePrefix};
use crate::domain::rules::mirror::{Level, MirroredChanges, MirroredPlace, RestrictionSync};
use crate::domain::rules::{self, RevisionRef, Standing};
use crate::store::Store;
use crate::store::access::links::Link;
use crate::store::decisions::actor::Actor;
use crate::store::decisions::commit_with_retry::WriteContext;
use crate::store::decisions::snapshot::Snapshot;
use crate::store::decisions::write_policy::{CallerLimits, PolicyOutcome};
use crate::store::dynamo::database::{number, text};
use crate::store::dynamo::items::{self, BanItem};
use crate::store::dynamo::schema::{self, Key, StoredKind, names};
use item::SyncItem;

/// How long before a ban's guid was minted its first decision may lie, in seconds: clocks may disagree.
const SLACK: u64 = 3600;

/// A user in some places of a universe.
#[derive(Clone, Debug)]
pub struct SyncState {
    /// Their standing in each of the places.
    pub standings: BTreeMap<ExperienceId, Standing>,
    /// What the mirror knows of their restrictions, if anything.
    pub sync: Option<RestrictionSync>,
}

impl Store {
    /// A user's standing in some places of a universe, and what the mirror knows of their restrictions:
    /// strongly consistent, in one round trip.
    pub async fn sync_state(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        universe: UniverseId,
        places: &[ExperienceId],
    ) -> Result<SyncState, ApiError> {
        let key = Key::restriction_sync(prefix, user, universe.get());
        let global = Key::global(prefix, user);
        let of_places = places
            .iter()
            .map(|place| Key::experience(prefix, user, *place));
        let keys = of_places.chain([key.clone(), global.clone()]);
        let mut found: Vec<_> = self.database.batch_get(keys, true).await?;
        let mut take = |wanted: &Key| {
            let at = found
                .iter()
                .position(|item| Key::of(item).as_ref() == Some(wanted))?;
            Some(found.swap_remove(at))
        };
        let sync = take(&key).map(RestrictionSync::read).transpose()?;
        let global: Option<items::GlobalItem> = take(&global).map(items::read).transpose()?;
        let mut standings = BTreeMap::new();
        for place in places {
            let here = take(&Key::experience(prefix, user, *place));
            let here = here.map(items::read).transpose()?;
            let snapshot = Snapshot::new(prefix, user, *place, here, global.clone());
            standings.insert(*place, snapshot.standing);
        }
        Ok(SyncState { standings, sync })
    }

    /// Saves a user's sync; `due` is when to look at it again, even if nothing is pending by then. If it was
    /// saved before (`is_saved`) and is gone, the user was erased meanwhile, and nothing is written.
    pub async fn save_sync(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        universe: UniverseId,
        sync: &RestrictionSync,
        due: Option<UnixMillis>,
        is_saved: bool,
    ) -> Result<(), ApiError> {
        let due_at = due.map(|at| (schema::due_syncs(prefix, universe), at));
        let item = SyncItem::of(sync, due_at);
        let key = Key::restriction_sync(prefix, user, universe.get());
        let put = self
            .database
            .putting(items::write(key, StoredKind::Application, item)?)?;
        if is_saved {
            let put = put.condition_expression("attribute_exists(pk)");
            self.database.put_if(put).await?;
        } else {
            self.database.put(put).await?;
        }
        Ok(())
    }

    /// Makes the mirror look at a user again if it has set a restriction for them; returns whether it has.
    pub async fn schedule_recheck(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        universe: UniverseId,
        now: UnixMillis,
    ) -> Result<bool, ApiError> {
        let update = self
            .database
            .updating(Key::restriction_sync(prefix, user, universe.get()))
            .update_expression("SET due = :universe, due_at = :now")
            .condition_expression("attribute_exists(holds)")
            .expression_attribute_values(":universe", text(schema::due_syncs(prefix, universe)))
            .expression_attribute_values(":now", number(now.millis()));
        Ok(self.database.update_if(update).await?)
    }

    /// Users whom the mirror looks at again by `until`, the earliest first.
    pub async fn due_syncs(
        &self,
        prefix: WorkspacePrefix,
        universe: UniverseId,
        until: UnixMillis,
        limit: u16,
    ) -> Result<Vec<UserId>, ApiError> {
        let query = self
            .database
            .querying()
            .index_name(names::DUE)
            .key_condition_expression("due = :universe AND due_at <= :until")
            .expression_attribute_values(":universe", text(schema::due_syncs(prefix, universe)))
            .expression_attribute_values(":until", number(until.millis()))
            .limit(i32::from(limit));
        let (found, _) = self.database.query(query).await?;
        let keys = found.iter().filter_map(Key::of);
        Ok(keys.filter_map(|key| key.user()).collect())
    }

    /// A user in each mirrored place of a universe, as the mirror's rules see it.
    pub async fn mirrored_places(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        standings: BTreeMap<ExperienceId, Standing>,
        mirrors: impl Fn(ExperienceId) -> MirroredChanges,
    ) -> Result<Vec<MirroredPlace>, ApiError> {
        let mut places = Vec::new();
        for (experience, standing) in standings {
            let universal = self.reported_for_universe(prefix, user, &standing).await?;
            places.push(MirroredPlace {
                experience,
                standing,
                reported_at: universal.map(|universal| Level::universal(universal, experience)),
                mirrors: mirrors(experience),
            });
        }
        Ok(places)
    }

    /// Records what an experience has applied, like a game server's report: later decisions stay pending.
    pub async fn report_applied(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        experience: ExperienceId,
        state: Option<RevisionRef>,
        by: &str,
    ) -> Result<(), ApiError> {
        let call = WriteContext {
            user,
            prefix,
            link: Link::linked(experience),
            actor: Actor {
                key_id: by.to_owned(),
                channel: Channel::Mirror,
                moderator: None,
                principal: None,
                request_id: String::new(),
            },
            limits: CallerLimits::Unbound,
            idempotency: None,
            digest: None,
            dry_run: None,
        };
        let committing = self.commit_with_retry(&call, |snapshot, _| async move {
            let standing = &snapshot.standing;
            Ok(PolicyOutcome::nothing(match state {
                // The user was erased meanwhile.
                _ if standing.is_blank() => rules::unchanged(standing),
                Some(revision) => rules::report(standing, revision),
                None => rules::report_unbanned(standing),
            }))
        });
        committing.await.map(drop)
    }

    /// What the mirror knows of a user's restrictions in a universe.
    pub async fn restriction_sync(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        universe: UniverseId,
    ) -> Result<Option<RestrictionSync>, ApiError> {
        let key = Key::restriction_sync(prefix, user, universe.get());
        let item = self.database.get(key).await?;
        item.map(RestrictionSync::read).transpose()
    }

    /// Whether the ban that a place reported was applied to the whole universe; none if it reports no ban.
    /// For an earlier revision, the history or else the ban's record has the answer.
    pub async fn reported_for_universe(
        &self,
        prefix: WorkspacePrefix,
        user: UserId,
        standing: &Standing,
    ) -> Result<Option<bool>, ApiError> {
        let Some(report) = standing.here.report else {
            return Ok(None);
        };
        if let Some(ban) = standing.reported_ban() {
            return Ok(Some(ban.terms.universal));
        }
        let since = report.guid.created().minus(SLACK).0;
        let since = UnixMillis::from_millis(since.saturating_mul(1000));
        if let Some(ban) = self.past_revision(prefix, user, report, since).await? {
            return Ok(Some(ban.terms.universal));
        }
        let record = self
            .database
            .get(Key::ban(prefix, user, report.guid))
            .await?;
        let record = record.map(items::read::<BanItem>).transpose()?;
        let ban = record.map(|record| crate::domain::rules::Ban::from(record.ban));
        Ok(Some(ban.is_none_or(|ban| ban.terms.universal)))
    }
}
