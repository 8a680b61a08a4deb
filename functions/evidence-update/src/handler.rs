//! Changes the metadata of a piece: the fields of the body replace those of the same name.

use serde_json::{Map, Value, json};
use shared::api::auth::{Caller, WriteEvidence};
use shared::api::evidence::EvidenceReply;
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::domain::ids::Guid;
use shared::domain::rules::Meaning;
use shared::store::Store;

pub async fn handle(
    caller: Caller<WriteEvidence>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let guid = request.guid_in_path()?;
    let change = request.body()?.into_map();
    let name = request.idempotency_key(&meaning(guid, &change))?;
    let named = name.as_ref().map(|name| (caller.key_id(), name));
    let evidence = store
        .change_evidence_metadata(caller.prefix(), guid, &change, named)
        .await?;
    EvidenceReply::without_link(&caller, &evidence).reply()
}

fn meaning(guid: Guid, change: &Map<String, Value>) -> Meaning {
    let parts = [
        "evidence-metadata",
        &guid.to_string(),
        &json!(change).to_string(),
    ];
    Meaning::of_parts(&parts)
}
