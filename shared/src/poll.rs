//! A poll of a game server: what its experience has yet to apply. Both polls are this one.

use serde::Serialize;

use crate::auth::{Caller, ReadBans};
use crate::ban_info::BanInfo;
use crate::clock::Moment;
use crate::cursor::CursorScope;
use crate::error::ApiError;
use crate::http::{ApiRequest, Reply};
use crate::ids::{ExperienceId, WorkspaceId};
use crate::store::{Pending, PollPosition, Store};

/// A page of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The bans.
    pub list: Vec<BanInfo>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

struct Poll {
    experience: ExperienceId,
    after: Option<PollPosition>,
    limit: usize,
    scope: CursorScope,
}

/// Answers a poll.
pub async fn poll(
    pending: Pending,
    caller: &Caller<ReadBans>,
    request: &ApiRequest,
    store: &Store,
) -> Result<Reply, ApiError> {
    let poll = parse(pending, caller.workspace(), request)?;
    let link = store.link(caller, poll.experience).await?;
    let now = Moment::now().seconds();
    let (bans, next) = store
        .pending(
            pending,
            caller.tag(),
            poll.experience,
            poll.after.as_ref(),
            poll.limit,
            now,
        )
        .await?;
    store.establish(caller, link, now).await?;
    store.note_poll(caller.tag(), poll.experience, now);
    // The first page begins with the oldest.
    if poll.after.is_none() {
        let oldest = bans.first();
        let age = store.pending_age(pending, caller.tag(), poll.experience, oldest, now);
        request.trace().note_pending(poll.experience, age);
    }

    // A pending ban has not been applied as it stands; one whose unban is pending has been.
    let completed = pending == Pending::Unbans;
    let view = caller.view(now);
    let page = Page {
        list: bans.iter().map(|ban| view.show(ban, completed)).collect(),
        next_cursor: next.map(|position| poll.scope.seal(&write_position(&position))),
    };
    Ok(Reply::json(&page)?.varying(caller.view_varies()))
}

fn parse(pending: Pending, workspace: WorkspaceId, request: &ApiRequest) -> Result<Poll, ApiError> {
    let mut query = request.query();
    let experience = query.id::<ExperienceId>("experienceId");
    let limit = query.limit();
    let named = experience.map(ExperienceId::get).unwrap_or_default();
    let scope = CursorScope::new(workspace, &format!("pending {pending:?} {named}"));
    let after = scope.open(&mut query, read_position);
    query.build(|| {
        Some(Poll {
            experience: experience?,
            after,
            limit: limit?,
            scope,
        })
    })
}

fn write_position(position: &PollPosition) -> String {
    format!("{}|{}", position.range, position.user)
}

fn read_position(text: &str) -> Option<PollPosition> {
    let (range, user) = text.split_once('|')?;
    Some(PollPosition {
        range: range.to_owned(),
        user: user.parse().ok()?,
    })
}
