//! A piece of evidence without its content.

use shared::api::auth::{Caller, ReadEvidence};
use shared::api::evidence::EvidenceReply;
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::store::{EvidenceBucket, Store};

pub async fn handle(
    caller: Caller<ReadEvidence>,
    request: ApiRequest,
    store: Store,
    bucket: EvidenceBucket,
) -> Result<Reply, ApiError> {
    let guid = request.guid_in_path()?;
    let evidence = store.evidence(caller.prefix(), guid).await?;
    EvidenceReply::with_link(&caller, &evidence, &bucket)
        .await?
        .reply()
}
