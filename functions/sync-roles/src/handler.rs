//! One run over the workspaces that have rules: first whom recent events are about, then the next of all
//! linked people in turn.

use shared::api::invocation::Invocation;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::moderation::role_sync::{RoleSync, RoleTools};
use shared::store::{ACCOUNT_LINK_SHARDS, RoleSyncState, RuledWorkspace, Store};

use crate::budget::Budget;
use crate::events;

/// The seconds between two runs: in each, another workspace comes first.
const EVERY: u64 = 300;

/// What a run has no time for is left to the next one. Two runs that overlap do the same twice, which changes
/// nothing. A workspace that fails does not keep the others from their turn.
pub async fn handle(invocation: Invocation, tools: &RoleTools) {
    let mut budget = Budget::new(invocation.ends);
    if let Err(error) = run(&invocation.store, tools, &mut budget).await {
        budget.error = Some(error);
    }
    invocation.end_run(&budget.run, budget.error.as_ref());
}

async fn run(store: &Store, tools: &RoleTools, budget: &mut Budget) -> Result<(), ApiError> {
    let mut workspaces = store.ruled_workspaces().await?;
    if workspaces.is_empty() {
        return Ok(());
    }
    let round = UnixMillis::now().seconds().0.checked_div(EVERY);
    let round = usize::try_from(round.unwrap_or_default()).unwrap_or_default();
    let first = round.checked_rem(workspaces.len()).unwrap_or_default();
    workspaces.rotate_left(first);
    for (done, workspace) in workspaces.iter().enumerate() {
        if !budget.allows_person() {
            break;
        }
        let share = budget.share(workspaces.len().saturating_sub(done));
        if let Err(error) = sync(store, tools, workspace, share, budget).await {
            budget.error = Some(error);
        }
    }
    Ok(())
}

/// Does a workspace's share of the run, and saves how far it came.
async fn sync(
    store: &Store,
    tools: &RoleTools,
    workspace: &RuledWorkspace,
    share: usize,
    budget: &mut Budget,
) -> Result<(), ApiError> {
    let prefix = workspace.prefix;
    let mut state = match &workspace.state {
        Some(state) => state.clone(),
        // What happened before the first rule, the first round applies.
        None => RoleSyncState {
            events: store.log_head(prefix, true).await?.into(),
            ..RoleSyncState::default()
        },
    };
    let mut sync = RoleSync::begin(store, tools, prefix, &workspace.rules).await?;
    let mut left = share;
    let done = async {
        events::apply(
            store,
            prefix,
            &mut sync,
            &mut state.events,
            &mut left,
            budget,
        )
        .await?;
        in_turn(store, workspace, &mut sync, &mut state, &mut left, budget).await
    };
    let done = done.await;
    if workspace.state.as_ref() != Some(&state) {
        store.save_role_sync(prefix, &state).await?;
    }
    done
}

/// Visits the next linked people one by one, until the share is used up or everyone was visited. A person
/// whose items cannot be read does not keep the others from their turn.
async fn in_turn(
    store: &Store,
    workspace: &RuledWorkspace,
    sync: &mut RoleSync<'_>,
    state: &mut RoleSyncState,
    left: &mut usize,
    budget: &mut Budget,
) -> Result<(), ApiError> {
    let mut ended_shards = 0;
    while *left > 0 && ended_shards < ACCOUNT_LINK_SHARDS {
        if !budget.allows_person() || sync.is_stopped() {
            break;
        }
        let (links, next) = store
            .links_in_turn(workspace.prefix, &state.turn, 1)
            .await?;
        for link in links {
            match sync.apply(link.pair.discord).await {
                Ok(outcomes) if sync.is_stopped() => {
                    budget.count(&outcomes);
                    return Ok(());
                }
                Ok(outcomes) => budget.count(&outcomes),
                Err(error) if error.status() == 503 => return Err(error),
                Err(error) => budget.error = Some(error),
            }
            *left = left.saturating_sub(1);
        }
        ended_shards = ended_shards.saturating_add(u64::from(next.begins_a_shard()));
        state.turn = next;
    }
    Ok(())
}
