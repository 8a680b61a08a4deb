//! What the product reaches out to: an endpoint of each workspace, and Roblox.

pub mod leases;
pub mod moods;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use end_to_end::{TestApp, Workspace};
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::webhooks::{DeliveryState, EndpointId};

use crate::history::{Arrived, Ending, KeptOut, Place};
use crate::plan::MIRRORED;
use crate::schedules::{DELIVER, EACH_MINUTE, MIRROR, SWEEP};
use crate::stage::Stage;

/// How long what is left may take when all is over.
const LEFT: Duration = Duration::from_secs(30);

/// How long to wait for processes that still have something in hand.
const BUSY: Duration = Duration::from_secs(4);

/// What a workspace has outside.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The name of its endpoint at the receiver.
    pub hook: String,
    endpoint: EndpointId,
    /// The universe of its mirrored experiences.
    pub universe: u64,
    /// The key for it.
    pub key: String,
}

impl Outside {
    /// Sends a workspace's events to an endpoint and mirrors some of its experiences.
    pub async fn of(workspace: &Workspace<'_>, number: usize) -> Self {
        let hook = format!("workspace-{number}");
        let universe = 90 + u64::try_from(number).unwrap_or_default();
        let key = format!("key of {universe}");
        for place in MIRRORED.get(number).copied().unwrap_or_default() {
            workspace.mirror(*place, universe, &key).await;
        }
        Self {
            endpoint: workspace.add_webhook(&hook).await,
            hook,
            universe,
            key,
        }
    }

    /// Adds to what is known in the end what is known outside.
    pub async fn tell(&self, workspace: &Workspace<'_>, ending: &mut Ending) {
        let app = workspace.app();
        let arrived = app.receiver().deliveries(&self.hook);
        ending.arrived = arrived
            .iter()
            .map(|delivery| Arrived {
                id: delivery.id().to_owned(),
                body: String::from_utf8_lossy(&delivery.body).into_owned(),
                problem: delivery.problem.clone(),
            })
            .collect();
        let deliveries = workspace.deliveries(self.endpoint).await;
        let open = deliveries.iter().filter(|delivery| {
            let status = delivery.last.as_ref().and_then(|last| last.status);
            let is_taken = status.is_some_and(|status| (200..300).contains(&status));
            delivery.state != DeliveryState::Delivered || !is_taken
        });
        ending.undelivered = open.map(|delivery| format!("{delivery:?}")).collect();
        ending.kept_out = self.kept_out(app);
        ending.changes = self.changes(app);
        let over = app.roblox().violations().into_iter();
        let over = over.filter(|violation| violation.universe == self.universe);
        ending.over_limits = over.map(|violation| format!("{violation:?}")).collect();
    }

    fn changes(&self, app: &TestApp) -> BTreeMap<UserId, Vec<String>> {
        let mut changes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let all = app.roblox().logs().into_iter();
        for change in all.filter(|change| change.universe == self.universe) {
            let Some(user) = UserId::new(change.user) else {
                continue;
            };
            let line = format!(
                "{}: {} at {:?}, \"{}\" for {:?} s",
                change.at.as_millisecond(),
                if change.restriction.active {
                    "restricted"
                } else {
                    "let in"
                },
                change.place,
                change.restriction.private_reason,
                change.restriction.seconds,
            );
            changes.entry(user).or_default().push(line);
        }
        changes
    }

    fn kept_out(&self, app: &TestApp) -> BTreeMap<(Option<ExperienceId>, UserId), KeptOut> {
        let active = app.roblox().active(self.universe).into_iter();
        active
            .filter_map(|((place, user), restriction)| {
                let ends = restriction.ends();
                let kept_out = KeptOut {
                    until: ends.and_then(|at| u64::try_from(at.as_second()).ok()),
                    reason: restriction.private_reason,
                };
                let place = place.and_then(ExperienceId::new);
                Some(((place, UserId::new(user)?), kept_out))
            })
            .collect()
    }
}

/// Waits until what is left is done, everybody outside being well: what waits for its time is brought
/// due, and the schedules see to it. Nothing, or what is wrong.
pub async fn come_to_rest(stage: &Stage<'_>, places: &[Place]) -> Option<String> {
    let end = Instant::now() + LEFT;
    loop {
        leases::end_all(stage, BUSY).await;
        for workspace in &stage.workspaces {
            workspace.bring_due().await;
        }
        for (function, schedule) in [(DELIVER, EACH_MINUTE), (MIRROR, SWEEP)] {
            if let Err(problem) = stage.app.try_run_schedule(function, schedule).await {
                return Some(problem);
            }
        }
        if let Err(problem) = stage.app.quiet_within(LEFT).await {
            return Some(problem);
        }
        let mut left = 0;
        for (workspace, place) in stage.workspaces.iter().zip(places) {
            left += workspace.bring_due().await;
            for experience in &place.mirrored {
                left += workspace.pending_bans(experience.get()).await.len();
                left += workspace.pending_unbans(experience.get()).await.len();
            }
        }
        // What is still left is for the checker to tell.
        if left == 0 || Instant::now() > end {
            return None;
        }
    }
}
