//! Lifts a ban, or records a report that an unban was applied.

use shared::api::auth::{Caller, WriteBans};
use shared::api::{ApiRequest, Reply, parse_unban};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::rules::CallDigest;
use shared::moderation;
use shared::store::{Actor, Named, Shows, Store, WriteContext};

pub async fn handle(
    caller: Caller<WriteBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let unban = parse_unban(&request, caller.is_game_server())?;
    let authority = caller.authority(UnixMillis::now().seconds());
    let meaning = unban.meaning();
    let idempotency = request.idempotency_key(&meaning)?;
    let name = idempotency.as_ref().map(|key| key.name.as_str());
    let shows = Shows::Counting;
    let digest = CallDigest::new(caller.key_id(), name, &meaning);
    let context = WriteContext {
        user: unban.user,
        prefix: caller.prefix(),
        link: store.check_link(caller.link_rights(), unban.place).await?,
        actor: Actor {
            key_id: caller.key_id().to_owned(),
            channel: caller.channel(),
            moderator: unban.moderator,
            principal: None,
            request_id: request.id().to_owned(),
        },
        limits: authority.limits,
        idempotency: idempotency.map(|key| Named { key, shows }),
        digest: Some(digest),
        dry_run: None,
    };
    let committed = moderation::unban(&store, &context, &unban, &authority).await?;

    let answer = if request.prefers_representation() {
        store.answer(&context, &committed, shows).await?
    } else {
        None
    };
    Reply::changed(&caller, answer.as_ref())
}
