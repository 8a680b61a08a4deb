//! Links accounts on the word of another registry, and unlinks them.

use lambda_http::http::Method;
use shared::api::account_links::LinkInfo;
use shared::api::auth::{Caller, ImportLinks};
use shared::api::{ApiRequest, Reply};
use shared::domain::account_links::{LinkPair, LinkSide};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::rules::Meaning;
use shared::store::Store;

pub async fn handle(
    caller: Caller<ImportLinks>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    if request.method() == Method::DELETE {
        return remove(&caller, &request, &store).await;
    }
    let pair = parse(&request)?;
    let meaning = Meaning::of_parts(&[
        "link-import",
        &pair.roblox.to_string(),
        &pair.discord.to_string(),
    ]);
    let name = request.idempotency_key(&meaning)?;
    let (prefix, by) = (caller.prefix(), caller.link_actor());
    let link = store.import_link(prefix, pair, &by, name.as_ref()).await?;
    LinkInfo::changed(&request, link.as_ref())
}

async fn remove(
    caller: &Caller<ImportLinks>,
    request: &ApiRequest,
    store: &Store,
) -> Result<Reply, ApiError> {
    let mut path = request.path();
    let user: Option<UserId> = path.id("id");
    let user = path.build(|| user)?;
    let meaning = Meaning::of_parts(&["link-remove", &user.to_string()]);
    let name = request.idempotency_key(&meaning)?;
    let (account, by) = (LinkSide::Roblox(user), caller.link_actor());
    store
        .remove_account_link(caller.prefix(), account, &by, name.as_ref())
        .await?;
    LinkInfo::changed(request, None)
}

fn parse(request: &ApiRequest) -> Result<LinkPair, ApiError> {
    let mut path = request.path();
    let roblox = path.id("id");
    let mut body = request.body()?;
    let discord = body.discord_id("discordId");
    body.take_errors_of(path);
    body.build(|| {
        Some(LinkPair {
            roblox: roblox?,
            discord: discord?,
        })
    })
}
