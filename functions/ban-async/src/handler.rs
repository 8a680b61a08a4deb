//! Bans a user, changes a ban, records a report, or accepts an appeal.

use shared::api::auth::{Caller, WriteBans};
use shared::api::{ApiRequest, Reply};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::rules::CallDigest;
use shared::moderation::{self, Intent};
use shared::store::{Actor, Named, Shows, Store, WriteContext};

use crate::request::parse;

pub async fn handle(
    caller: Caller<WriteBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let now = UnixMillis::now().seconds();
    let (ban, intent) = parse(&request, now)?;
    let authority = caller.authority(now);
    let meaning = match intent {
        Intent::Ban => ban.meaning(),
        Intent::Appeal => ban.meaning_as_appeal(),
    };
    let idempotency = request.idempotency_key(&meaning)?;
    let name = idempotency.as_ref().map(|key| key.name.as_str());
    let shows = Shows::Latest(ban.scope);
    let digest = CallDigest::new(caller.key_id(), name, &meaning);
    let context = WriteContext {
        user: ban.user,
        prefix: caller.prefix(),
        link: store
            .check_link(caller.link_rights(), ban.experience)
            .await?,
        actor: Actor {
            key_id: caller.key_id().to_owned(),
            moderator: Some(ban.moderator),
            principal: None,
            request_id: request.id().to_owned(),
        },
        limits: authority.limits,
        idempotency: idempotency.map(|key| Named { key, shows }),
        digest: Some(digest),
    };
    let committed = moderation::ban(&store, &context, &ban, intent, &authority).await?;

    let answer = if request.prefers_representation() {
        store.answer(&context, &committed, shows).await?
    } else {
        None
    };
    Reply::changed(&caller, answer.as_ref())
}
