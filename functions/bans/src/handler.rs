//! The ban list, newest first.

use shared::api::auth::{Caller, ReadBans};
use shared::api::cursor::Cursors;
use shared::api::poll::Page;
use shared::api::{ApiRequest, PageList, Reply};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{Guid, PlaceId};
use shared::domain::rules::Scope;
use shared::store::{Filter, Store};

/// The most bans that one call reads for a filter without an index. The page may then be shorter
/// than its limit, and the cursor continues from there.
const EXAMINED: usize = 2000;

/// The smallest page size for reading them.
const SIFTED: usize = 400;

struct List {
    /// Without the experience.
    filter: Filter,
    place: Option<PlaceId>,
    before: Option<Guid>,
    limit: usize,
    cursors: Cursors,
}

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let List {
        mut filter,
        place,
        before,
        limit,
        cursors,
    } = parse(&caller, &request, &store).await?;
    if let Some(place) = place {
        filter.experience = Some(store.experience_of(caller.prefix(), place).await?);
    }
    let now = UnixMillis::now().seconds();
    let presenter = caller.presenter(now);
    let wanted = if filter.needs_filtering() {
        limit.max(SIFTED)
    } else {
        limit
    };
    let mut bans = store.ban_list(caller.prefix(), &filter, before, Some(wanted));

    let mut list = PageList::of(limit);
    // The last ban that was read, of those that belong to this page.
    let mut reached = None;
    let mut examined = 0;
    let mut goes_on = false;
    while let Some(recorded) = bans.next().await? {
        goes_on = list.is_complete() || examined == EXAMINED;
        if goes_on {
            break;
        }
        if filter.matches(&recorded.ban, now) {
            goes_on = !list.add(&recorded.listed(&presenter))?;
            if goes_on {
                break;
            }
        }
        examined += 1;
        reached = Some(recorded.ban.guid);
    }
    let next_cursor = cursors.seal_next(reached.filter(|_| goes_on)).await?;
    Ok(Reply::json(&Page { list, next_cursor })?.varying(caller.needs_vary_header()))
}

async fn parse(
    caller: &Caller<ReadBans>,
    request: &ApiRequest,
    store: &Store,
) -> Result<List, ApiError> {
    let mut query = request.query();
    let scopes = [("Experience", Scope::Experience), ("Global", Scope::Global)];
    let filter = Filter {
        user: query.optional_id("userId"),
        experience: None,
        moderator: query.optional_id("moderatorId"),
        scope: query.optional_word("banType", &scopes),
        active: query.optional_flag("isActive"),
    };
    let place = query.optional_id("experienceId");
    let limit = query.limit();
    let scope = filter.scope.map(|scope| match scope {
        Scope::Experience => "Experience",
        Scope::Global => "Global",
    });
    let cursors = Cursors::new(caller, store, "bans")
        .with("userId", filter.user)
        .with("experienceId", place)
        .with("moderatorId", filter.moderator)
        .with("banType", scope)
        .with("isActive", filter.active);
    let before = cursors.open(&mut query).await?;
    query.build(|| {
        Some(List {
            filter,
            place,
            before,
            limit: limit?,
            cursors,
        })
    })
}
