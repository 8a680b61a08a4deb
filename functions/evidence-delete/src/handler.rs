//! Removes a piece of evidence and its file.

use shared::api::auth::{Caller, WriteEvidence};
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
    store
        .remove_evidence(caller.prefix(), guid, caller.key_id().into(), &bucket)
        .await?;
    Reply::changed(&caller, None)
}
