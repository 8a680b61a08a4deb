//! A game server's poll for what its experience has yet to apply. Both polls use it.

use serde::Serialize;

use crate::api::auth::{Caller, ReadBans};
use crate::api::cursor::Cursors;
use crate::api::{ApiRequest, PageList, Reply};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::ExperienceId;
use crate::store::{Pending, PollPosition, Store};

/// A page of a list of bans.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub list: PageList,
    /// The start of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

struct Poll {
    experience: ExperienceId,
    after: Option<PollPosition>,
    limit: usize,
    cursors: Cursors,
}

pub async fn poll(
    pending: Pending,
    caller: &Caller<ReadBans>,
    request: &ApiRequest,
    store: &Store,
) -> Result<Reply, ApiError> {
    let poll = parse(pending, caller, request, store).await?;
    let (prefix, now) = (caller.prefix(), UnixMillis::now().seconds());
    let after = poll.after.as_ref();
    let page = store.pending(pending, prefix, poll.experience, after, poll.limit, now);
    let linked = store.with_link(caller.link_rights(), poll.experience, now, page);
    let ((bans, mut next), is_linked) = linked.await?;
    if is_linked {
        store.record_poll(prefix, poll.experience, now);
    }
    // The first page starts with the oldest.
    if poll.after.is_none() {
        let oldest = bans.first().map(|(ban, _)| ban);
        let age = store.pending_age(pending, prefix, poll.experience, oldest, now);
        request.trace().note_pending(poll.experience, age);
    }

    // A pending ban has not been applied with its current terms; a ban whose unban is pending has
    // been.
    let applied = pending == Pending::Unbans;
    let presenter = caller.presenter(now);
    let mut list = PageList::of(poll.limit);
    let mut reached = None;
    for (ban, position) in &bans {
        if !list.add(&presenter.show(ban, applied))? {
            next = reached;
            break;
        }
        reached = Some(*position);
    }
    let page = Page {
        list,
        next_cursor: poll.cursors.seal_next(next).await?,
    };
    Ok(Reply::json(&page)?.varying(caller.needs_vary_header()))
}

async fn parse(
    pending: Pending,
    caller: &Caller<ReadBans>,
    request: &ApiRequest,
    store: &Store,
) -> Result<Poll, ApiError> {
    let mut query = request.query();
    let experience = query.id::<ExperienceId>("experienceId");
    let limit = query.limit();
    let route = match pending {
        Pending::Bans => "pending-bans",
        Pending::Unbans => "pending-unbans",
    };
    let cursors = Cursors::new(caller, store, route).with("experienceId", experience);
    let after = cursors.open(&mut query).await?;
    query.build(|| {
        Some(Poll {
            experience: experience?,
            after,
            limit: limit?,
            cursors,
        })
    })
}
