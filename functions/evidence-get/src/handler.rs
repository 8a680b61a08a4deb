//! A piece of evidence with its content: the text, or a link to the file.

use shared::api::auth::{Caller, ReadEvidence};
use shared::api::evidence::EvidenceReply;
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::domain::evidence::EvidenceBody;
use shared::store::{EvidenceBucket, Store};

pub async fn handle(
    caller: Caller<ReadEvidence>,
    request: ApiRequest,
    store: Store,
    bucket: EvidenceBucket,
) -> Result<Reply, ApiError> {
    let guid = request.guid_in_path()?;
    let evidence = store.evidence(caller.prefix(), guid).await?;
    let reply = EvidenceReply::with_link(&caller, &evidence, &bucket).await?;
    match evidence.body {
        EvidenceBody::File(_) => reply.reply(),
        EvidenceBody::Text { .. } => {
            let text = store.evidence_text(caller.prefix(), guid).await?;
            reply.content(&text).hint_about(&text).reply()
        }
    }
}
