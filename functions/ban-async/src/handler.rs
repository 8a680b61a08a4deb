//! Bans a user, changes a ban, records a report, or accepts an appeal.

use shared::api::auth::{Caller, WriteBans};
use shared::api::{ApiRequest, Reply, parse_ban};
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
    let now = UnixMillis::now().seconds();
    let (ban, intent) = parse_ban(&request, now)?;
    let authority = caller.authority(now);
    let meaning = intent.meaning(&ban);
    let idempotency = request.idempotency_key(&meaning)?;
    let name = idempotency.as_ref().map(|key| key.name.as_str());
    let shows = Shows::Latest(ban.scope);
    let digest = CallDigest::new(caller.key_id(), name, &meaning);
    let context = WriteContext {
        user: ban.user,
        prefix: caller.prefix(),
        link: store.check_link(caller.link_rights(), ban.place).await?,
        actor: Actor {
            key_id: caller.key_id().to_owned(),
            channel: caller.channel(),
            moderator: Some(ban.moderator),
            principal: None,
            request_id: request.id().to_owned(),
        },
        limits: authority.limits,
        idempotency: idempotency.map(|key| Named { key, shows }),
        digest: Some(digest),
        dry_run: None,
    };
    let committed = moderation::ban(&store, &context, &ban, intent, &authority, None).await?;

    let answer = if request.prefers_representation() {
        store.answer(&context, &committed, shows).await?
    } else {
        None
    };
    Reply::changed(&caller, answer.as_ref())
}
