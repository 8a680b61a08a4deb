//! Adds evidence to a ban: a text, or a file to be uploaded.

mod parse;

use shared::api::auth::{Caller, WriteEvidence};
use shared::api::evidence::EvidenceReply;
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::domain::evidence::{EvidenceBody, NewEvidence, NewEvidenceBody};
use shared::store::{EvidenceBucket, Store};

use self::parse::Creation;

pub async fn handle(
    caller: Caller<WriteEvidence>,
    request: ApiRequest,
    store: Store,
    bucket: EvidenceBucket,
) -> Result<Reply, ApiError> {
    let prefix = caller.prefix();
    let creation = Creation::parse(&request)?;
    let key = request.idempotency_key(&creation.meaning())?;
    let user = match creation.user {
        Some(user) => {
            store.demand_ban(prefix, user, creation.case).await?;
            user
        }
        None => store.user_of_ban(prefix, creation.case).await?,
    };
    let new = NewEvidence {
        case: creation.case,
        user,
        body: creation.body,
        metadata: creation.metadata,
        key_id: caller.key_id().to_owned(),
        channel: None,
        moderator: creation.moderator,
    };
    let evidence = store.create_evidence(prefix, &new, key.as_ref()).await?;
    let reply = EvidenceReply::without_link(&caller, &evidence);
    let reply = match (&new.body, &evidence.body) {
        (NewEvidenceBody::Text(text), _) => reply.hint_about(text),
        (_, EvidenceBody::File(file)) if evidence.state.awaits_upload() => {
            reply.upload(bucket.upload(prefix, evidence.guid, file).await?)
        }
        _ => reply,
    };
    reply.reply()
}
