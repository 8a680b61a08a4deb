//! Looks up the links of many accounts, for role sync and for lists of players.

use serde::{Serialize, Serializer};
use shared::api::account_links::LinkInfo;
use shared::api::auth::{Caller, ReadLinks};
use shared::api::{ApiRequest, Reply};
use shared::domain::account_links::LinkSide;
use shared::domain::error::ApiError;
use shared::store::Store;

/// The most accounts in one call.
const MOST: usize = 100;

/// The answer. The results are in the order of the request: the Discord users, then the Roblox users.
#[derive(Serialize)]
struct LookedUp {
    status: &'static str,
    results: Vec<LookUpResult>,
}

#[derive(Serialize)]
struct LookUpResult {
    #[serde(serialize_with = "as_sent")]
    input: LinkSide,
    found: bool,
    #[serde(flatten)]
    link: Option<LinkInfo>,
}

pub async fn handle(
    caller: Caller<ReadLinks>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let mut body = request.body()?;
    let accounts = body.link_sides(MOST);
    let accounts = body.build(|| accounts)?;
    let links = store.account_links(caller.prefix(), &accounts).await?;
    let results = accounts
        .into_iter()
        .zip(links)
        .map(|(input, link)| LookUpResult {
            input,
            found: link.is_some(),
            link: link.as_ref().map(LinkInfo::from),
        });
    Reply::json(&LookedUp {
        status: "ok",
        results: results.collect(),
    })
}

/// A Roblox id as a number, a Discord id as a string.
fn as_sent<S: Serializer>(side: &LinkSide, serializer: S) -> Result<S::Ok, S::Error> {
    match side {
        LinkSide::Roblox(user) => user.serialize(serializer),
        LinkSide::Discord(user) => user.serialize(serializer),
    }
}
