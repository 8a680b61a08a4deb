//! Changes the role of a member of a group, and records the change.

use serde::Serialize;
use shared::api::auth::{Caller, WriteGroups};
use shared::api::{ApiRequest, Reply};
use shared::domain::activity::RoleSummary;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::store::Store;

use crate::apply::apply;
use crate::failure;
use crate::groups::Groups;
use crate::record::{activity, record, summaries};
use crate::request::parse;

/// The answer; the member's roles only if the caller prefers that.
#[derive(Serialize)]
struct Changed<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [RoleSummary]>,
}

pub async fn handle(
    caller: Caller<WriteGroups>,
    request: ApiRequest,
    store: Store,
    groups: &Groups,
) -> Result<Reply, ApiError> {
    let wanted = parse(&request)?;
    let (prefix, key_id) = (caller.prefix(), caller.key_id());
    let now = UnixMillis::now().seconds();
    let name = request.idempotency_key(&wanted.meaning())?;
    let allowed = store.cached_group(prefix, wanted.group).await?;
    let allowed = allowed.ok_or(ApiError::Forbidden(
        "the operator has not allowed changes in this group",
    ))?;
    let admitted = allowed.policy.admit(wanted.wanted);
    admitted.map_err(failure::of_refusal)?;
    if let Some(name) = &name
        && store.is_repeat(prefix, key_id, name, now).await?
    {
        return answer(&request, None);
    }
    let group = groups.open(wanted.group, &allowed).await?;
    let (user, policy) = (wanted.user, &allowed.policy);
    let applied = apply(&group, policy, user, wanted.wanted, &store).await?;
    if applied.is_changed {
        record(prefix, &activity(&caller, wanted, &applied), &store).await?;
    }
    if let Some(failure) = applied.failure {
        return Err(failure);
    }
    if let Some(name) = &name {
        store.record_success(prefix, key_id, name, now).await?;
    }
    answer(&request, Some(&summaries(&applied.held)))
}

fn answer(request: &ApiRequest, held: Option<&[RoleSummary]>) -> Result<Reply, ApiError> {
    let roles = held.filter(|_| request.prefers_representation());
    let reply = Reply::json(&Changed {
        status: "ok",
        roles,
    })?;
    Ok(match roles {
        Some(_) => reply.preferred(),
        None => reply,
    })
}
