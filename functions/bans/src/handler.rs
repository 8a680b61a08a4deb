//! Everything on record, newest first.

use shared::auth::{Caller, ReadBans};
use shared::clock::Moment;
use shared::cursor::CursorScope;
use shared::error::ApiError;
use shared::http::{ApiRequest, Reply};
use shared::ids::{Guid, WorkspaceId};
use shared::poll::Page;
use shared::rules::Scope;
use shared::store::{Filter, Store};

/// How many bans one call looks at for those that no index selects. The page may then be short of
/// its limit, and the cursor goes on from there.
const EXAMINED: usize = 2000;

/// How many of those are read at a time, at least.
const SIFTED: usize = 400;

struct List {
    filter: Filter,
    before: Option<Guid>,
    limit: usize,
    scope: CursorScope,
}

/// Lists bans.
pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let List {
        filter,
        before,
        limit,
        scope,
    } = parse(caller.workspace(), &request)?;
    let link = match filter.experience {
        Some(experience) => Some(store.link(&caller, experience).await?),
        None => None,
    };
    let now = Moment::now().seconds();
    let view = caller.view(now);
    let wanted = if filter.sifts() {
        limit.max(SIFTED)
    } else {
        limit
    };
    let mut bans = store.ledger(caller.tag(), &filter, before, Some(wanted));

    let mut list = Vec::new();
    let mut reached = None;
    let mut examined = 0;
    let mut next_cursor = None;
    while let Some(recorded) = bans.next().await? {
        if list.len() == limit || examined == EXAMINED {
            next_cursor = reached.map(|guid: Guid| scope.seal(&guid.to_string()));
            break;
        }
        examined += 1;
        reached = Some(recorded.ban.guid);
        if filter.matches(&recorded.ban, now) {
            list.push(view.show(&recorded.ban, recorded.completed));
        }
    }
    if let Some(link) = link {
        store.establish(&caller, link, now).await?;
    }
    Ok(Reply::json(&Page { list, next_cursor })?.varying(caller.view_varies()))
}

fn parse(workspace: WorkspaceId, request: &ApiRequest) -> Result<List, ApiError> {
    let mut query = request.query();
    let scopes = [("Experience", Scope::Experience), ("Global", Scope::Global)];
    let filter = Filter {
        user: query.optional_id("userId"),
        experience: query.optional_id("experienceId"),
        moderator: query.optional_id("moderatorId"),
        scope: query.optional_word("banType", &scopes),
        active: query.optional_flag("isActive"),
    };
    let limit = query.limit();
    let scope = CursorScope::new(workspace, &format!("bans {filter:?}"));
    let before = scope.open(&mut query, |position| position.parse().ok());
    query.build(|| {
        Some(List {
            filter,
            before,
            limit: limit?,
            scope,
        })
    })
}
