//! Changes a member's roles at Roblox, step by step, and reports what was changed.

use std::time::Duration;

use shared::api::invocation::STEP;
use shared::domain::error::ApiError;
use shared::domain::ids::{RoleId, UserId};
use shared::domain::rules::group_roles::{
    GroupRole, RoleMode, RolePlan, RolePolicy, RoleStep, WantedRole,
};
use shared::domain::rules::group_roles::{RoleRefusal, plan};
use shared::integrations::roblox::{GroupMember, RobloxError, TIME_LIMIT};
use shared::store::Store;

use crate::failure;
use crate::groups::Group;

/// The time to look up whether an unanswered change was made.
const LOOK_UP: Duration = Duration::from_secs(2);

/// The time for a change, for looking up whether it was made, and for recording it.
const WHOLE_CHANGE: Duration = TIME_LIMIT.saturating_add(LOOK_UP).saturating_add(STEP);

/// How often a change is sent. The time limit allows two unanswered attempts.
const ATTEMPTS: u32 = 2;

/// What a call has changed, completely or not.
#[derive(Debug)]
pub struct AppliedChange {
    pub is_changed: bool,
    pub mode: RoleMode,
    /// The requested role.
    pub role: GroupRole,
    /// The member's roles before.
    pub previous: Vec<GroupRole>,
    /// The member's roles afterwards.
    pub held: Vec<GroupRole>,
    /// Why the rest was not changed.
    pub failure: Option<ApiError>,
}

/// Brings a member to the wanted role.
pub async fn apply(
    group: &Group<'_>,
    policy: &RolePolicy,
    user: UserId,
    wanted: WantedRole,
    store: &Store,
) -> Result<AppliedChange, ApiError> {
    let cached = group.cached_roles();
    let is_cached = cached.is_some();
    let mut roles = match cached {
        Some(roles) => roles,
        None => group.fresh_roles().await?,
    };
    let member = group.member(user).await?;
    let held = member.as_ref().map_or(&[][..], |member| &member.roles);
    let mut planned = plan(policy, &roles, held, wanted);
    let may_be_new = matches!(
        planned,
        Err(RoleRefusal::NoSuchRole | RoleRefusal::UnknownRole)
    );
    if is_cached && may_be_new {
        roles = group.fresh_roles().await?;
        planned = plan(policy, &roles, held, wanted);
    }
    let planned = planned.map_err(failure::of_refusal)?;
    let member = member.ok_or(RoleRefusal::NotAMember);
    let member = member.map_err(failure::of_refusal)?;
    let named = |id: &RoleId| roles.iter().find(|role| role.id == *id).cloned();
    let previous = member.roles.iter().filter_map(named).collect();
    let ran = run(group, user, member, &planned, store).await;
    Ok(AppliedChange {
        is_changed: ran.is_changed,
        mode: policy.mode,
        role: planned.target().clone(),
        previous,
        held: ran.member.roles.iter().filter_map(named).collect(),
        failure: ran.failure.map(failure::of_roblox),
    })
}

/// The steps that were made.
struct Ran {
    /// The member afterwards.
    member: GroupMember,
    is_changed: bool,
    failure: Option<RobloxError>,
}

/// Makes the changes in order until one fails.
async fn run(
    group: &Group<'_>,
    user: UserId,
    before: GroupMember,
    planned: &RolePlan,
    store: &Store,
) -> Ran {
    let mut ran = Ran {
        member: before,
        is_changed: false,
        failure: None,
    };
    for step in planned.steps() {
        if let Err(error) = make(group, user, step, &mut ran, store).await {
            ran.failure = Some(error);
            return ran;
        }
    }
    // A simultaneous call for another role may have removed this one.
    let target = planned.target().id;
    if ran.is_changed && !ran.member.roles.contains(&target) {
        match change(group, &ran.member, RoleStep::Assign(target), store).await {
            Ok(after) => ran.member = after,
            Err(error) => ran.failure = Some(error),
        }
    }
    ran
}

/// Makes one change. One that Roblox neither answers nor has made is sent again, which has no second
/// effect: otherwise Roblox could make it later, and nothing would record it.
async fn make(
    group: &Group<'_>,
    user: UserId,
    step: RoleStep,
    ran: &mut Ran,
    store: &Store,
) -> Result<(), RobloxError> {
    let mut attempts = 1..=ATTEMPTS;
    loop {
        let is_last = attempts.next() == Some(ATTEMPTS);
        let error = match change(group, &ran.member, step, store).await {
            Ok(after) => {
                (ran.member, ran.is_changed) = (after, true);
                return Ok(());
            }
            Err(error @ RobloxError::Unavailable(_)) => error,
            Err(error) => return Err(error),
        };
        if let Some(after) = look_up(group, user, step, store).await {
            (ran.member, ran.is_changed) = (after, true);
            return Err(error);
        }
        if is_last || !store.has_time(WHOLE_CHANGE) {
            return Err(error);
        }
    }
}

/// Makes one change, if there is time for it, for looking up whether it was made, and for recording it.
async fn change(
    group: &Group<'_>,
    member: &GroupMember,
    step: RoleStep,
    store: &Store,
) -> Result<GroupMember, RobloxError> {
    if !store.has_time(WHOLE_CHANGE) {
        let late = "too little time is left for a change";
        return Err(RobloxError::Unavailable(late.to_owned()));
    }
    group.change(member, step).await
}

/// The member, if an unanswered change was made.
async fn look_up(
    group: &Group<'_>,
    user: UserId,
    step: RoleStep,
    store: &Store,
) -> Option<GroupMember> {
    if !store.has_time(LOOK_UP.saturating_add(STEP)) {
        return None;
    }
    let looking = tokio::time::timeout(LOOK_UP, group.member(user)).await;
    let member = looking.ok()?.ok()??;
    let is_made = match step {
        RoleStep::Assign(role) => member.roles.contains(&role),
        RoleStep::Unassign(role) => !member.roles.contains(&role),
    };
    is_made.then_some(member)
}
