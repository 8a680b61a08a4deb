//! Bans up to 100 users, each like a single call.

use shared::api::auth::{BulkBans, Caller};
use shared::api::bulk::{BulkCall, BulkCaller, bulk_reply};
use shared::api::{ApiRequest, BanQuery, Reply, read_ban};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::rules::Scope;
use shared::moderation::bulk::{AT_ONCE, UserCall};
use shared::moderation::{self, NumberBlock};
use shared::store::{Shows, Store};

pub async fn handle(
    caller: Caller<BulkBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let now = UnixMillis::now().seconds();
    let mut query = request.query();
    let flags = BanQuery::read(&mut query);
    let whole = BulkCall::parse(&request, query, |fields| read_ban(fields, flags, now))?;
    let authority = caller.authority(now);
    if whole
        .calls
        .iter()
        .any(|(ban, _)| ban.scope == Scope::Global)
    {
        authority.demand_global()?;
    }
    let rights = caller.link_rights();
    let is_linked = store.check_link(rights, whole.place).await?.is_linked();
    let is_capped = store.counts_bans(rights.prefix, authority.limits).await?;
    let at_once = if is_linked && !is_capped { AT_ONCE } else { 1 };

    let calls = whole.calls.iter();
    let meanings: Vec<_> = calls.map(|(ban, intent)| intent.meaning(ban)).collect();
    let is_dry_run = whole.is_dry_run;
    let begun = BulkCaller::begin(&caller, &authority, &request, &store, &meanings, is_dry_run);
    let bulk_caller = begun.await?;
    let numbers = NumberBlock::of(whole.calls.len());
    let (authority, numbers, bulk_caller) = (&authority, &numbers, &bulk_caller);
    let of_user = whole
        .calls
        .iter()
        .zip(&meanings)
        .map(|((ban, intent), meaning)| {
            let shows = Shows::Latest(ban.scope);
            let decide = move |store: Store| async move {
                let (place, moderator) = ((ban.user, ban.place), Some(ban.moderator));
                let context = bulk_caller.context(&store, place, moderator, meaning, shows);
                let context = context.await?;
                let decided =
                    moderation::ban(&store, &context, ban, *intent, authority, Some(numbers)).await;
                numbers.ended();
                decided
            };
            UserCall {
                user: ban.user,
                shows,
                decide,
            }
        });
    bulk_reply(&bulk_caller.run(&store, at_once, of_user.collect()).await?)
}
