//! Decides what a user needs now, and saves the state of their restrictions.

use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::rules::mirror::{MirrorPlan, RestrictionSync, UserWork};

use crate::universe::Universe;

/// What to do for a user.
#[derive(Debug)]
pub enum Prepared {
    /// Nothing.
    Nothing,
    /// Nothing until this time.
    BackOff(UnixMillis),
    /// Changes and reports.
    Ready(Box<ReadyUser>),
}

/// A user with changes or reports to make.
#[derive(Debug)]
pub struct ReadyUser {
    pub user: UserId,
    pub plan: MirrorPlan,
    pub sync: RestrictionSync,
    /// Whether the sync is stored.
    pub is_saved: bool,
    /// Since when the change is pending; none if the user is due for a retry.
    pub since: Option<UnixSeconds>,
}

/// Reads a user's state and decides what they need now.
pub async fn prepare(
    universe: &Universe,
    user: UserId,
    since: Option<UnixSeconds>,
) -> Result<Prepared, ApiError> {
    let (store, prefix, now) = (&universe.store, universe.prefix, UnixMillis::now());
    let places = universe.experiences();
    let state = store.sync_state(prefix, user, universe.id, &places).await?;
    let is_saved = state.sync.is_some();
    let sync = state.sync.unwrap_or_default();
    if let Some(until) = sync.backs_off_until(now) {
        return Ok(Prepared::BackOff(until));
    }
    let mirrors = |place| universe.mirrors(place);
    let places = store
        .mirrored_places(prefix, user, state.standings, mirrors)
        .await?;
    let mut ready = ReadyUser {
        user,
        plan: MirrorPlan::default(),
        sync,
        is_saved,
        since,
    };
    let is_recheck = is_saved && since.is_none();
    let work = ready
        .sync
        .next_work(&places, is_recheck, universe.limits, now);
    match work {
        UserWork::Nothing => Ok(Prepared::Nothing),
        UserWork::Close => {
            // The plan of a stopped place is empty, so its work stays open.
            if !universe.is_any_stopped() {
                ready.close(universe).await?;
            }
            Ok(Prepared::Nothing)
        }
        UserWork::BackOff(until) => {
            ready.sync.retry_at = Some(until);
            ready.save(universe, Some(until)).await?;
            Ok(Prepared::BackOff(until))
        }
        UserWork::Apply(plan) => {
            ready.plan = plan;
            Ok(Prepared::Ready(Box::new(ready)))
        }
    }
}

impl ReadyUser {
    /// Saves the sync; `due` is when to look at the user again.
    pub async fn save(
        &mut self,
        universe: &Universe,
        due: Option<UnixMillis>,
    ) -> Result<(), ApiError> {
        let saving = universe.store.save_sync(
            universe.prefix,
            self.user,
            universe.id,
            &self.sync,
            due,
            self.is_saved,
        );
        saving.await?;
        self.is_saved = true;
        Ok(())
    }

    /// Saves that nothing is pending any more.
    pub async fn close(&mut self, universe: &Universe) -> Result<(), ApiError> {
        self.sync = std::mem::take(&mut self.sync).closed();
        self.save(universe, None).await
    }
}
