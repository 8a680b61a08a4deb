//! The services the product calls: a webhook endpoint of each workspace, and Roblox.

pub mod failures;
pub mod leases;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use end_to_end::{TestApp, Workspace};
use local_stack::roblox::{Group, Key};
use shared::domain::ids::{ExperienceId, UserId};
use shared::domain::webhooks::{DeliveryState, EndpointId};
use shared::store::GroupSettings;

use crate::history::{ActiveRestriction, FinalState, ReceivedEvent, WorkspaceInfo};
use crate::plan::{GROUPS, MEMBER_RANK, MIRRORED, Plan, RANKS, rank_of, role_of};
use crate::recorder::Recorder;
use crate::schedules::{DELIVER, EACH_MINUTE, MIRROR, SWEEP};

/// How long the remaining work may take after the run.
const DRAIN_TIME: Duration = Duration::from_secs(30);

/// How long to wait for busy processes.
const BUSY: Duration = Duration::from_secs(4);

/// The fakes of a workspace.
#[derive(Clone, Debug)]
pub struct Fakes {
    /// The name of its endpoint at the receiver.
    pub hook: String,
    endpoint: EndpointId,
    /// The universe of its mirrored experiences.
    pub universe: u64,
    /// The key of the universe and of the group.
    pub key: String,
    group: u64,
}

/// Who owns the keys, and their rank.
const OWNER: u64 = 50;
const OWNER_RANK: u64 = 250;

impl Fakes {
    /// Sends a workspace's events to an endpoint, mirrors some of its experiences, and lets it change
    /// ranks in a group.
    pub async fn of(workspace: &Workspace<'_>, number: usize, plan: &Plan) -> Self {
        let hook = format!("workspace-{number}");
        let universe = 90 + u64::try_from(number).unwrap_or_default();
        let key = format!("key of {universe}");
        for place in MIRRORED.get(number).copied().unwrap_or_default() {
            workspace.mirror(*place, universe, &key).await;
        }
        let group = GROUPS.get(number).copied().unwrap_or_default();
        let roblox = workspace.app().roblox();
        let owner = OWNER + universe;
        let of_owner = Key {
            owner,
            ..Key::new(&[universe])
        };
        roblox.set_key(&key, of_owner);
        roblox.set_group(group, members(group, owner, plan));
        let secret = format!("portcullis/local/{universe}");
        let change = |settings: &mut GroupSettings| settings.owner = UserId::new(owner);
        workspace.allow_group(group, &secret, change).await;
        Self {
            group,
            endpoint: workspace.add_webhook(&hook).await,
            hook,
            universe,
            key,
        }
    }

    /// Adds what the fakes recorded to the final state.
    pub async fn record_final_state(
        &self,
        workspace: &Workspace<'_>,
        plan: &Plan,
        final_state: &mut FinalState,
    ) {
        let app = workspace.app();
        let received = app.receiver().deliveries(&self.hook);
        final_state.received = received
            .iter()
            .map(|delivery| ReceivedEvent {
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
        final_state.undelivered = open.map(|delivery| format!("{delivery:?}")).collect();
        final_state.restrictions = self.restrictions(app);
        final_state.changes = self.changes(app);
        let member = |user: u64| {
            let roles = app.roblox().roles_of(self.group, user).into_iter();
            let ranks = roles.filter_map(|role| rank_of(self.group, role));
            Some((UserId::new(user)?, ranks.collect()))
        };
        final_state.ranks = plan.users().filter_map(member).collect();
        let changes = app.roblox().role_changes();
        let assigned = changes.iter().filter_map(|change| {
            let (role, user) = change.strip_prefix("assign ")?.split_once(' ')?;
            let rank = rank_of(self.group, role.parse().ok()?)?;
            Some((rank, UserId::new(user.parse().ok()?)?))
        });
        final_state.assigned = assigned.collect();
        let over = app.roblox().violations().into_iter();
        let over = over.filter(|violation| violation.universe == self.universe);
        final_state.over_limits = over.map(|violation| format!("{violation:?}")).collect();
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
                    "unrestricted"
                },
                change.place,
                change.restriction.private_reason,
                change.restriction.seconds,
            );
            changes.entry(user).or_default().push(line);
        }
        changes
    }

    fn restrictions(
        &self,
        app: &TestApp,
    ) -> BTreeMap<(Option<ExperienceId>, UserId), ActiveRestriction> {
        let active = app.roblox().active(self.universe).into_iter();
        active
            .filter_map(|((place, user), restriction)| {
                let ends = restriction.ends();
                let restrictions = ActiveRestriction {
                    until: ends.and_then(|at| u64::try_from(at.as_second()).ok()),
                    reason: restriction.private_reason,
                };
                let place = place.and_then(ExperienceId::new);
                Some(((place, UserId::new(user)?), restrictions))
            })
            .collect()
    }
}

/// A group of all users, who can be given any of the ranks.
fn members(group: u64, owner: u64, plan: &Plan) -> Group {
    let ranks = RANKS.chain([MEMBER_RANK, OWNER_RANK]);
    let roles: Vec<_> = ranks.map(|rank| (role_of(group, rank), rank)).collect();
    let base = role_of(group, MEMBER_RANK);
    let empty = Group::new(&roles).with(owner, &[base, role_of(group, OWNER_RANK)]);
    plan.users()
        .fold(empty, |group, user| group.with(user, &[base]))
}

/// Waits until the remaining work is done while all fakes behave: makes retries due and runs the
/// schedules. Returns what is wrong.
pub async fn drain(recorder: &Recorder<'_>, places: &[WorkspaceInfo]) -> Option<String> {
    let end = Instant::now() + DRAIN_TIME;
    loop {
        leases::end_all_leases(recorder, BUSY).await;
        for workspace in &recorder.workspaces {
            workspace.bring_due().await;
        }
        for (function, schedule) in [(DELIVER, EACH_MINUTE), (MIRROR, SWEEP)] {
            if let Err(problem) = recorder.app.try_run_schedule(function, schedule).await {
                return Some(problem);
            }
        }
        if let Err(problem) = recorder.app.quiet_within(DRAIN_TIME).await {
            return Some(problem);
        }
        let mut left = 0;
        for (workspace, place) in recorder.workspaces.iter().zip(places) {
            left += workspace.bring_due().await;
            for experience in &place.mirrored {
                left += workspace.pending_bans(experience.get()).await.len();
                left += workspace.pending_unbans(experience.get()).await.len();
            }
        }
        // The checker reports what is still left.
        if left == 0 || Instant::now() > end {
            return None;
        }
    }
}
