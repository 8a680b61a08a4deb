//! Unbans up to 100 users, each like a single call.

use shared::api::auth::{BulkBans, Caller};
use shared::api::bulk::{BulkCall, BulkCaller, bulk_reply};
use shared::api::{ApiRequest, Reply, UnbanQuery, read_unban};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::rules::UnbanRequest;
use shared::moderation;
use shared::moderation::bulk::{AT_ONCE, UserCall};
use shared::store::{Shows, Store};

pub async fn handle(
    caller: Caller<BulkBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let mut query = request.query();
    let flags = UnbanQuery::read(&mut query, caller.is_game_server());
    let whole = BulkCall::parse(&request, query, |fields| read_unban(fields, flags))?;
    let authority = caller.authority(UnixMillis::now().seconds());
    let link = store.check_link(caller.link_rights(), whole.place).await?;
    let at_once = if link.is_linked() { AT_ONCE } else { 1 };

    let meanings: Vec<_> = whole.calls.iter().map(UnbanRequest::meaning).collect();
    let is_dry_run = whole.is_dry_run;
    let begun = BulkCaller::begin(&caller, &authority, &request, &store, &meanings, is_dry_run);
    let bulk_caller = begun.await?;
    let (authority, bulk_caller) = (&authority, &bulk_caller);
    let shows = Shows::Counting;
    let of_user = whole
        .calls
        .iter()
        .zip(&meanings)
        .map(|(unban, meaning)| UserCall {
            user: unban.user,
            shows,
            decide: move |store: Store| async move {
                let place = (unban.user, unban.place);
                let context = bulk_caller.context(&store, place, unban.moderator, meaning, shows);
                moderation::unban(&store, &context.await?, unban, authority).await
            },
        });
    bulk_reply(&bulk_caller.run(&store, at_once, of_user.collect()).await?)
}
