//! `portcullis mirror off --lift`: lifts the restrictions that a mirror has set.
//!
//! Like the mirror, it holds the universe's lease, respects Roblox's rate limits and stores each change
//! before it requests it. So it can be interrupted and run again.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::rules::mirror::{
    self, Level, MirroredChanges, RequestedChange, RestrictionSync, RobloxLimits,
};
use shared::integrations::roblox::{RestrictionChange, RestrictionRequest, RobloxError, RobloxKey};
use shared::store::{Lease, Mirror};
use tokio::time::Instant;

use super::OpenCloudContext;
use super::restrictions::{self, at_roblox, set_by_us};
use crate::names::NamedUser;
use crate::output::Printable;
use crate::progress::Progress;

/// The duration of the universe's lease, in seconds.
const LEASE: u64 = 70;

/// After this long the lease is released and taken again.
const TURN: Duration = Duration::from_secs(40);

/// How long to wait until the mirror releases the lease.
const MAX_WAIT: Duration = Duration::from_secs(90);

/// The number of attempts for a change that Roblox rate-limits or does not answer.
const ATTEMPTS: u32 = 5;

/// The actor of the reports.
const BY: &str = "enforcement-off";

/// A restriction that the mirror has set.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetRestriction {
    #[serde(flatten)]
    pub user: NamedUser,
    #[serde(skip)]
    at: Level,
    /// `universe` or `place`.
    level: &'static str,
    outcome: LiftResult,
    /// The other mirrored experience in the universe that needs it.
    kept_for: Option<ExperienceId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum LiftResult {
    /// Not lifted yet.
    Set,
    /// Another experience needs it.
    Kept,
    Lifted,
    /// Roblox refused, or did not answer.
    Failed,
}

impl Printable for SetRestriction {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let outcome = match (self.outcome, self.kept_for) {
            (LiftResult::Set, _) => "to be lifted".to_owned(),
            (LiftResult::Kept, Some(experience)) => format!("kept for experience {experience}"),
            (LiftResult::Kept, None) => "kept".to_owned(),
            (LiftResult::Lifted, _) => "lifted".to_owned(),
            (LiftResult::Failed, _) => "failed: run this again".to_owned(),
        };
        vec![
            ("user", self.user.cell()),
            ("level", self.level.to_owned()),
            ("restriction", outcome),
        ]
    }
}

impl SetRestriction {
    /// Whether it should be lifted and was not yet.
    pub fn is_to_be_lifted(&self) -> bool {
        self.outcome == LiftResult::Set
    }

    /// Whether lifting it failed.
    pub fn is_failed(&self) -> bool {
        self.outcome == LiftResult::Failed
    }
}

/// The active restrictions that the mirror of an experience has set.
pub async fn find(mirror: &Mirror, tools: &OpenCloudContext) -> Result<Vec<SetRestriction>> {
    let (store, prefix) = (&tools.store, mirror.workspace);
    let universe = mirror.settings.universe;
    let siblings: Vec<ExperienceId> = store
        .mirrors_of(prefix)
        .await?
        .iter()
        .filter(|it| it.settings.universe == universe && it.experience != mirror.experience)
        .map(|it| it.experience)
        .collect();
    let everything = |_| MirroredChanges {
        bans: true,
        unbans: true,
    };
    let now = UnixMillis::now().seconds();
    let mut found = Vec::new();
    for ((level, user), restriction) in at_roblox(mirror, tools).await? {
        if !restriction.active {
            continue;
        }
        let state = store.sync_state(prefix, user, universe, &siblings).await?;
        if set_by_us(state.sync.as_ref(), level).is_none() {
            continue;
        }
        let places = store
            .mirrored_places(prefix, user, state.standings, everything)
            .await?;
        let wanted = mirror::wanted(&places, level, now);
        let needs = |place: &&mirror::MirroredPlace| place.standing.counting(now) == wanted;
        let kept_for = wanted
            .and_then(|_| places.iter().find(needs))
            .map(|place| place.experience);
        found.push(SetRestriction {
            user: user.into(),
            at: level,
            level: restrictions::name(level),
            outcome: match wanted {
                Some(_) => LiftResult::Kept,
                None => LiftResult::Set,
            },
            kept_for,
        });
    }
    Ok(found)
}

/// Ends the mirror and lifts its restrictions.
pub async fn lift_all(
    mirror: &Mirror,
    tools: &OpenCloudContext,
    found: &mut [SetRestriction],
) -> Result<()> {
    let (store, prefix) = (&tools.store, mirror.workspace);
    let key = tools.key(&mirror.settings.secret).await?;
    let mut lease = take_lease(mirror, tools).await?;
    // While we hold the lease, no run of the mirror uses the old settings.
    store.remove_mirror(prefix, mirror.experience).await?;
    let count = found.iter().filter(|it| it.is_to_be_lifted()).count();
    let mut progress = Progress::begin("restrictions lifted", u64::try_from(count).ok());
    let mut until = Instant::now() + TURN;
    for ours in found.iter_mut().filter(|it| it.is_to_be_lifted()) {
        if Instant::now() > until {
            store.release(lease).await?;
            lease = take_lease(mirror, tools).await?;
            until = Instant::now() + TURN;
        }
        let lifter = Lifter {
            mirror,
            tools,
            key: &key,
        };
        ours.outcome = match lifter.lift(ours.user.id, ours.at).await {
            Ok(true) => LiftResult::Lifted,
            Ok(false) => LiftResult::Failed,
            Err(error) => {
                store.release(lease).await?;
                return Err(error);
            }
        };
        progress.advance(1);
    }
    progress.finish();
    store.release(lease).await?;
    Ok(())
}

async fn take_lease(mirror: &Mirror, tools: &OpenCloudContext) -> Result<Lease> {
    let (prefix, universe) = (mirror.workspace, mirror.settings.universe);
    let until = Instant::now() + MAX_WAIT;
    loop {
        let taking = tools
            .store
            .take_universe_lease(prefix, universe, LEASE, UnixMillis::now());
        if let Some(lease) = taking.await? {
            return Ok(lease);
        }
        if Instant::now() > until {
            bail!("the mirror is still working on universe {universe}: try again in a minute");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

struct Lifter<'a> {
    mirror: &'a Mirror,
    tools: &'a OpenCloudContext,
    key: &'a RobloxKey,
}

impl Lifter<'_> {
    /// Lifts a restriction and reports the user as not banned; `false` if Roblox refuses.
    async fn lift(&self, user: UserId, level: Level) -> Result<bool> {
        let (store, prefix) = (&self.tools.store, self.mirror.workspace);
        let universe = self.mirror.settings.universe;
        let sync = store.restriction_sync(prefix, user, universe).await?;
        let Some(mut sync) = sync.filter(|it| set_by_us(Some(it), level).is_some()) else {
            return Ok(true);
        };
        let intent = RequestedChange {
            level,
            content: None,
            idempotency_key: uuid::Uuid::new_v4().to_string(),
            first_sent: UnixMillis::now(),
            done: false,
        };
        sync.requested.retain(|it| it.level != level);
        sync.requested.push(intent.clone());
        if !self.ask(user, &mut sync, &intent).await? {
            return Ok(false);
        }
        sync.requested.retain(|it| it.level != level);
        sync.applied.retain(|it| it.level != level);
        self.note(user, &sync).await?;
        self.report(user, level).await?;
        Ok(true)
    }

    /// Requests the change within Roblox's rate limits, with retries; `false` if Roblox refuses.
    async fn ask(
        &self,
        user: UserId,
        sync: &mut RestrictionSync,
        intent: &RequestedChange,
    ) -> Result<bool> {
        let limits = RobloxLimits::default();
        let ask = RestrictionRequest {
            level: intent.level,
            change: RestrictionChange::Lift,
            idempotency_key: intent.idempotency_key.clone(),
            first_sent: intent.first_sent,
        };
        for attempt in 0..ATTEMPTS {
            sleep_until(limits.next_change(&sync.updates, UnixMillis::now())).await;
            tokio::time::sleep(Duration::from_millis(RobloxLimits::SPACING)).await;
            let before = sync.updates.clone();
            sync.updates = limits.with_change(&before, UnixMillis::now());
            self.note(user, sync).await?;
            let universe = self.mirror.settings.universe;
            let pause = match self
                .tools
                .roblox
                .change(self.key, universe, user, &ask)
                .await
            {
                Ok(()) => return Ok(true),
                Err(error @ RobloxError::Unauthorized { .. }) => return Err(error.into()),
                Err(RobloxError::Refused { .. }) => return Ok(false),
                Err(RobloxError::RateLimited { retry_after }) => {
                    sync.updates = before;
                    retry_after.unwrap_or(Duration::from_secs(1 << attempt.min(4)))
                }
                Err(RobloxError::Unavailable(_)) => Duration::from_secs(1 << attempt.min(4)),
            };
            tokio::time::sleep(pause).await;
        }
        Ok(false)
    }

    async fn note(&self, user: UserId, sync: &RestrictionSync) -> Result<()> {
        let (prefix, universe) = (self.mirror.workspace, self.mirror.settings.universe);
        // If this is interrupted, the mirror of another experience checks the user again.
        let due = (!sync.requested.is_empty())
            .then(|| UnixMillis::from_millis(UnixMillis::now().millis() + (LEASE + 5) * 1000));
        let noting = self
            .tools
            .store
            .save_sync(prefix, user, universe, sync, due, false);
        Ok(noting.await?)
    }

    /// Corrects the experience's report if it says that the user is banned at this level.
    async fn report(&self, user: UserId, level: Level) -> Result<()> {
        let (store, prefix) = (&self.tools.store, self.mirror.workspace);
        let (universe, experience) = (self.mirror.settings.universe, self.mirror.experience);
        let state = store
            .sync_state(prefix, user, universe, &[experience])
            .await?;
        let nothing = |_| MirroredChanges {
            bans: false,
            unbans: false,
        };
        let places = store
            .mirrored_places(prefix, user, state.standings, nothing)
            .await?;
        if places.iter().any(|place| place.reported_at == Some(level)) {
            store
                .report_applied(prefix, user, experience, None, BY)
                .await?;
        }
        Ok(())
    }
}

async fn sleep_until(moment: UnixMillis) {
    let left = moment.millis().saturating_sub(UnixMillis::now().millis());
    tokio::time::sleep(Duration::from_millis(left)).await;
}
