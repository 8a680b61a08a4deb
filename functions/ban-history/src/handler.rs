//! One ban and its history.

use serde::Serialize;
use shared::auth::{Caller, ReadBans};
use shared::ban_info::BanInfo;
use shared::clock::Moment;
use shared::error::ApiError;
use shared::event::Event;
use shared::http::{ApiRequest, Reply};
use shared::ids::Guid;
use shared::rules::DecisionKind;
use shared::store::{PastDecision, Recorded, Store};

/// How many events are shown, the newest ones. With the longest reasons that is 4 MB, and Lambda
/// takes an answer of 6 MB.
const SHOWN: usize = 1000;

/// How many seconds before a ban's guid was minted its first decision is looked for, since the
/// guid of an imported ban may come from another clock.
const SLACK: u64 = 3600;

/// The documented ban with its events after it.
#[derive(Serialize)]
struct BanWithEvents {
    #[serde(flatten)]
    ban: BanInfo,
    events: Vec<Event>,
}

/// Reads the ban by its guid, then what was decided on its user since.
pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let guid = parse(&request)?;
    let Recorded { mut ban, completed } = store
        .ban_of_guid(caller.tag(), guid)
        .await?
        .ok_or(ApiError::NotFound("the workspace has no ban of this guid"))?;
    let since = guid.created().minus(SLACK).0.saturating_mul(1000);
    let decisions = store
        .history_and_expiries(caller.tag(), ban.user, Moment::from_millis(since))
        .await?;
    let mut decisions: Vec<PastDecision> = decisions
        .into_iter()
        .filter(|decision| decision.ban.guid == guid)
        .collect();
    // They are kept by time, and no two environments need agree on it.
    decisions.sort_by_key(|past| (past.ban.decisions, past.kind == DecisionKind::Expired));

    let applied_revision = completed.then_some(ban.revision);
    // The list that the ban was found in may trail the history by a moment.
    if let Some(last) = decisions
        .last()
        .filter(|last| last.ban.decisions > ban.decisions)
    {
        ban = last.ban.clone();
    }
    let view = caller.view(Moment::now().seconds());
    let shown = decisions.split_off(decisions.len().saturating_sub(SHOWN));
    let answer = BanWithEvents {
        ban: view.show(&ban, Some(ban.revision) == applied_revision),
        events: shown
            .iter()
            .map(|decision| Event::of(decision, &view))
            .collect(),
    };
    Ok(Reply::json(&answer)?.varying(caller.view_varies()))
}

fn parse(request: &ApiRequest) -> Result<Guid, ApiError> {
    let mut path = request.path();
    let guid = path.guid("guid");
    path.build(|| guid)
}
