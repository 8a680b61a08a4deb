//! One ban and its history.

use serde::Serialize;
use shared::api::auth::{Caller, ReadBans};
use shared::api::cursor::Cursors;
use shared::api::{ApiRequest, PageList, Reply};
use shared::domain::ban_info::BanInfo;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::event::Event;
use shared::domain::ids::Guid;
use shared::domain::rules::DecisionKind;
use shared::store::{BanRecord, HistoryPosition, Store};

/// How many seconds before a ban's guid was generated to search for its first decision: the guid of
/// an imported ban may come from another clock.
const SLACK: u64 = 3600;

/// The ban as documented, followed by its events.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BanWithEvents {
    #[serde(flatten)]
    ban: BanInfo,
    events: PageList,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

struct Reading {
    guid: Guid,
    after: Option<HistoryPosition>,
    limit: usize,
    cursors: Cursors,
}

/// Reads the ban by its guid, then a page of its decisions.
pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let reading = parse(&caller, &request, &store).await?;
    let BanRecord {
        mut ban, applied, ..
    } = store
        .ban_of_guid(caller.prefix(), reading.guid)
        .await?
        .ok_or(ApiError::NotFound(
            "the workspace has no ban with this guid",
        ))?;
    let since = reading.guid.created().minus(SLACK).0.saturating_mul(1000);
    let page = store
        .history_of_ban(
            caller.prefix(),
            (ban.user, reading.guid),
            UnixMillis::from_millis(since),
            reading.after,
            reading.limit,
        )
        .await?;

    let presenter = caller.presenter(UnixMillis::now().seconds());
    let applied_revision = applied.then_some(ban.revision);
    let mut events = PageList::of(reading.limit);
    let (mut order, mut reached, mut next) = (Vec::new(), None, page.next);
    for (position, decision) in page.decisions {
        if !events.add(&Event::of(&decision, &presenter))? {
            next = reached;
            break;
        }
        reached = Some(position);
        // Sort by number: the order in storage is by time, and the clocks of environments differ.
        order.push((position.number, decision.kind == DecisionKind::Expired));
        // The list that contained the ban may be older than the history.
        if decision.ban.decisions > ban.decisions {
            ban = decision.ban;
        }
    }
    events.order_by(order);
    let answer = BanWithEvents {
        ban: presenter.show(&ban, Some(ban.revision) == applied_revision),
        events,
        next_cursor: reading.cursors.seal_next(next).await?,
    };
    Ok(Reply::json(&answer)?.varying(caller.needs_vary_header()))
}

async fn parse(
    caller: &Caller<ReadBans>,
    request: &ApiRequest,
    store: &Store,
) -> Result<Reading, ApiError> {
    let mut path = request.path();
    let guid = path.guid("guid");
    let mut query = request.query();
    let limit = query.limit();
    let cursors = Cursors::new(caller, store, "ban-history").with("guid", guid);
    let after = cursors.open(&mut query).await?;
    path.take_errors_of(query);
    path.build(|| {
        Some(Reading {
            guid: guid?,
            after,
            limit: limit?,
            cursors,
        })
    })
}
