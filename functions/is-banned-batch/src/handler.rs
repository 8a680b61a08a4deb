//! Checks up to 100 users at once, for servers that start with players and for audits.

use serde::Serialize;
use shared::api::auth::{Caller, CheckManyUsers};
use shared::api::{ApiRequest, Reply};
use shared::domain::ban_info::BanInfo;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{PlaceId, UserId};
use shared::domain::rules::Standing;
use shared::store::{Consistency, Store};

/// The most users in one call.
const MOST: usize = 100;

pub async fn handle(
    caller: Caller<CheckManyUsers>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let check = parse(&request)?;
    let checked = check.users.len();
    let caller = caller.count_checks(&store, checked)?;
    let prefix = caller.prefix();
    let place = store.resolve(prefix, check.place).await?;
    let users = store
        .steady_standings(prefix, &check.users, place, check.consistency)
        .await?;
    let now = UnixMillis::now().seconds();
    let presenter = caller.check_presenter(now);
    let banned = |standing: &Standing| {
        let ban = standing.counting(now)?;
        let applied = standing.here.report == Some(ban.current());
        Some(presenter.show(ban, applied))
    };
    Reply::json(&Batch {
        status: "ok",
        banned: users.standings.iter().filter_map(banned).collect(),
        checked,
        unprocessed: users.unprocessed,
    })
}

/// The answer. The users are in the order of the request.
#[derive(Serialize)]
struct Batch {
    status: &'static str,
    banned: Vec<BanInfo>,
    /// How many different users the request names.
    checked: usize,
    unprocessed: Vec<UserId>,
}

struct Check {
    place: PlaceId,
    users: Vec<UserId>,
    consistency: Consistency,
}

fn parse(request: &ApiRequest) -> Result<Check, ApiError> {
    let mut body = request.body()?;
    let place = body.id("experienceId");
    let users = body.ids("userIds", MOST);
    let consistency = match body.optional_flag("consistent") {
        Some(true) => Consistency::Strong,
        _ => Consistency::Eventual,
    };
    body.build(|| {
        Some(Check {
            place: place?,
            users: users?,
            consistency,
        })
    })
}
