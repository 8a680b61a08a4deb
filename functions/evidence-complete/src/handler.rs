//! Completes an upload: the file becomes available if it is what was declared.

use shared::api::auth::{Caller, WriteEvidence};
use shared::api::evidence::EvidenceReply;
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::store::{EvidenceBucket, Store};

pub async fn handle(
    caller: Caller<WriteEvidence>,
    request: ApiRequest,
    store: Store,
    bucket: EvidenceBucket,
) -> Result<Reply, ApiError> {
    let guid = request.guid_in_path()?;
    let evidence = store
        .complete_evidence(caller.prefix(), guid, caller.key_id().into(), &bucket)
        .await?;
    EvidenceReply::without_link(&caller, &evidence).reply()
}
