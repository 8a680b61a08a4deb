//! The link of a Roblox or Discord account.

use serde::Serialize;
use shared::api::account_links::LinkInfo;
use shared::api::auth::{Caller, ReadLinks};
use shared::api::{ApiRequest, Reply};
use shared::domain::account_links::LinkSide;
use shared::domain::error::ApiError;
use shared::store::Store;

/// What begins the path of a Discord account.
const DISCORD: &str = "/api/v1/links/discord/";

#[derive(Serialize)]
struct Found {
    status: &'static str,
    #[serde(flatten)]
    link: LinkInfo,
}

pub async fn handle(
    caller: Caller<ReadLinks>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let account = parse(&request)?;
    let found = store.account_link(caller.prefix(), account).await?;
    let link = found.ok_or(ApiError::NotFound("this account is not linked"))?;
    Reply::json(&Found {
        status: "ok",
        link: LinkInfo::from(&link),
    })
}

fn parse(request: &ApiRequest) -> Result<LinkSide, ApiError> {
    let mut path = request.path();
    let account = if request.is_below(DISCORD) {
        path.discord_id("id").map(LinkSide::Discord)
    } else {
        path.id("id").map(LinkSide::Roblox)
    };
    path.build(|| account)
}
