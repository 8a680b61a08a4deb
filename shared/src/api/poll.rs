//! A game server's poll for what its experience has yet to apply. Both polls use it.

use serde::Serialize;

use crate::api::auth::{Caller, ReadBans};
use crate::api::cursor::Cursors;
use crate::api::{ApiRequest, PageList, Reply};
use crate::domain::ban_info::BanInfo;
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::domain::ids::PlaceId;
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

/// A pending change: its ban, and what a game server needs to apply and report it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownItem<'a> {
    #[serde(flatten)]
    ban: BanInfo,
    revision: u32,
    /// How many attempts have failed, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<u64>,
}

struct Poll {
    place: PlaceId,
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
    let fetch = |experience| async move {
        let page = store.pending(pending, prefix, experience, after, poll.limit, now);
        Ok((experience, page.await?))
    };
    let linked = store.with_link(caller.link_rights(), poll.place, now, fetch);
    let ((experience, (items, mut next)), is_linked) = linked.await?;
    if is_linked {
        store.record_poll(prefix, experience, now);
    }
    // The first page starts with the oldest.
    if poll.after.is_none() {
        let oldest = items.first().map(|item| &item.ban);
        let age = store.pending_age(pending, prefix, experience, oldest, now);
        request.trace().note_pending(experience, age);
    }

    // A pending ban has not been applied with its current terms; a ban whose unban is pending has
    // been.
    let applied = pending == Pending::Unbans;
    let presenter = caller.presenter(now);
    let mut list = PageList::of(poll.limit);
    let mut reached = None;
    for item in &items {
        let failures = item.failures.as_ref();
        let shown = ShownItem {
            ban: presenter.show(&item.ban, applied),
            revision: item.ban.revision,
            failures: failures.map(|failures| failures.count),
            error: failures.and_then(|failures| failures.error.as_deref()),
            not_before: failures.map(|failures| failures.not_before.0),
        };
        if !list.add(&shown)? {
            next = reached;
            break;
        }
        reached = Some(item.position);
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
    let place = query.id::<PlaceId>("experienceId");
    let limit = query.limit();
    let route = match pending {
        Pending::Bans => "pending-bans",
        Pending::Unbans => "pending-unbans",
    };
    let cursors = Cursors::new(caller, store, route).with("experienceId", place);
    let after = cursors.open(&mut query).await?;
    query.build(|| {
        Some(Poll {
            place: place?,
            after,
            limit: limit?,
            cursors,
        })
    })
}
