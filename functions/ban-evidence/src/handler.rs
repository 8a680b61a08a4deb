//! The evidence for a ban, newest first.

use shared::api::auth::{Caller, ReadEvidence};
use shared::api::cursor::Cursors;
use shared::api::poll::Page;
use shared::api::{ApiRequest, PageList, Reply};
use shared::domain::error::ApiError;
use shared::domain::evidence::AttachedEvidence;
use shared::domain::ids::{Guid, UserId};
use shared::store::Store;

struct List {
    case: Guid,
    user: Option<UserId>,
    before: Option<Guid>,
    limit: usize,
    cursors: Cursors,
}

pub async fn handle(
    caller: Caller<ReadEvidence>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let reading = parse(&caller, &request, &store).await?;
    let prefix = caller.prefix();
    let user = match reading.user {
        Some(user) => {
            store.demand_ban(prefix, user, reading.case).await?;
            user
        }
        None => store.user_of_ban(prefix, reading.case).await?,
    };
    let case = (user, reading.case);
    let page = store
        .evidence_of_ban(prefix, case, reading.before, reading.limit)
        .await?;
    let mut list = PageList::of(reading.limit);
    let (mut reached, mut next) = (None, page.next);
    for piece in &page.pieces {
        if !list.add(&AttachedEvidence::of(piece, caller.workspace()))? {
            next = reached;
            break;
        }
        reached = Some(piece.guid);
    }
    let next_cursor = reading.cursors.seal_next(next).await?;
    Reply::json(&Page { list, next_cursor })
}

async fn parse(
    caller: &Caller<ReadEvidence>,
    request: &ApiRequest,
    store: &Store,
) -> Result<List, ApiError> {
    let mut path = request.path();
    let case = path.guid("guid");
    let mut query = request.query();
    let user = query.optional_id("userId");
    let limit = query.limit();
    let cursors = Cursors::new(caller, store, "ban-evidence").with("guid", case);
    let before = cursors.open(&mut query).await?;
    path.take_errors_of(query);
    path.build(|| {
        Some(List {
            case: case?,
            user,
            before,
            limit: limit?,
            cursors,
        })
    })
}
