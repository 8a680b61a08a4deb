//! What a batch requires.

use std::collections::{BTreeSet, HashMap, HashSet};

use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{ExperienceId, UserId, WorkspacePrefix};
use shared::integrations::invoker::Job;
use shared::store::dynamo::stream::{ItemChange, StreamEvent};
use shared::store::{Changed, Key};

/// The entries of one workspace to be logged, in the order in which they were written.
#[derive(Debug)]
pub struct WorkspaceLog<'a> {
    pub prefix: WorkspacePrefix,
    /// Each entry with its stream record.
    pub entries: Vec<(Key, &'a ItemChange)>,
}

/// What a batch requires.
#[derive(Debug, Default)]
pub struct BatchPlan<'a> {
    /// The entries to log, by workspace.
    pub logs: Vec<WorkspaceLog<'a>>,
    /// Experiences with pending changes.
    pub pending: BTreeSet<(WorkspacePrefix, ExperienceId)>,
    /// Users whose unban was reported by an experience that had banned them.
    pub unbanned: BTreeSet<(WorkspacePrefix, UserId, ExperienceId)>,
    /// Endpoints with new deliveries.
    pub errands: HashSet<Job>,
    /// The time of the last tick in the batch.
    pub tick: Option<UnixSeconds>,
}

impl<'a> BatchPlan<'a> {
    /// The plan for a batch at the time `now`. Repeated records are planned once.
    pub fn of(event: &'a StreamEvent, now: UnixSeconds) -> Self {
        let mut plan = Self::default();
        let mut of_tag: HashMap<WorkspacePrefix, usize> = HashMap::new();
        for record in &event.records {
            let change = &record.dynamodb;
            let key = change.key();
            match Changed::of(&key) {
                Some(Changed::Entry(prefix)) => {
                    let at = *of_tag.entry(prefix).or_insert(plan.logs.len());
                    if at == plan.logs.len() {
                        let entries = Vec::new();
                        plan.logs.push(WorkspaceLog { prefix, entries });
                    }
                    if let Some(log) = plan.logs.get_mut(at)
                        && log.entries.iter().all(|(known, _)| *known != key)
                    {
                        log.entries.push((key, change));
                    }
                }
                Some(Changed::Standing(prefix, user, experience)) => {
                    if is_pending(change, now) {
                        plan.pending.insert((prefix, experience));
                    }
                    if change.lets_in() {
                        plan.unbanned.insert((prefix, user, experience));
                    }
                }
                Some(Changed::Delivery(workspace, endpoint)) => {
                    plan.errands.insert(Job::Deliver {
                        workspace,
                        endpoint,
                    });
                }
                Some(Changed::Tick) => {
                    plan.tick = plan.tick.max(change.ticked_at());
                }
                None => {}
            }
        }
        plan
    }
}

/// Whether something is pending for an experience now. An unban is written before it is due; the
/// schedule finds it then.
fn is_pending(change: &ItemChange, now: UnixSeconds) -> bool {
    let due = |owed: &str| owed.split('#').next()?.parse::<u64>().ok();
    change.owes_ban()
        || change
            .unban_owed()
            .and_then(due)
            .is_some_and(|due| due <= now.0)
}
