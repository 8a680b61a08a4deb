//! All bans of the workspace, or of one experience, as a JSON file.

use shared::api::auth::{Caller, ReadBans};
use shared::api::export::{Json, export};
use shared::api::{ApiRequest, Reply};
use shared::domain::error::ApiError;
use shared::store::{ExportBucket, Store};

pub async fn handle(
    caller: Caller<ReadBans>,
    request: ApiRequest,
    store: Store,
    bucket: ExportBucket,
) -> Result<Reply, ApiError> {
    let mut query = request.query();
    let experience = query.optional_id("experienceId");

    query.build(|| Some(()))?;

    if let Some(experience) = experience {
        store
            .demand_link_where_strict(caller.prefix(), experience)
            .await?;
    }
    let format = Json::default();
    export(&caller, &store, &bucket, experience, format).await
}
