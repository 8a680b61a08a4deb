//! Changes the metadata of a piece: the fields of the body replace those of the same name.

use shared::api::auth::{Caller, WriteEvidence};
use shared::api::evidence::EvidenceReply;
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::store::Store;

pub async fn handle(
    caller: Caller<WriteEvidence>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let guid = request.guid_in_path()?;
    let change = request.body()?.into_map();
    let evidence = store
        .change_evidence_metadata(caller.prefix(), guid, &change)
        .await?;
    EvidenceReply::without_link(&caller, &evidence).reply()
}
