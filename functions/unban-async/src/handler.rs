//! Lifts a ban, or records a report that an unban was applied.

use shared::api::auth::{Caller, WriteBans};
use shared::api::{ApiRequest, Reply};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::rules::{CallDigest, UnbanRequest};
use shared::moderation;
use shared::store::{Actor, Named, Shows, Store, WriteContext};

/// The longest reason, in bytes.
const REASON: usize = 1000;

pub async fn handle(
    caller: Caller<WriteBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let unban = parse(&request, caller.is_game_server())?;
    let authority = caller.authority(UnixMillis::now().seconds());
    let meaning = unban.meaning();
    let idempotency = request.idempotency_key(&meaning)?;
    let name = idempotency.as_ref().map(|key| key.name.as_str());
    let shows = Shows::Counting;
    let digest = CallDigest::new(caller.key_id(), name, &meaning);
    let context = WriteContext {
        user: unban.user,
        prefix: caller.prefix(),
        link: store
            .check_link(caller.link_rights(), unban.experience)
            .await?,
        actor: Actor {
            key_id: caller.key_id().to_owned(),
            moderator: unban.moderator,
            principal: None,
            request_id: request.id().to_owned(),
        },
        limits: authority.limits,
        idempotency: idempotency.map(|key| Named { key, shows }),
        digest: Some(digest),
    };
    let committed = moderation::unban(&store, &context, &unban, &authority).await?;

    let answer = if request.prefers_representation() {
        store.answer(&context, &committed, shows).await?
    } else {
        None
    };
    Reply::changed(&caller, answer.as_ref())
}

fn parse(request: &ApiRequest, from_game: bool) -> Result<UnbanRequest, ApiError> {
    let mut query = request.query();
    let applied = query
        .optional_flag("experienceUnbanCompleted")
        .unwrap_or(false);
    let report_only = query.optional_flag("confirmOnly").unwrap_or(false);

    let mut body = request.body()?;
    body.take_errors_of(query);
    let user = body.id("userId");
    let experience = body.id("experienceId");
    let reason = body
        .optional_text("reason", REASON)
        .filter(|reason| !reason.is_empty());
    let moderator = body.optional_id("moderatorId");
    body.build(|| {
        Some(UnbanRequest {
            user: user?,
            experience: experience?,
            reason,
            moderator,
            applied,
            report_only,
            from_game,
        })
    })
}
